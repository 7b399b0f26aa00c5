"""A ring of keys in the hands of two processes, against a model of what each token is worth."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from campuscore.adapters.memory import open_store
from campuscore.adapters.tokens import open_access_tokens
from campuscore.adapters.tokens.material import unbase64url
from campuscore.domain.keys import Algorithm, KeyState
from campuscore.errors import Conflict, Misconfigured, Unauthenticated

from .campuses import Clock, town_on

LIFE = timedelta(minutes=5)
"""Shorter than the tokens live, so that it is seen to count."""
ACCESS = timedelta(minutes=10)
SECRETS = (b"0" * 32, b"1" * 32)
PROCESSES = st.integers(0, 1)


class RingMachine(RuleBasedStateMachine):
    """Whatever is done to the ring, one key signs, and each token counts as long as it should."""

    tokens = Bundle("tokens")

    @initialize()
    def begin(self):
        self.clock = Clock()
        self.town = town_on(open_store(self.clock), self.clock)
        self.town.user("anna", password="a long pass phrase")
        self.auths = [self.process(SECRETS[0], Algorithm.EDDSA) for _ in range(2)]
        self.left = {}
        """When each key was retired, or None once it was revoked; not for those that sign."""

    def process(self, secret, algorithm):
        auth = self.town.campus.auth
        access = open_access_tokens(secret, "test", LIFE)
        ring = evolve(auth.ring, access=access, algorithm=algorithm)
        return evolve(auth, ring=ring, keys=evolve(auth.keys, ring=ring, life=LIFE))

    def keys(self):
        return self.auths[0].keys.list(self.town.campus.operator)

    @rule(
        who=PROCESSES, secret=st.sampled_from(SECRETS), algorithm=st.sampled_from(list(Algorithm))
    )
    def restart(self, who, secret, algorithm):
        self.auths[who] = self.process(secret, algorithm)

    @rule(target=tokens, who=PROCESSES)
    def log_in(self, who):
        try:
            token = self.auths[who].login("anna", "a long pass phrase").access
        except Misconfigured:
            self.auths[who].keys.rotate(self.town.campus.operator)
            self.note()
            token = self.auths[who].login("anna", "a long pass phrase").access
        header = json.loads(unbase64url(token.partition(".")[0]))
        (active,) = (key for key in self.keys() if key.state is KeyState.ACTIVE)
        assert (header["kid"], header["alg"]) == (active.id, active.algorithm)
        return token, active, self.clock.at + ACCESS, self.auths[who].ring.access.seal

    @rule(who=PROCESSES, fresh=st.booleans())
    def rotate(self, who, fresh):
        announced = [key.id for key in self.keys() if key.state is KeyState.NEXT]
        active = self.auths[who].keys.rotate(self.town.campus.operator, fresh=fresh)
        assert active.id in announced or active.algorithm is self.auths[who].ring.algorithm
        assert not (fresh and active.id in announced)
        self.note()

    @rule(who=PROCESSES, issued=tokens, how=st.sampled_from(["retire", "revoke"]))
    def put_away(self, who, issued, how):
        getattr(self.auths[who].keys, how)(self.town.campus.operator, issued[1].id)
        self.note()

    @rule(who=PROCESSES)
    def revoke_the_next(self, who):
        for key in self.keys():
            if key.state is KeyState.NEXT:
                keys, operator = self.auths[who].keys, self.town.campus.operator
                with pytest.raises(Conflict):
                    keys.retire(operator, key.id)
                keys.revoke(operator, key.id)
        self.note()

    @rule(minutes=st.sampled_from([1, 4, 5, 10]))
    def wait(self, minutes):
        self.clock.forward(minutes=minutes)

    @rule(issued=tokens)
    def present(self, issued):
        token, key, ends, seal = issued
        for auth in self.auths:
            opens = key.algorithm is not Algorithm.HS256 or seal == auth.ring.access.seal
            counts = opens and self.clock.at < ends and self.verifies(key.id)
            with nullcontext() if counts else pytest.raises(Unauthenticated):
                auth.authenticate(token)

    def verifies(self, key_id):
        left = self.left.get(key_id, self.clock.at)
        return left is not None and self.clock.at < left + LIFE

    def note(self):
        for key in self.keys():
            if key.state is KeyState.REVOKED:
                self.left[key.id] = None
            elif key.state is KeyState.RETIRED:
                self.left.setdefault(key.id, self.clock.at)
            else:
                assert key.id not in self.left

    @invariant()
    def one_signs_and_one_follows(self):
        states = [key.state for key in self.keys()] if hasattr(self, "auths") else []
        if states:
            assert states.count(KeyState.ACTIVE) == states.count(KeyState.NEXT) == 1

    @invariant()
    def the_public_ones_that_verify_are_published(self):
        if hasattr(self, "auths"):
            published = {jwk["kid"]: jwk for jwk in self.auths[1].keys.jwks()}
            assert set(published) == {
                key.id
                for key in self.keys()
                if key.algorithm is not Algorithm.HS256 and self.verifies(key.id)
            }
            assert not any({"d", "k"} & jwk.keys() for jwk in published.values())


TestRing = RingMachine.TestCase
TestRing.settings = settings(
    deadline=None,
    max_examples=max(1, settings.default.max_examples // 2),
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)

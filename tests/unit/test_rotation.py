"""Refresh tokens: each works once, and one that comes back ends its session."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from campuscore.adapters.memory import open_store
from campuscore.domain.auth import Lifetimes, Origin, Role, SessionState
from campuscore.domain.rotation import GRACE, Family, RefreshToken, Standing, judge
from campuscore.errors import Unauthenticated

from .campuses import NOW, Clock, town_on

PASSWORD = "correct horse battery"
LAB, HOME = Origin("10.0.0.7", "lab-pc"), Origin("192.0.2.1", "thief")


@pytest.fixture
def town(store, clock):
    town = town_on(store, clock)
    town.user("anna", password=PASSWORD)
    return town


@pytest.fixture
def auth(town):
    return town.campus.auth


def works(auth, pair) -> bool:
    """Say whether the session of a pair is still open."""
    try:
        return bool(auth.authenticate(pair.access))
    except Unauthenticated:
        return False


def refuse(auth, token, origin=LAB) -> None:
    with pytest.raises(Unauthenticated) as error:
        auth.refresh(token, origin)
    assert (error.value.code, error.value.detail) == (
        "refresh_refused",
        "the refresh token is not valid",
    )


class TestGrace:
    def test_an_answer_that_was_lost_is_given_again(self, town, auth):
        first = auth.login("anna", PASSWORD, LAB)
        second = auth.refresh(first.refresh, LAB)
        town.clock.forward(seconds=10)
        again = auth.refresh(first.refresh, LAB)

        assert again.refresh == second.refresh != first.refresh
        assert works(auth, again)
        third = auth.refresh(second.refresh, LAB)
        assert third.refresh != second.refresh
        assert works(auth, third)

    @pytest.mark.parametrize("case", ["late", "successor used", "another client"])
    def test_beyond_that_the_session_ends_for_everybody(self, town, auth, case):
        first = auth.login("anna", PASSWORD, LAB)
        other = auth.login("anna", PASSWORD, LAB)
        latest = auth.refresh(first.refresh, LAB)
        if case == "late":
            town.clock.forward(seconds=10, microseconds=1)
        elif case == "successor used":
            latest = auth.refresh(latest.refresh, LAB)
        refuse(auth, first.refresh, HOME if case == "another client" else LAB)

        assert not works(auth, latest)
        refuse(auth, latest.refresh)
        assert works(auth, other)
        assert town.topics()[-1] == "session.replayed"

    def test_a_guess_ends_nothing(self, auth):
        pair = auth.login("anna", PASSWORD, LAB)
        token = RefreshToken.parse(pair.refresh)
        for guess in (
            RefreshToken.new(token.session_id),
            evolve(token, family=RefreshToken.new(0).family),
            evolve(token, session_id=token.session_id + 1),
        ):
            refuse(auth, str(guess), HOME)

        assert works(auth, pair)

    def test_a_right_family_with_a_wrong_secret_was_a_token_once(self, auth):
        pair = auth.login("anna", PASSWORD, LAB)
        refuse(auth, str(RefreshToken.parse(pair.refresh).next()))

        assert not works(auth, pair)

    def test_what_is_stored_reveals_no_token(self, town, auth):
        pair = auth.login("anna", PASSWORD, LAB)
        fresh = auth.refresh(pair.refresh, LAB)
        token = RefreshToken.parse(fresh.refresh)
        with town.store.read() as work:
            family = work.sessions.family(token.session_id)
        stored = repr(family).encode() + b"".join(
            part for part in (family.successor, family.secret_hash, family.before_hash)
        )

        assert token.secret.encode() not in stored
        assert token.family.encode() not in stored
        assert RefreshToken.parse(pair.refresh).unseal(family.successor) == token
        assert token.unseal(family.successor) != token


def a_family(token: RefreshToken, **change: object) -> Family:
    state = SessionState(
        1,
        "anna",
        Role.STUDENT,
        active=True,
        version=1,
        ended=False,
        expires_at=NOW + timedelta(days=1),
        actor=None,
        actor_counts=False,
    )
    there = {name: change.pop(name) for name in list(change) if hasattr(state, name)}
    family = Family(
        evolve(state, **there),
        NOW,
        token.family_hash,
        token.secret_hash,
        0,
        None,
        None,
        None,
        None,
    )
    return evolve(family, **change)


TOKEN = RefreshToken.new(3)


@pytest.mark.parametrize(
    ("change", "standing"),
    [
        ({}, Standing.CURRENT),
        ({"ended": True}, Standing.REFUSED),
        ({"active": False}, Standing.REFUSED),
        ({"expires_at": NOW}, Standing.REFUSED),
        ({"expires_at": NOW + timedelta(microseconds=1)}, Standing.CURRENT),
        ({"actor": 5}, Standing.REFUSED),
        ({"actor": 5, "actor_counts": True}, Standing.CURRENT),
        ({"last_used_at": NOW - Lifetimes().idle}, Standing.REFUSED),
        ({"last_used_at": NOW - Lifetimes().idle + timedelta(microseconds=1)}, Standing.CURRENT),
        ({"family_hash": b"x" * 32}, Standing.REFUSED),
        ({"secret_hash": b"x" * 32}, Standing.REPLAYED),
    ],
)
def test_a_token_counts_as_long_as_its_session(change, standing):
    assert judge(a_family(TOKEN, **change), TOKEN, None, NOW, Lifetimes()) is standing


def test_no_session_is_no_family():
    assert judge(None, TOKEN, None, NOW, Lifetimes()) is Standing.REFUSED


@given(
    since=st.timedeltas(timedelta(seconds=-20), timedelta(seconds=20)),
    agents=st.tuples(st.sampled_from("ab"), st.sampled_from("ab")),
)
def test_the_grace_is_ten_seconds_for_the_same_client(since, agents):
    family = a_family(
        TOKEN.next(),
        before_hash=TOKEN.secret_hash,
        rotated_at=NOW - since,
        rotated_by=agents[0],
    )
    within = since <= GRACE and agents[0] == agents[1]
    expected = Standing.REPEATED if within else Standing.REPLAYED

    assert judge(family, TOKEN, agents[1], NOW, Lifetimes()) is expected


@given(st.integers(0, 10**18 - 1))
def test_a_token_is_read_as_it_was_written(session):
    token = RefreshToken.new(session)
    following = token.next()

    assert RefreshToken.parse(str(token)) == token
    assert token.unseal(token.seal(following)) == following


@given(st.text() | st.text("ccr_0123456789-abcXYZ", min_size=60, max_size=80).map("ccr_1_".__add__))
def test_no_text_makes_it_crash(text):
    token = RefreshToken.parse(text)

    assert (
        token is None
        or str(token) == text
        or str(token) == f"ccr_{int(text[4:].split('_')[0])}_" + text[-65:]
    )


class Chain(RuleBasedStateMachine):
    """Clients with all the tokens they ever saw, against a model that counts generations."""

    @initialize()
    def begin(self):
        self.clock = Clock()
        store = open_store(self.clock)
        town = town_on(store, self.clock)
        town.user("anna", password=PASSWORD)
        self.auth = town.campus.auth
        self.seen = [self.auth.login("anna", PASSWORD, LAB).refresh]
        self.rotated_at = None
        self.rotated_by = None
        self.is_open = True

    @rule(seconds=st.integers(0, 15))
    def wait(self, seconds):
        self.clock.forward(seconds=seconds)

    @rule(which=st.integers(0, 30), origin=st.sampled_from([LAB, HOME]))
    def present(self, which, origin):
        generation = which % len(self.seen)
        newest = len(self.seen) - 1
        try:
            answer = self.auth.refresh(self.seen[generation], origin).refresh
        except Unauthenticated:
            answer = None
        if not self.is_open:
            assert answer is None
        elif generation == newest:
            assert answer not in {None, *self.seen}
            self.seen.append(answer)
            self.rotated_at, self.rotated_by = self.clock.at, origin
        elif generation == newest - 1 and self._in_grace(origin):
            assert answer == self.seen[newest]
        else:
            assert answer is None
            self.is_open = False

    @invariant()
    def the_service_agrees(self):
        if hasattr(self, "auth"):
            parsed = RefreshToken.parse(self.seen[-1])
            with self.auth.store.read() as work:
                family = work.sessions.family(parsed.session_id)
            assert family.state.ended is not self.is_open
            assert family.generation == len(self.seen) - 1

    def _in_grace(self, origin):
        return self.clock.at - self.rotated_at <= GRACE and origin == self.rotated_by


TestChain = Chain.TestCase


def test_a_refresh_that_was_overtaken_is_done_again(town, auth):
    first = auth.login("anna", PASSWORD, LAB)
    with town.store.read() as work:
        sessions = type(work.sessions)
    rotate = sessions.rotate
    calls = []

    def overtaken(self, session_id, old, rotation):
        calls.append(old)
        return len(calls) > 1 and rotate(self, session_id, old, rotation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "rotate", overtaken)
        second = auth.refresh(first.refresh, LAB)

    assert len(calls) == 2
    assert auth.refresh(second.refresh, LAB)

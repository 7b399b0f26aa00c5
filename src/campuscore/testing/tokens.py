"""The contract of the signer of access tokens."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from campuscore.domain.auth import Claims
from campuscore.domain.keys import Algorithm, KeyRing, KeyState
from campuscore.errors import Misconfigured, Unauthenticated, Unavailable
from campuscore.ports.auth import AccessTokens
from campuscore.testing.contract import NOON, Contract

__all__ = ["AccessTokensContract", "hold_keys"]

_LIFE, _SECOND = timedelta(minutes=10), timedelta(seconds=1)
_ENDS = (NOON + _LIFE).timestamp()
_CLAIMS = Claims(7, 3, _ENDS, version=1)


def hold_keys(access: AccessTokens, *algorithms: Algorithm) -> AccessTokens:
    """Give a signer new keys: the first is active, the others are the next ones."""
    made = [access.make(each, NOON) for each in algorithms or (Algorithm.EDDSA,)]
    access.hold(KeyRing(len(made), [evolve(made[0], state=KeyState.ACTIVE), *made[1:]]))
    return access


class AccessTokensContract(Contract):
    """What ``AccessTokens`` promises.

    The fixtures ``access`` and ``stranger`` are two AccessTokens, each of which holds keys of its
    own (``hold_keys``).
    """

    def test_without_keys_nothing_is_signed_or_believed(self, access: AccessTokens) -> None:
        token = access.issue(_CLAIMS, NOON)
        access.hold(KeyRing(access.revision + 1, []))
        assert not access.knows(token)
        assert _refusal(access, token) == "token_invalid"
        with pytest.raises(Unavailable):
            access.issue(_CLAIMS, NOON)

    def test_it_says_which_ring_it_holds(self, access: AccessTokens) -> None:
        access.hold(KeyRing(77, []))
        assert access.revision == 77

    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_what_was_signed_before_counts_until_its_key_is_revoked(
        self, access: AccessTokens, algorithm: Algorithm
    ) -> None:
        old, new = access.make(algorithm, NOON), access.make(algorithm, NOON)
        access.hold(KeyRing(1, [evolve(old, state=KeyState.ACTIVE), new]))
        token = access.issue(_CLAIMS, NOON)
        active = evolve(new, state=KeyState.ACTIVE)
        access.hold(KeyRing(2, [evolve(old, state=KeyState.RETIRED), active]))
        assert access.knows(token)
        assert access.verify(token, NOON) == _CLAIMS
        access.hold(KeyRing(3, [evolve(old, state=KeyState.REVOKED), active]))
        assert not access.knows(token)
        assert _refusal(access, token) == "token_invalid"

    @pytest.mark.parametrize("algorithm", Algorithm)
    def test_it_opens_keys_that_were_sealed_for_their_id_and_algorithm(
        self, access: AccessTokens, algorithm: Algorithm
    ) -> None:
        key = access.make(algorithm, NOON)
        other = Algorithm.ES256 if algorithm is Algorithm.EDDSA else Algorithm.EDDSA
        assert access.opens(key)
        for changed in (
            evolve(key, id="another"),
            evolve(key, algorithm=other),
            evolve(key, sealed=key.sealed[:-1]),
            evolve(key, sealed=b""),
        ):
            assert not access.opens(changed)

    def test_an_active_key_that_does_not_open_verifies_by_its_public_part(
        self, access: AccessTokens
    ) -> None:
        key = evolve(access.make(Algorithm.EDDSA, NOON), state=KeyState.ACTIVE)
        access.hold(KeyRing(1, [key]))
        token = access.issue(_CLAIMS, NOON)
        access.hold(KeyRing(2, [evolve(key, sealed=b"")]))
        assert access.verify(token, NOON) == _CLAIMS
        with pytest.raises(Misconfigured):
            access.issue(_CLAIMS, NOON)

    def test_secret_keys_that_do_not_open_verify_nothing(self, access: AccessTokens) -> None:
        key = evolve(access.make(Algorithm.HS256, NOON), state=KeyState.ACTIVE)
        access.hold(KeyRing(1, [key]))
        token = access.issue(_CLAIMS, NOON)
        access.hold(KeyRing(2, [evolve(key, sealed=b"")]))
        assert not access.knows(token)
        assert _refusal(access, token) == "token_invalid"

    def test_a_token_says_what_was_issued_until_it_expires(self, access: AccessTokens) -> None:
        claims = Claims(7, 1 << 40, _ENDS, version=5)
        token = access.issue(claims, NOON)
        for at in (NOON, NOON + _LIFE - _SECOND):
            assert access.verify(token, at) == claims
        for at in (NOON + _LIFE, NOON + 2 * _LIFE):
            assert _refusal(access, token, at=at) == "token_expired"

    @pytest.mark.parametrize("actor", [0, 1, 1 << 40])
    def test_it_says_who_acts_in_the_name_of_the_user(
        self, access: AccessTokens, actor: int
    ) -> None:
        claims = evolve(_CLAIMS, actor=actor)
        assert access.verify(access.issue(claims, NOON), NOON) == claims

    def test_tokens_are_told_apart(self, access: AccessTokens) -> None:
        tokens = [access.issue(evolve(_CLAIMS, user_id=user), NOON) for user in (1, 2)]
        assert [access.verify(token, NOON).user_id for token in tokens] == [1, 2]

    def test_a_token_of_another_signer_is_refused(
        self, access: AccessTokens, stranger: AccessTokens
    ) -> None:
        token = stranger.issue(_CLAIMS, NOON)
        assert _refusal(access, token) == "token_invalid"

    def test_a_token_with_any_character_changed_is_refused(self, access: AccessTokens) -> None:
        token = access.issue(_CLAIMS, NOON)
        for place in range(len(token)):
            other = "A" if token[place] != "A" else "B"
            changed = f"{token[:place]}{other}{token[place + 1 :]}"
            assert _refusal(access, changed) == "token_invalid"

    @pytest.mark.parametrize(
        "token", ["", ".", "..", "a.b.c", "é", "\0", "cct_x", "x" * 100_000, "a.b", "a.b.c.d"]
    )
    def test_what_is_no_token_is_refused(self, access: AccessTokens, token: str) -> None:
        assert _refusal(access, token) == "token_invalid"

    def test_an_unsigned_token_is_refused(self, access: AccessTokens) -> None:
        _, payload, signature = access.issue(_CLAIMS, NOON).split(".")
        for kind in ("none", "HS512"):
            text = json.dumps({"alg": kind, "typ": "at+jwt"}).encode()
            head = base64.urlsafe_b64encode(text).decode().rstrip("=")
            assert _refusal(access, f"{head}.{payload}.") == "token_invalid"
            assert _refusal(access, f"{head}.{payload}.{signature}") == "token_invalid"

    def test_surrounding_characters_are_refused(self, access: AccessTokens) -> None:
        token = access.issue(_CLAIMS, NOON)
        for text in (f" {token}", f"{token}\n", f"{token}=", f"{token}."):
            assert _refusal(access, text) == "token_invalid"


def _refusal(access: AccessTokens, token: str, at: datetime = NOON) -> str:
    with pytest.raises(Unauthenticated) as caught:
        access.verify(token, at)
    return caught.value.code

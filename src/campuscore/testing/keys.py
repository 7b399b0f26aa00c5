"""The contract of the repository of signing keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from campuscore.domain.keys import Algorithm, KeyRing, KeyState, SigningKey
from campuscore.errors import Conflict
from campuscore.ports.work import WorkFactory
from campuscore.testing.contract import NOON, Contract

__all__ = ["SigningKeysContract"]

_LATER = NOON + timedelta(hours=1)
_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}
_FIRST = SigningKey("one", Algorithm.EDDSA, KeyState.ACTIVE, NOON, NOON, _JWK, b"\0sealed\xff")
_SECOND = SigningKey("two", Algorithm.HS256, KeyState.NEXT, _LATER, _LATER, None, b"")


class SigningKeysContract(Contract):
    """What ``SigningKeys`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_keys_come_as_given_oldest_first(self, store: WorkFactory) -> None:
        with store.write() as work:
            assert work.keys.ring() == KeyRing(0, [])
            for key in (_FIRST, _SECOND):
                work.keys.add(key)
            work.commit()
        with store.read() as work:
            ring = work.keys.ring()
        assert list(ring.keys) == [_FIRST, _SECOND]
        assert type(ring.keys[0].algorithm) is Algorithm

    def test_a_key_is_moved_alone(self, store: WorkFactory) -> None:
        with store.write() as work:
            for key in (_FIRST, _SECOND):
                work.keys.add(key)
            assert work.keys.move("one", KeyState.RETIRED, _LATER)
            assert not work.keys.move("none", KeyState.RETIRED, _LATER)
            moved = evolve(_FIRST, state=KeyState.RETIRED, changed_at=_LATER)
            assert list(work.keys.ring().keys) == [moved, _SECOND]

    def test_the_revision_rises_with_every_change(self, store: WorkFactory) -> None:
        seen: list[int] = []
        for step in range(4):
            with store.write() as work:
                seen.append(work.keys.ring().revision)
                if step == 0:
                    work.keys.add(_FIRST)
                else:
                    work.keys.move("one", KeyState.ACTIVE, NOON)
                work.commit()
        assert sorted(set(seen)) == seen

    def test_what_is_undone_moves_nothing(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.keys.add(_FIRST)
        with store.read() as work:
            assert work.keys.ring() == KeyRing(0, [])

    def test_an_id_is_taken_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.keys.add(_FIRST)
            with pytest.raises(Conflict) as caught, work.savepoint():
                work.keys.add(_FIRST)
            assert caught.value.code == "key_exists"

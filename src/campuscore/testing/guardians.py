"""The contract of the repository of guardians."""

from __future__ import annotations

import pytest

from campuscore.errors import NotFound
from campuscore.ports.work import WorkFactory
from campuscore.testing.contract import NOBODY, NOON, Contract, add_user

__all__ = ["GuardiansContract"]


class GuardiansContract(Contract):
    """What ``Guardians`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_links_are_seen_from_both_ends_by_id(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert, mum, dad = (add_user(work, n) for n in ("anna", "bert", "mum", "dad"))
            for guardian, student in ((dad, bert), (mum, anna), (dad, anna)):
                assert work.guardians.add(guardian, student, NOON)
            work.commit()
        with store.read() as work:
            assert [each.id for each in work.guardians.of(anna)] == [mum, dad]
            assert [each.username for each in work.guardians.wards(dad)] == ["anna", "bert"]
            assert (work.guardians.of(mum), work.guardians.wards(anna)) == ([], [])
            assert (work.guardians.of(NOBODY), work.guardians.wards(NOBODY)) == ([], [])

    def test_twice_is_the_same_as_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, mum = add_user(work, "anna"), add_user(work, "mum")
            assert work.guardians.add(mum, anna, NOON)
            assert not work.guardians.add(mum, anna, NOON)
            assert len(work.guardians.of(anna)) == 1
            assert not work.guardians.remove(anna, mum)
            assert work.guardians.remove(mum, anna)
            assert not work.guardians.remove(mum, anna)
            assert work.guardians.of(anna) == []

    def test_both_are_users(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna = add_user(work, "anna")
            for pair in ((anna, NOBODY), (NOBODY, anna)):
                with pytest.raises(NotFound) as caught, work.savepoint():
                    work.guardians.add(*pair, NOON)
                assert caught.value.code == "user_not_found"

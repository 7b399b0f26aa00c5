"""The contract of a store's keeper."""

from __future__ import annotations

from pathlib import Path

import pytest

from campuscore.domain.operations import Level
from campuscore.errors import Unavailable
from campuscore.ports.operations import StoreKeeper
from campuscore.ports.work import CLOSED
from campuscore.testing.contract import Contract

__all__ = ["StoreKeeperContract"]


class StoreKeeperContract(Contract):
    """What ``StoreKeeper`` promises. The fixture ``keeper`` is that of a store not yet used."""

    def test_upgrade_brings_the_schema_to_the_head_once(self, keeper: StoreKeeper) -> None:
        standing = keeper.upgrade()
        assert standing.up_to_date
        assert standing.head
        assert keeper.status() == standing
        assert keeper.upgrade() == standing

    def test_ping_finds_a_store_that_is_open(self, keeper: StoreKeeper) -> None:
        keeper.upgrade()
        keeper.ping()
        assert keeper.shared in {True, False}

    def test_a_new_store_has_no_failures(self, keeper: StoreKeeper) -> None:
        keeper.upgrade()
        for deep in (False, True):
            found = keeper.examine(deep=deep)
            assert [each for each in found if each.level is Level.FAILURE] == []

    def test_a_copy_is_a_file_of_the_same_revision_or_refused(
        self, keeper: StoreKeeper, tmp_path: Path
    ) -> None:
        revision = keeper.upgrade().current
        target = tmp_path / "copy"
        refusal = ""
        try:
            copied = keeper.copy(target)
            assert copied.revision == revision
            assert {name for name, count in copied.counts.items() if count} <= {"audit_heads"}
            assert copied.audit == ""
            assert not copied.blobs
        except Unavailable as error:
            refusal = error.code
        assert refusal in {"", "backup_unsupported"}
        assert target.exists() != bool(refusal)

    def test_a_store_is_closed_for_good_and_may_be_closed_twice(
        self, keeper: StoreKeeper, tmp_path: Path
    ) -> None:
        keeper.upgrade()
        keeper.close()
        keeper.close()
        target = tmp_path / "copy"
        for ask in (
            keeper.status,
            keeper.upgrade,
            keeper.ping,
            keeper.examine,
            lambda: keeper.copy(target),
        ):
            with pytest.raises(Unavailable) as refused:
                ask()
            assert refused.value.code == CLOSED
        assert not target.exists()

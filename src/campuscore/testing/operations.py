"""The contract of a store's keeper."""

from __future__ import annotations

from campuscore.ports.operations import StoreKeeper
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

    def test_close_may_be_called_twice(self, keeper: StoreKeeper) -> None:
        keeper.upgrade()
        keeper.close()
        keeper.close()

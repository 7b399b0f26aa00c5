"""The contract of roster links."""

from __future__ import annotations

import pytest

from campuscore.errors import Conflict
from campuscore.ports.work import WorkFactory
from campuscore.testing.contract import Contract

__all__ = ["RosterLinksContract"]


class RosterLinksContract(Contract):
    """What ``RosterLinks`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_links_are_kept_by_source_and_kind(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.links.add("sds", "user", {"k1": 1, "Ключ": 2})
            work.links.add("sds", "group", {"k1": 3})
            work.links.add("csv", "user", {"k1": 4, "K1": 5})
            work.links.add("csv", "user", {})
            work.commit()
        with store.read() as work:
            assert work.links.of("sds", "user") == {"k1": 1, "Ключ": 2}
            assert work.links.of("sds", "group") == {"k1": 3}
            assert work.links.of("csv", "user") == {"k1": 4, "K1": 5}
            assert work.links.of("csv", "term") == {}

    def test_a_key_is_linked_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.links.add("sds", "user", {"k1": 1})
            with pytest.raises(Conflict), work.savepoint():
                work.links.add("sds", "user", {"k2": 2, "k1": 1})
            assert work.links.of("sds", "user") == {"k1": 1}

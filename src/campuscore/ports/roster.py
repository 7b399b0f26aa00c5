"""The port of roster links: which record of an outside system is which of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["RosterLinks"]


class RosterLinks(Protocol):
    """Links from (source, kind, key of the outside system) to our id."""

    def of(self, source: str, kind: str) -> dict[str, int]:
        """Return key to id for one source and kind (``user``, ``group``, ``term``)."""
        ...

    def add(self, source: str, kind: str, links: Mapping[str, int]) -> None:
        """Store new links.

        Raises
        ------
        Conflict
            A key is already linked.
        """
        ...

"""What an import did, or would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from attrs import frozen

from campuscore.domain.roster.records import Ignored

__all__ = ["ImportReport", "ImportRow", "Outcome", "Tally"]

_KINDS = ("term", "group", "user", "membership")


class Outcome(StrEnum):
    """What became of one record."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ENDED = "ended"
    SKIPPED = "skipped"


@frozen
class ImportRow:
    """What became of one record; ``file`` is empty and ``line`` 0 where the row is gone."""

    file: str
    line: int
    kind: str
    key: str
    outcome: Outcome
    detail: str = ""


@frozen
class Tally:
    """How many records of one kind had which outcome."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ended: int = 0
    skipped: int = 0

    @property
    def changes(self) -> int:
        """How many records were changed."""
        return self.created + self.updated + self.ended


@frozen
class ImportReport:
    """The outcome of an import, counted for each kind (term, group, user, membership) and by row.

    A dry run gives the same report as the import would, but for ``dry_run``.
    """

    source: str
    dry_run: bool
    counts: Mapping[str, Tally]
    rows: tuple[ImportRow, ...]
    ignored: tuple[Ignored, ...]

    @classmethod
    def of(
        cls, source: str, rows: Iterable[ImportRow], ignored: tuple[Ignored, ...], *, dry_run: bool
    ) -> ImportReport:
        """Count the rows."""
        kept = tuple(rows)
        numbers = {kind: dict.fromkeys(map(str, Outcome), 0) for kind in _KINDS}
        for row in kept:
            numbers[row.kind][row.outcome] += 1
        counts = {kind: Tally(**each) for kind, each in numbers.items()}
        return cls(source, dry_run, counts, kept, ignored)

    @property
    def changes(self) -> int:
        """How many records were created, updated or ended."""
        return sum(tally.changes for tally in self.counts.values())

"""What a transfer has found and done so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from attrs import define, field

from campuscore.domain.roster import Ignored, ImportReport, ImportRow, Outcome, Place, Tally
from campuscore.domain.transfer import KINDS, Broken
from campuscore.errors import CampusError, Invalid, Problem

__all__ = ["Ledger"]

R = TypeVar("R")

_MOST_PROBLEMS = 200


@define
class Ledger:
    """The report as it grows: counts of every record, and rows but for unchanged check-ins."""

    skip_broken: bool
    rows: list[ImportRow] = field(factory=list[ImportRow])
    counts: Counter[tuple[str, Outcome]] = field(factory=Counter[tuple[str, Outcome]])
    problems: list[Problem] = field(factory=list[Problem])

    def sound(self, kind: str, stream: Iterable[R | Broken]) -> Iterator[R]:
        """Yield the records that could be read, and note the others."""
        for row in stream:
            if isinstance(row, Broken):
                self.broken(kind, row)
            else:
                yield row

    def broken(self, kind: str, row: Broken) -> None:
        """Note a row that cannot come in: a problem, or a skipped row where that is wanted."""
        if self.skip_broken:
            key = f"{row.place.file}:{row.place.line}"
            self.say(kind, row.place, key, Outcome.SKIPPED, f"{row.column}: {row.detail}")
        elif len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(row.problem)

    def refused(self, kind: str, place: Place, error: CampusError) -> None:
        """Note a row that one of our rules refuses."""
        if isinstance(error, Invalid):
            first = error.problems[0]
            self.broken(kind, Broken(place, first.path.removeprefix("/"), first.detail))
        else:
            self.broken(kind, Broken(place, kind, error.detail))

    def say(self, kind: str, place: Place, key: str, outcome: Outcome, detail: str = "") -> None:
        """Note what became of one record."""
        self.counts[kind, outcome] += 1
        self.rows.append(ImportRow(place.file, place.line, kind, key, outcome, detail))

    def count(self, kind: str, outcome: Outcome, number: int) -> None:
        """Note what became of many records, without a row for each."""
        self.counts[kind, outcome] += number

    def check(self) -> None:
        """Raise Invalid where a row is broken."""
        if self.problems:
            raise Invalid(*self.problems)

    def report(self, source: str, ignored: tuple[Ignored, ...], *, dry_run: bool) -> ImportReport:
        """Return the report of all kinds."""
        counts = {
            kind: Tally(**{str(outcome): self.counts[kind, outcome] for outcome in Outcome})
            for kind in KINDS
        }
        return ImportReport(source, dry_run, counts, tuple(self.rows), ignored)

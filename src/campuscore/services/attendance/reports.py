"""Reports of days: as JSON whose past is kept, and as rows of a sheet, both in constant memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import timedelta
from itertools import chain

from attrs import frozen

from campuscore.domain.access import Scope
from campuscore.domain.attendance import DayQuery
from campuscore.domain.days import Days
from campuscore.domain.paging import Slice
from campuscore.ports.sheets import Cell
from campuscore.ports.work import WorkFactory
from campuscore.services.attendance.rules import cells
from campuscore.services.shelf import LARGEST, Kept, Shelf

__all__ = ["Reports"]

_SETTLED = timedelta(hours=2)
_NO_LIMIT = Slice(1 << 62)


@frozen
class Reports:
    """Writes what a query of days answers, within a scope."""

    store: WorkFactory
    days: Days
    shelf: Shelf

    def json(self, scope: Scope, query: DayQuery, files: str) -> Iterator[bytes] | Kept:
        """Return a JSON array; days that are over are kept until the past is revised."""
        if not self._is_over(query):
            return self._stream_json(scope, query, files)
        key = (scope, query, files)
        with self.store.read() as work:
            revision = work.check_ins.revision()
        kept = self.shelf.find(key, revision)
        return kept or self._keep(key, revision, self._stream_json(scope, query, files))

    def cells(self, scope: Scope, query: DayQuery, files: str) -> Iterator[Sequence[Cell]]:
        """Yield the rows of a sheet."""
        with self.store.read() as work:
            for row in work.check_ins.days(scope, query, _NO_LIMIT, files):
                yield cells(row)

    def _is_over(self, query: DayQuery) -> bool:
        """Say whether all days of a query ended so long ago that nobody records for them."""
        if query.until is None or query.until >= self.days.today():
            return False
        return self.days.now() >= self.days.end_of(query.until) + _SETTLED

    def _keep(
        self, key: Hashable, revision: int, chunks: Iterator[bytes]
    ) -> Iterator[bytes] | Kept:
        """Keep an answer of ordinary size; a very long one streams on."""
        read: list[bytes] = []
        size = 0
        for chunk in chunks:
            read.append(chunk)
            size += len(chunk)
            if size > LARGEST:
                return chain(read, chunks)
        return self.shelf.keep(key, revision, b"".join(read))

    def _stream_json(self, scope: Scope, query: DayQuery, files: str) -> Iterator[bytes]:
        opening = "["
        with self.store.read() as work:
            for text in work.check_ins.days_json(scope, query, _NO_LIMIT, files):
                yield (opening + text).encode()
                opening = ","
        yield b"[]" if opening == "[" else b"]"

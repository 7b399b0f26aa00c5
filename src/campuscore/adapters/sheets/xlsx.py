"""XLSX written as a stream: rows go in, bytes of the ZIP come out, and nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from zipfile import ZIP_DEFLATED, ZipFile

from attrs import define, field, frozen

from campuscore.adapters.sheets.cells import Cells, rows_xml
from campuscore.adapters.sheets.parts import package, sheet_end, sheet_start, titles, workbook
from campuscore.ports.sheets import Cell

__all__ = ["StreamingXlsx"]

_CHUNK = 64 * 1024
_BATCH = 192


@define(eq=False)
class _Sink:
    """What the ZIP writes into: it cannot seek, and is emptied as it fills."""

    pieces: list[bytes] = field(factory=list[bytes])
    size: int = 0

    def write(self, data: bytes, /) -> int:
        self.pieces.append(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Keep everything: the reader takes it when there is enough."""

    def close(self) -> None:
        """Keep everything, as ``flush`` does."""

    def take(self, least: int) -> Iterator[bytes]:
        if self.size >= least:
            taken = b"".join(self.pieces)
            self.pieces.clear()
            self.size = 0
            yield taken


@define(eq=False)
class _Ahead:
    """Rows that are still to be written, of which the next few are at hand."""

    source: Iterator[Sequence[Cell]]
    batch: list[Sequence[Cell]] = field(factory=list[Sequence[Cell]])

    def step(self, most: int) -> None:
        self.batch = list(islice(self.source, min(most, _BATCH)))


@frozen(kw_only=True)
class StreamingXlsx:
    """Implements ``SheetWriter``; a full sheet is followed by another one with the same head.

    ``sheet_rows`` counts the head. ``sheet_bytes`` keeps the XML of a sheet, with a batch to
    spare, under the 2 GiB from which on a ZIP entry whose length is not known beforehand has to
    be ZIP64, which not every reader takes.
    """

    media_type: str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix: str = ".xlsx"
    sheet_rows: int = 1_048_576
    sheet_bytes: int = 1 << 30

    def write(
        self, title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]
    ) -> Iterator[bytes]:
        sink = _Sink()
        ahead = _Ahead(iter(rows))
        ahead.step(self.sheet_rows - 1)
        heights: list[int] = []
        with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            while ahead.batch or not heights:
                start = sheet_start(head, ahead.batch, first=not heights)
                name = f"xl/worksheets/sheet{len(heights) + 1}.xml"
                with archive.open(name, "w") as entry:
                    entry.write(start.encode())
                    height = 1
                    for xml, count in self._batches(ahead):
                        entry.write(xml)
                        height += count
                        yield from sink.take(_CHUNK)
                    entry.write(sheet_end(len(head), height).encode())
                heights.append(height)
            names = titles(title, len(heights))
            parts = {"xl/workbook.xml": workbook(names, heights, len(head))}
            for name, part in (parts | package(len(heights))).items():
                with archive.open(name, "w") as entry:
                    entry.write(part.encode())
        yield from sink.take(0)

    def _batches(self, ahead: _Ahead) -> Iterator[tuple[bytes, int]]:
        cells = Cells()
        left = self.sheet_rows - 1
        size = 0
        while ahead.batch and left and size < self.sheet_bytes:
            xml = rows_xml(ahead.batch, cells).encode()
            count = len(ahead.batch)
            left -= count
            size += len(xml)
            # Looking ahead tells whether another sheet is needed before this one is closed.
            ahead.step(left or self.sheet_rows - 1)
            yield xml, count

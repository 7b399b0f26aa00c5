"""CSV by RFC 4180, with what spreadsheet programs need to read it right and safely."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from attrs import frozen

from campuscore.ports.sheets import Cell

__all__ = ["Csv"]

_CHUNK = 64 * 1024
_BATCH = 256
# A cell that starts so is run as a formula when the file is opened (OWASP "CSV injection"); the
# full-width forms are folded into the plain ones by some programs.
_DANGEROUS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@frozen
class Csv:
    """Implements ``SheetWriter``; the title has no place in this format."""

    media_type: str = "text/csv; charset=utf-8"
    suffix: str = ".csv"

    def write(
        self, title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]
    ) -> Iterator[bytes]:
        del title
        text = io.StringIO(newline="")
        # Without the byte order mark Excel reads UTF-8 as the machine's old code page.
        text.write("\ufeff")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(_safe(head))
        source = iter(rows)
        while batch := list(islice(source, _BATCH)):
            writer.writerows(map(_safe, batch))
            if text.tell() >= _CHUNK:
                yield _taken(text)
        if text.tell():
            yield _taken(text)


def _safe(row: Sequence[Cell]) -> list[Cell]:
    return [
        "'" + cell if isinstance(cell, str) and cell[:1] in _DANGEROUS else cell for cell in row
    ]


def _taken(text: io.StringIO) -> bytes:
    # Half a surrogate pair has no UTF-8; one such name must not fail the sheet of a department.
    octets = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return octets

"""The port of sheets: rows written as a spreadsheet while they stream by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

__all__ = ["Cell", "SheetWriter"]

Cell = str | int | float | None
"""What a cell may hold; text is always text, never a formula."""


class SheetWriter(Protocol):
    """One spreadsheet format."""

    @property
    def media_type(self) -> str:
        """The media type of what ``write`` yields."""
        ...

    @property
    def suffix(self) -> str:
        """The file name's ending, with the dot."""
        ...

    def write(
        self, title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]
    ) -> Iterator[bytes]:
        """Yield the bytes of a spreadsheet in constant memory."""
        ...

"""Cells of an XLSX sheet as XML text (ISO/IEC 29500-1, 18.3.1.4)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final, cast

from campuscore.ports.sheets import Cell

__all__ = ["Cells", "escaped", "rows_xml"]

_LONGEST: Final = 32_767
_EXACT: Final = 10**15
_KEPT: Final = 4096
_KEPT_LENGTH: Final = 256
_EMPTY: Final = "<c/>"
_OPEN: Final = '<c t="inlineStr"><is><t>'
_CLOSE: Final = "</t></is></c>"
_TEXTS: Final = frozenset({str})
_TEXTS_OR_NONE: Final = frozenset({str, type(None)})
_NUMBERS: Final = frozenset({int})
# What makes a column of texts, joined by bars, need a look at each of them: markup, codes of
# ST_Xstring, and spaces that a reader would trim.
_SUSPECT: Final = ("&", "<", ">", "_x", "  ", " |", "| ")
_ILLEGAL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Readers of ST_Xstring decode _xHHHH_, so that a text which happens to contain one needs its
# underscore escaped in the same way.
_CODE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def escaped(text: str) -> str:
    """Return a text as the content of an XML element; what XML 1.0 cannot hold becomes U+FFFD."""
    legal = _ILLEGAL.sub("\ufffd", _CODE.sub("_x005F_", text))
    plain = legal.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("\r", "_x000D_")


class Cells(dict[Cell, str]):
    """The XML of cells by their value, made when it is first asked for.

    It is emptied when full, which keeps the memory constant.
    """

    def __init__(self, style: int = 0) -> None:
        super().__init__()
        kind = f'<c s="{style}" t="inlineStr">' if style else '<c t="inlineStr">'
        self._open = f'{kind}<is><t xml:space="preserve">'

    def __missing__(self, value: Cell) -> str:
        xml = self._made(value)
        if len(xml) <= _KEPT_LENGTH:
            if len(self) >= _KEPT:
                self.clear()
            self[value] = xml
        return xml

    def _made(self, value: Cell) -> str:
        if isinstance(value, str):
            return f"{self._open}{escaped(_cut(value))}{_CLOSE}"
        if value is None:
            return _EMPTY
        if _is_exact(value):
            return f"<c><v>{+value!r}</v></c>"
        return f"{self._open}{value!r}{_CLOSE}"


def rows_xml(rows: Sequence[Sequence[Cell]], cells: Cells) -> str:
    """Return rows as XML; ``cells`` makes what cannot be made a column at a time."""
    if not rows[0] or len(set(map(len, rows))) > 1:
        bodies = ("".join(map(cells.__getitem__, row)) for row in rows)
        return "".join([f"<row>{body}</row>" for body in bodies])
    # Most columns of most batches are of one type and hold nothing to escape. Asking that once
    # for a whole column, and then filling a template, is several times faster than any work that
    # Python does for each cell.
    columns = [_column(values, cells) for values in zip(*rows, strict=True)]
    template = f"<row>{''.join([form for form, _ in columns])}</row>"
    return "".join([template % row for row in zip(*[values for _, values in columns], strict=True)])


def _column(values: Sequence[Cell], cells: Cells) -> tuple[str, Iterable[Cell]]:
    kinds = frozenset(map(type, values))
    if kinds == _TEXTS:
        if _are_plain(cast("Sequence[str]", values)):
            return f"{_OPEN}%s{_CLOSE}", values
    elif kinds == _NUMBERS:
        numbers = cast("Sequence[int]", values)
        if min(numbers) > -_EXACT and max(numbers) < _EXACT:
            return "<c><v>%d</v></c>", values
    elif kinds == _TEXTS_OR_NONE and _are_plain([text for text in values if isinstance(text, str)]):
        return "%s", [_EMPTY if text is None else f"{_OPEN}{text}{_CLOSE}" for text in values]
    return "%s", map(cells.__getitem__, values)


def _are_plain(texts: Sequence[str]) -> bool:
    joined = f"|{'|'.join(texts)}|"
    if len(joined) > _LONGEST // 2 and max(map(len, texts)) > _LONGEST // 2:
        return False
    # Printable excludes whatever XML 1.0 cannot hold, and line ends.
    return joined.isprintable() and not any(mark in joined for mark in _SUSPECT)


def _is_exact(number: float) -> bool:
    # Sheets hold numbers as doubles and show 15 digits: a longer number would silently change.
    if isinstance(number, int):
        return -_EXACT < number < _EXACT
    return math.isfinite(number)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST // 2:
        return text
    # The limit counts UTF-16 code units; a pair at the edge is dropped whole.
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= _LONGEST * 2:
        return text
    return units[: _LONGEST * 2].decode("utf-16-le", "ignore")

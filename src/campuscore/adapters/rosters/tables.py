"""Tables: named columns over numbered lines, and the faults found in them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from attrs import define, evolve, field, frozen

from campuscore.adapters.rosters.texts import Text
from campuscore.domain.roster import Ignored, Place
from campuscore.errors import Invalid, Problem

__all__ = ["Column", "Faults", "Line", "Row", "Table", "fold", "lines_of", "may", "need"]

_DELIMITERS = ",;\t"
_SAID = re.compile(r'"?sep=([^"\s\w]|\t)"?\r?\n', re.IGNORECASE)
"""The first line by which Excel is told the delimiter."""


@frozen
class Line:
    """The cells of a row, and the number of the line that it begins on."""

    number: int
    cells: Sequence[str]


@frozen
class Column:
    """The names that a column may have, compared without case, spaces and punctuation."""

    names: tuple[str, ...]
    required: bool


def need(*names: str) -> Column:
    """Describe a column that must be there."""
    return Column(names, required=True)


def may(*names: str) -> Column:
    """Describe a column that may be missing."""
    return Column(names, required=False)


def fold(name: str) -> str:
    """Fold a heading or a word: ``First_Name``, ``first name`` and ``firstName`` are one.

    >>> fold("First_Name")
    'firstname'
    """
    return re.sub(r"[\W_]", "", name).casefold()


@define
class Faults:
    """Problems of all files of a roster, raised together."""

    problems: list[Problem] = field(factory=list[Problem])

    def add(self, path: str, detail: str) -> None:
        self.problems.append(Problem(path, detail))

    def check(self) -> None:
        if self.problems:
            raise Invalid(*self.problems)


@frozen
class Row:
    """One record of a table; fields are read by the names that the roster's checks use."""

    table: Table
    line: Line

    def __getitem__(self, name: str) -> str:
        index = self.table.index.get(name)
        return "" if index is None else self.line.cells[index]

    @property
    def place(self) -> Place:
        return Place(self.table.file, self.line.number)

    def fault(self, name: str, detail: str) -> None:
        column = self.table.columns[name]
        self.table.faults.add(f"{self.table.file}:{self.line.number}:{column}", detail)

    def day(self, name: str, shape: re.Pattern[str], example: str) -> date | None:
        """Read a local date whose shape names year, month and day; None where empty or wrong."""
        value = self[name]
        if not value:
            return None
        match = shape.fullmatch(value)
        try:
            parts = {k: int(v) for k, v in match.groupdict().items()} if match else {}
            return date(parts["year"], parts["month"], parts["day"])
        except (KeyError, ValueError):
            self.fault(name, f"{value!r} is not a date like {example}")
            return None


@frozen
class Table:
    """A file's rows under a heading; ``columns`` and ``index`` go by field."""

    file: str
    faults: Faults
    header: Sequence[str]
    columns: Mapping[str, str]
    index: Mapping[str, int]
    lines: Sequence[Line]

    @classmethod
    def of(
        cls, file: str, lines: Iterable[Line], fields: Mapping[str, Column], faults: Faults
    ) -> Table:
        """Find the fields under the heading; what is wrong with it leaves the table empty."""
        filled = [line for line in lines if any(line.cells)]
        head = filled[0] if filled else Line(1, ())
        before = len(faults.problems)
        index = _find_columns(file, head, fields, faults)
        columns = {
            name: head.cells[index[name]] if name in index else column.names[0]
            for name, column in fields.items()
        }
        sound = len(faults.problems) == before
        rows = _even(file, head, filled[1:], faults) if sound else []
        return cls(file, faults, head.cells, columns, index, rows)

    def __iter__(self) -> Iterator[Row]:
        return (Row(self, line) for line in self.lines)

    def left_out(self) -> list[Ignored]:
        """Count, for each column that is not read, the rows in which it is filled."""
        read = set(self.index.values())
        counts = {
            name or f"column {number + 1}": sum(bool(line.cells[number]) for line in self.lines)
            for number, name in enumerate(self.header)
            if number not in read
        }
        return [Ignored(self.file, name, rows) for name, rows in counts.items() if rows]


def lines_of(text: Text, faults: Faults) -> list[Line]:
    """Split a CSV file into stripped cells; a quotation that never ends is a fault."""
    said = _SAID.match(text.text)
    rest = text.text[said.end() :] if said else text.text
    delimiter = said[1] if said else max(_DELIMITERS, key=rest.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter, strict=True)
    lines: list[Line] = []
    before = 1 if said else 0
    start = before + 1
    try:
        for cells in reader:
            lines.append(Line(start, [cell.strip() for cell in cells]))
            start = before + reader.line_num + 1
    except csv.Error as error:
        faults.add(f"{text.file}:{start}", f"is not CSV: {error}")
    return lines


def _find_columns(
    file: str, head: Line, fields: Mapping[str, Column], faults: Faults
) -> dict[str, int]:
    places: dict[str, int] = {}
    for number, name in enumerate(head.cells):
        if name and places.setdefault(fold(name), number) != number:
            faults.add(f"{file}:{head.number}:{name}", "the column is there twice")
    index: dict[str, int] = {}
    for field_name, column in fields.items():
        found = [places[fold(name)] for name in column.names if fold(name) in places]
        if found:
            index[field_name] = found[0]
        elif column.required:
            there = ", ".join(filter(None, head.cells)) or "nothing"
            text = f"the column is missing; the heading has {there}"
            faults.add(f"{file}:{head.number}:{column.names[0]}", text)
    return index


def _even(file: str, head: Line, lines: Sequence[Line], faults: Faults) -> list[Line]:
    """Return the lines that are as long as the heading; every other one is a fault.

    Empty cells behind the last column are what spreadsheets leave at the end of a line.
    """
    width = len(head.cells)
    lines = [_trimmed(line, width) for line in lines]
    for line in lines:
        length = len(line.cells)
        if length != width:
            column = head.cells[length] if length < width else f"column {width + 1}"
            text = f"the row has {length} columns, the heading {width}"
            faults.add(f"{file}:{line.number}:{column}", text)
    return [line for line in lines if len(line.cells) == width]


def _trimmed(line: Line, width: int) -> Line:
    return line if any(line.cells[width:]) else evolve(line, cells=line.cells[:width])

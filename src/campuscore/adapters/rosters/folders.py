"""Folders of CSV files that make one roster together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field

from campuscore.adapters.rosters.tables import Column, Faults, Table, lines_of
from campuscore.adapters.rosters.texts import Text
from campuscore.domain.roster import Ignored

__all__ = ["Folder"]


@define
class Folder:
    """The decoded files of a folder, and what was read of them so far."""

    texts: Mapping[str, Text]
    faults: Faults = field(factory=Faults)
    tables: list[Table] = field(factory=list[Table])
    notes: list[Ignored] = field(factory=list[Ignored])

    @classmethod
    def of(cls, texts: Iterable[Text]) -> Folder:
        """Index files by name without case, as folders made on other systems need."""
        return cls({text.file.casefold(): text for text in texts})

    def __contains__(self, file: str) -> bool:
        return file.casefold() in self.texts

    def table(self, file: str, fields: Mapping[str, Column], *, required: bool = True) -> Table:
        """Read one file; one that is missing is empty, and a fault where it is required."""
        text = self.texts.get(file.casefold())
        if text is None:
            if required:
                self.faults.add(file, "the file is missing")
            return Table(file, self.faults, (), {}, {}, ())
        table = Table.of(text.file, lines_of(text, self.faults), fields, self.faults)
        self.tables.append(table)
        return table

    def note(self, file: str, what: str, rows: int) -> None:
        """Remember rows that are not kept."""
        if rows:
            self.notes.append(Ignored(file, what, rows))

    def columns(self) -> dict[str, Mapping[str, str]]:
        """Tell how each file calls its fields."""
        return {table.file: table.columns for table in self.tables}

    def left_out(self) -> tuple[Ignored, ...]:
        """List what was not kept: rows, columns, and then files of which nothing was read."""
        read = {table.file for table in self.tables}
        columns = [each for table in self.tables for each in table.left_out()]
        others = [text for text in self.texts.values() if text.file not in read]
        return (*self.notes, *columns, *(_whole(text) for text in others))


def _whole(text: Text) -> Ignored:
    """Count the rows under the heading; how well they are formed does not matter here."""
    filled = [line for line in lines_of(text, Faults()) if any(line.cells)]
    return Ignored(text.file, "the whole file", max(0, len(filled) - 1))

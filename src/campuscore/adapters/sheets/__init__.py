"""Spreadsheets that stream: one writer per format."""

from __future__ import annotations

from campuscore.adapters.sheets.csv import Csv
from campuscore.adapters.sheets.xlsx import StreamingXlsx
from campuscore.ports.sheets import SheetWriter

__all__ = ["Csv", "StreamingXlsx", "open_sheets"]


def open_sheets() -> dict[str, SheetWriter]:
    """Return the writers by the name that ``?format=`` and ``--format`` take."""
    return {"xlsx": StreamingXlsx(), "csv": Csv()}

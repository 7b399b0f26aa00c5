"""Values as drivers give them, which on SQLite is text and numbers, as ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, NoReturn

from attrs import frozen

from campuscore.domain.roster import Place
from campuscore.domain.transfer import Broken

__all__ = ["Fault", "Row"]

_LONGEST_SHOWN = 60
_FALSE = frozenset({"0", "false", "f", "no", "n", ""})
_TRUE = frozenset({"1", "true", "t", "yes", "y"})


class Fault(Exception):
    """A value that cannot be read."""

    def __init__(self, column: str, detail: str) -> None:
        super().__init__(detail)
        self.column = column
        self.detail = detail


@frozen
class Row:
    """A row: raw values by field, and the column in which each field stands."""

    place: Place
    key: str
    values: Mapping[str, Any]
    columns: Mapping[str, str]
    zone: tzinfo = UTC

    def broken(self, fault: Fault) -> Broken:
        return Broken(self.place, fault.column, fault.detail)

    def text(self, field: str) -> str:
        """Return a text without what surrounds it; empty where there is none."""
        value = self.values.get(field)
        return "" if value is None else str(value).strip()

    def need(self, field: str) -> str:
        text = self.text(field)
        if not text:
            self._fail(field, "is empty")
        return text

    def flag(self, field: str, default: bool) -> bool:  # noqa: FBT001 - as a mapping's get
        text = self.text(field).casefold()
        if self.values.get(field) is None:
            return default
        if text not in _TRUE | _FALSE:
            self._fail(field, f"{_shown(text)} is neither true nor false")
        return text in _TRUE

    def instant(self, field: str) -> datetime | None:
        """Return an instant; one without an offset is local in the zone that was given."""
        value = self.values.get(field)
        if value is None or value == "":
            return None
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            aware = found if found.tzinfo else found.replace(tzinfo=self.zone)
            return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            self._fail(field, f"{_shown(value)} is not a date with a time")

    def moment(self, field: str) -> date | datetime | None:
        """Return an instant where there is a time of day, and else a day."""
        value = self.values.get(field)
        if isinstance(value, datetime) or (value is not None and ":" in str(value)):
            return self.instant(field)
        if value is None or isinstance(value, date) or value == "":
            return value or None
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self._fail(field, f"{_shown(value)} is not a date")

    def clock(self, field: str) -> time | None:
        """Return a local time of day in whole seconds, also out of a date with a time."""
        value = self.values.get(field)
        if value is None or value == "":
            return None
        try:
            text = str(value).replace("T", " ").rpartition(" ")[2]
            found = value if isinstance(value, time) else time.fromisoformat(text)
        except ValueError:
            self._fail(field, f"{_shown(value)} is not a time of day")
        return found.replace(microsecond=0, tzinfo=None)

    def _fail(self, field: str, detail: str) -> NoReturn:
        raise Fault(self.columns.get(field, field), detail)


def _shown(value: object) -> str:
    text = repr(str(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."

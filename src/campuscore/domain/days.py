"""Instants, local days and the campus clock.

Instants are aware datetimes in UTC. A local day is a date in the campus time zone. Days are ordered
by instant and never by wall clock, because an hour repeats when daylight saving ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from campuscore.errors import Invalid, Misconfigured

__all__ = ["AFTERNOON", "Days", "LocalMoment", "clock_of", "find_zone", "utc_now"]

AFTERNOON = time(12, 30)
"""The afternoon begins at 12:30:00 local time, which is itself afternoon."""


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def find_zone(name: str) -> ZoneInfo:
    """Return the zone of the IANA time zone database with this name, or raise Misconfigured."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"time_zone: {name!r} is not in this machine's time zone database"
        raise Misconfigured(f"{message} (the tzdata package brings one)") from error


def clock_of(second: int) -> time:
    """Return the time at a second of the day."""
    return time(second // 3600, second // 60 % 60, second % 60)


@frozen
class LocalMoment:
    """An instant as the campus clock shows it: local date and second of the day."""

    day: date
    second: int

    @property
    def clock(self) -> time:
        """The local time, to the second."""
        return clock_of(self.second)

    @property
    def is_afternoon(self) -> bool:
        """Say whether the moment is at or after 12:30:00."""
        return self.second >= AFTERNOON.hour * 3600 + AFTERNOON.minute * 60


@frozen
class Days:
    """The campus clock: its time zone, and what time it is now."""

    zone: ZoneInfo = field(factory=lambda: ZoneInfo("UTC"))
    now: Callable[[], datetime] = utc_now

    def today(self) -> date:
        """Return the local date of now."""
        return self.now().astimezone(self.zone).date()

    def local(self, instant: datetime) -> LocalMoment:
        """Return the local day and second of an instant."""
        seen = instant.astimezone(self.zone)
        return LocalMoment(seen.date(), seen.hour * 3600 + seen.minute * 60 + seen.second)

    def start_of(self, day: date) -> datetime:
        """Return the instant at which a local day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """Return the instant at which a local day ends, which is when the next begins."""
        return self.start_of(day + timedelta(days=1))

    def check_exists(self, day: date, clock: time, path: str) -> None:
        """Raise Invalid when daylight saving skips the local time on that day, or no UTC has it."""
        wall = datetime.combine(day, clock, self.zone)
        try:
            back = wall.astimezone(UTC).astimezone(self.zone)
        except OverflowError as error:
            raise Invalid.at(path, "lies outside of the years 1 to 9999") from error
        if back.replace(tzinfo=None) != wall.replace(tzinfo=None):
            text = f"{clock.isoformat()} does not exist on {day.isoformat()} in {self.zone.key}"
            raise Invalid.at(path, text)

"""Check-ins, files of a user's day, and the roll-up of a day."""

from __future__ import annotations

import ipaddress
import re
from datetime import date, datetime, time
from enum import StrEnum

from attrs import define, field, frozen

from campuscore.domain.auth import Origin
from campuscore.domain.checks import check_span, member_of
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.users import Role
from campuscore.errors import Invalid, Problem

__all__ = [
    "LOGIN_RETRY",
    "AttachedFile",
    "Attachment",
    "CheckIn",
    "CheckInMethod",
    "CheckInQuery",
    "DayQuery",
    "DayRow",
    "NewAttachment",
    "NewCheckIn",
    "clean_address",
    "clean_filename",
    "login_retry",
]

_MEDIA_TYPE = re.compile(r"[!-~][ -~]{0,126}")

LOGIN_RETRY = "attendance.login_check_in"
"""The topic of a login's check-in that has to be recorded later."""


class CheckInMethod(StrEnum):
    """How a user was evidenced."""

    LOGIN = "login"
    PIN = "pin"
    QR = "qr"
    KIOSK = "kiosk"
    BADGE = "badge"
    API = "api"
    IMPORT = "import"
    MANUAL = "manual"


def _role_or_none(value: Role | str | None) -> Role | None:
    return None if value is None else member_of(Role, value, "/role")


@define
class CheckIn:
    """An immutable fact: this user was evidenced at this instant by this method."""

    id: int
    user: int
    timestamp: datetime
    method: CheckInMethod
    ip_address: str | None
    user_agent: str | None


@frozen(kw_only=True)
class NewCheckIn:
    """A check-in to record: by default of oneself, now."""

    user: int | None = None
    timestamp: datetime | None = None


@define
class Attachment:
    """A file of a user's local day; its bytes lie in the blob store under ``sha256``."""

    id: int
    user: int
    date: date
    filename: str
    size: int
    content_type: str
    sha256: str
    created_at: datetime


@define
class AttachedFile:
    """A file of a user's day as lists show it, with the address of its bytes."""

    id: int
    user: int
    date: date
    filename: str
    size: int
    content_type: str
    url: str

    @classmethod
    def of(cls, row: Attachment, files: str) -> AttachedFile:
        """Show a file; ``files`` is put before its id."""
        address = f"{files}/{row.id}/"
        return cls(row.id, row.user, row.date, row.filename, row.size, row.content_type, address)


@frozen(kw_only=True)
class NewAttachment:
    """A file to attach to a user's local day."""

    user: int
    date: date
    filename: str
    content_type: str = "application/octet-stream"

    def check(self) -> None:
        """Raise Invalid with every field that breaks a rule."""
        problems: list[Problem] = []
        if not self.filename:
            problems.append(Problem("/file", "has no file name"))
        if len(self.filename) > 255:
            problems.append(Problem("/file", "has a name longer than 255 characters"))
        if not self.filename.isprintable() or set(self.filename) & {"/", "\\"}:
            problems.append(Problem("/file", "has a name with a path or a control character"))
        if not _MEDIA_TYPE.fullmatch(self.content_type):
            problems.append(Problem("/file", "has an unusable content type"))
        if problems:
            raise Invalid(*problems)


@frozen(kw_only=True)
class CheckInQuery:
    """Which check-ins to list.

    Days are local; ``since`` and ``until`` are the first and last day, both included. ``user`` is
    an id, ``username`` a name; ``has_files`` asks for days with, or without, a file.
    """

    user: int | None = None
    username: str | None = None
    since: date | None = None
    until: date | None = None
    group: int | None = None
    has_files: bool | None = None

    def check(self) -> None:
        """Raise Invalid where the last day lies before the first."""
        check_span(self.since, self.until, "/until")


@frozen(kw_only=True)
class DayQuery:
    """Which user-days to aggregate; days are local, both ends included."""

    user: int | None = None
    username: str | None = None
    role: Role | None = field(default=None, converter=_role_or_none)
    since: date | None = None
    until: date | None = None
    group: int | None = None

    def check(self) -> None:
        """Raise Invalid where the last day lies before the first."""
        check_span(self.since, self.until, "/until")


@define
class DayRow:
    """One user's local day: the first check-in of the morning and of the afternoon.

    ``id`` is the user's id; ``group`` joins the names of the groups of that day; ``files`` are
    addresses of the files of that day.
    """

    id: int
    username: str
    full_name: str
    group: str
    date: date
    morning_entry: time | None
    afternoon_entry: time | None
    files: list[str]


def clean_address(text: str | None) -> str | None:
    """Return an IP address in its canonical form, or None where there is none.

    >>> clean_address("::ffff:10.0.0.7")
    '10.0.0.7'
    """
    if not text:
        return None
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def clean_filename(name: str) -> str:
    r"""Return the last part of a path as a client sent it, without control characters.

    >>> clean_filename("C:\\notes\\week 1.pdf")
    'week 1.pdf'
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(ch for ch in last if ch.isprintable()).strip(" .")


def login_retry(user_id: int, at: datetime, origin: Origin) -> NewMessage:
    """Make the job that records a login's check-in later."""
    payload: dict[str, JSON] = {
        "at": at.isoformat(),
        "ip_address": origin.ip_address,
        "user_agent": origin.user_agent,
    }
    return NewMessage(LOGIN_RETRY, str(user_id), payload)

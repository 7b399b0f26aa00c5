"""The tables of a Django campus as a transfer."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache, partial
from mimetypes import guess_type
from pathlib import Path
from typing import Generic, TypeVar

from attrs import define, field, frozen

from campuscore.adapters.django.database import Database, opened
from campuscore.adapters.django.layout import Layout, Mapping, Source
from campuscore.adapters.django.media import Media
from campuscore.adapters.django.values import Fault, Row
from campuscore.domain.attendance import CheckInMethod, clean_address, clean_filename
from campuscore.domain.groups import GroupKind, NewGroup
from campuscore.domain.roster import Ignored, Place
from campuscore.domain.schedule import NewEntry
from campuscore.domain.transfer import (
    Broken,
    ForeignCheckIn,
    ForeignEntry,
    ForeignFile,
    ForeignGroup,
    ForeignMembership,
    ForeignPackage,
    ForeignUser,
    Transfer,
)
from campuscore.domain.users import NewUser, Role

__all__ = ["open_django"]

T = TypeVar("T")
_ARGON2 = "argon2$argon2id$"
_READABLE = re.compile(r"pbkdf2_sha256\$|argon2\$argon2id\$")
_LONGEST_AGENT = 1000


@contextmanager
def open_django(
    place: str,
    *,
    media: Path | None = None,
    mapping: Mapping | None = None,
    zone: tzinfo = UTC,
    source: str = "django",
) -> Generator[Transfer]:
    """Open the database of a Django campus, to be read as a transfer within the block.

    Parameters
    ----------
    place
        A SQLite file, or the URL of one or of a PostgreSQL database. It is only read.
    media
        The folder that MEDIA_ROOT named; without it no file comes in.
    mapping
        Tables and columns that are called otherwise than in the seed.
    zone
        The zone of times without an offset: UTC, unless USE_TZ was off.
    source
        The name under which the campus remembers what came in.

    Raises
    ------
    Invalid
        The URL is of another kind of database, no table of users is there, or the mapping names
        what is not.
    Unavailable
        The database cannot be opened or read, or a library for it is not installed.
    """
    with opened(place) as database:
        layout = Layout(database.tables(), mapping or Mapping())
        reader = _Reader(database, layout, Media(media), zone)
        yield Transfer(
            source=source,
            users=_Stream(partial(reader.read, "users", reader.user)),
            groups=_Stream(partial(reader.read, "groups", reader.group)),
            memberships=_Stream(reader.memberships),
            check_ins=_Stream(partial(reader.read, "attendance", reader.check_in)),
            entries=_Stream(partial(reader.read, "schedule", reader.entry)),
            files=_Stream(reader.files),
            packages=_Stream(reader.packages),
            ignored=tuple(reader.ignored()),
        )


@frozen
class _Stream(Generic[T]):
    """What is read from its beginning each time."""

    make: Callable[[], Iterator[T]]

    def __iter__(self) -> Iterator[T]:
        return self.make()


@define
class _Reader:
    database: Database
    layout: Layout
    media: Media
    zone: tzinfo
    logs: dict[str, tuple[str, datetime | None]] = field(
        init=False, factory=dict[str, "tuple[str, datetime | None]"]
    )

    def read(self, role: str, make: Callable[[Row], T]) -> Iterator[T | Broken]:
        for source in self.layout.sources[role]:
            yield from self._made(source, make)

    def memberships(self) -> Iterator[ForeignMembership | Broken]:
        for source in self.layout.sources["memberships"]:
            yield from self._made(source, partial(_membership, _role_of(source.table.name)))

    def files(self) -> Iterator[ForeignFile | Broken]:
        sources = self.layout.sources["files"]
        if any("user" not in source.columns for source in sources):
            self._read_logs()
        for source in sources:
            for made in self._made(source, self.file):
                if made is not None:
                    yield made

    def packages(self) -> Iterator[ForeignPackage | Broken]:
        for made in self.read("libraries", self.package):
            if made is not None:
                yield made

    def ignored(self) -> Iterator[Ignored]:
        for source in {s.table.name: s for s in self._sources()}.values():
            left_out = [c for c in source.left_out if not self._reads(source.table.name, c)]
            for column, rows in self.database.filled(source.table, left_out).items():
                if rows:
                    yield Ignored(source.table.name, column, rows)
        for name in self.layout.unread:
            rows = self.database.count(self.layout.tables[name])
            if rows:
                yield Ignored(name, "table", rows)

    def user(self, row: Row) -> ForeignUser:
        password = row.text("password")
        readable = _READABLE.match(password) is not None
        reason = "" if readable or password.startswith("!") else "needs a new password"
        stored = password.removeprefix("argon2") if password.startswith(_ARGON2) else password
        role = _role(row)
        new = NewUser(
            username=row.need("username"),
            first_name=row.text("first_name"),
            last_name=row.text("last_name"),
            role=Role.ADMIN if row.flag("superuser", False) else role,
            email=row.text("email"),
            locale=row.text("locale"),
        )
        active, joined = row.flag("active", True), row.instant("joined")
        hashed = stored if readable else ""
        return ForeignUser(row.key, row.place, new, active, joined, hashed, reason)

    def group(self, row: Row) -> ForeignGroup:
        said = row.text("kind").casefold()
        kind = GroupKind(said) if said in set(GroupKind) else GroupKind.CLASS
        new = NewGroup(name=row.need("name"), kind=kind, code=row.text("code"))
        return ForeignGroup(row.key, row.place, new, row.text("parent"))

    def check_in(self, row: Row) -> ForeignCheckIn:
        at = row.instant("at")
        if at is None:
            raise Fault(row.columns["at"], "is empty")
        said = row.text("method").casefold()
        method = CheckInMethod(said) if said in set(CheckInMethod) else CheckInMethod.IMPORT
        return ForeignCheckIn(
            _key(row),
            row.place,
            row.text("user"),
            at,
            method,
            _address(row.text("ip_address")),
            row.text("user_agent")[:_LONGEST_AGENT] or None,
        )

    def entry(self, row: Row) -> ForeignEntry:
        moment = row.moment("date")
        if moment is None:
            raise Fault(row.columns["date"], "is empty")
        day, start = moment, row.clock("start")
        if isinstance(moment, datetime):
            local = moment.astimezone(self.zone)
            day, start = local.date(), start or _clock(local)
        end = row.clock("end")
        if start is not None and end is not None and end <= start:
            end = None
        title = row.need("title")
        new = NewEntry(group=0, title=title, date=day, start=start, end=end if start else None)
        return ForeignEntry(_key(row), row.place, row.text("group"), row.text("room"), new)

    def file(self, row: Row) -> ForeignFile | None:
        name = row.text("file")
        if not name:
            return None
        user, at = self.logs.get(row.text("log"), (row.text("user"), None))
        day: date | datetime | None = at or row.moment("day")
        if day is None:
            raise Fault(row.columns.get("day", "date"), "is empty")
        said = row.text("filename") or name
        filename = clean_filename(said)
        kind = row.text("content_type") or guess_type(filename)[0] or "application/octet-stream"
        opener = partial(self.media.open, name)
        return ForeignFile(_key(row), row.place, user, day, filename, kind, opener)

    def package(self, row: Row) -> ForeignPackage | None:
        name = row.text("file")
        if not name:
            return None
        return ForeignPackage(row.place, Path(name).name, partial(self.media.open, name))

    def _made(self, source: Source, make: Callable[[Row], T]) -> Iterator[T | Broken]:
        for number, (key, values) in enumerate(self.database.rows(source), 1):
            text = str(key)
            line = int(text) if text.isascii() and text.isdigit() else number
            place = Place(source.table.name, line)
            row = Row(place, text, values, source.columns, self.zone)
            try:
                yield make(row)
            except Fault as fault:
                yield row.broken(fault)

    def _read_logs(self) -> None:
        """Read whose each attendance record is, for files that hang on one."""
        for source in self.layout.sources["attendance"]:
            for made in self._made(source, self.check_in):
                if isinstance(made, ForeignCheckIn):
                    self.logs[made.key.partition(":")[2]] = (made.user_key, made.at)

    def _sources(self) -> Iterator[Source]:
        for found in self.layout.sources.values():
            yield from found

    def _reads(self, table: str, column: str) -> bool:
        """Say whether any of the roles of a table reads a column."""
        mine = [source for source in self._sources() if source.table.name == table]
        return any(column in source.columns.values() for source in mine)


# A lab has few addresses, and reading one costs more than all else of a record.
_address = lru_cache(4096)(clean_address)


def _membership(fixed: Role | None, row: Row) -> ForeignMembership:
    role = fixed or (_role(row) if row.text("role") else None)
    user, group = row.text("user"), row.text("group")
    return ForeignMembership(row.place, user, group, role, row.instant("since"))


def _role_of(table: str) -> Role | None:
    """Tell the role of a many-to-many table by its name, such as campus_group_teachers."""
    for role in (Role.TEACHER, Role.ASSISTANT, Role.STUDENT):
        if table.endswith((f"_{role}", f"_{role}s")):
            return role
    return None


def _role(row: Row) -> Role:
    said = row.text("role").casefold()
    if said and said not in set(Role):
        raise Fault(row.columns["role"], f"{said!r} is not one of {', '.join(Role)}")
    return Role(said or Role.STUDENT)


def _clock(moment: datetime) -> time:
    return moment.time().replace(microsecond=0)


def _key(row: Row) -> str:
    """Name a row of one of several tables."""
    return f"{row.place.file}:{row.key}"

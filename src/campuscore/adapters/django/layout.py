"""Which tables hold what, and in which columns: found by names and foreign keys, or as told."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Names
from pathlib import Path
from typing import Any, Self, cast

from attrs import define, field, frozen

from campuscore.errors import Invalid

__all__ = ["ROLES", "Layout", "Mapping", "Role", "Source", "TableInfo"]

_PERMISSIONS = "auth_group"


@frozen
class TableInfo:
    """A table as inspection shows it; ``refers`` goes from column to the table it points to."""

    name: str
    columns: tuple[str, ...]
    key: str
    refers: Names[str, str] = field(factory=dict[str, str])


@frozen
class Role:
    """What a table may be for: names of its model, and names of the columns of each field.

    ``user``, ``group`` and ``log`` are found by foreign key first. One of each of the groups of
    fields in ``needs`` has to be there.
    """

    models: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    columns: Names[str, tuple[str, ...]]
    many: bool = True


_USER = ("user_id", "student_id", "person_id", "member_id", "owner_id")
_FILE = ("file", "document", "attachment", "path")
_SEEN = ("timestamp", "login_time", "logged_at", "datetime", "time", "created_at")
_CREATED = (*_SEEN, "uploaded_at", "created", "uploaded")

ROLES: Names[str, Role] = {
    "users": Role(
        ("user", "users", "customuser", "account", "person"),
        (("username",), ("password",)),
        {
            "username": ("username", "login"),
            "password": ("password",),
            "first_name": ("first_name",),
            "last_name": ("last_name",),
            "email": ("email",),
            "role": ("role", "user_type", "type"),
            "locale": ("locale", "language"),
            "active": ("is_active", "active"),
            "superuser": ("is_superuser",),
            "joined": ("date_joined", "created_at"),
        },
        many=False,
    ),
    "groups": Role(
        ("group", "groups", "studygroup", "studentgroup", "class"),
        (("name",),),
        {
            "name": ("name", "title"),
            "kind": ("kind",),
            "code": ("code", "slug"),
            "parent": ("parent_id",),
        },
        many=False,
    ),
    "attendance": Role(
        ("attendancelog", "attendance", "attendancerecord", "attendanceentry", "checkin"),
        (("user",), ("at",)),
        {
            "user": _USER,
            "at": _SEEN,
            "ip_address": ("ip_address", "ip"),
            "user_agent": ("user_agent",),
            "method": ("method",),
        },
        many=False,
    ),
    "files": Role(
        ("attachment", "attendancefile", "attendanceattachment", "attendancelogfile", "file"),
        (("file",), ("user", "log")),
        {
            "user": _USER,
            "log": ("attendance_id", "log_id", "attendance_log_id"),
            "day": ("date", "day", *_CREATED),
            "file": _FILE,
            "filename": ("filename", "original_name", "file_name", "name"),
            "content_type": ("content_type", "mime_type"),
        },
    ),
    "schedule": Role(
        ("scheduleentry", "schedule", "groupschedule", "event", "groupevent", "lesson"),
        (("group",), ("title",), ("date",)),
        {
            "group": ("group_id",),
            "title": ("title", "name", "subject"),
            "date": ("date", "day", "datetime", "start_date"),
            "start": ("start", "start_time", "starts_at"),
            "end": ("end", "end_time", "ends_at"),
            "room": ("room", "room_number", "classroom", "place", "location"),
        },
    ),
    "libraries": Role(
        ("library", "libraryfile", "libraryversion", "package", "packagefile", "pythonlibrary"),
        (("file",),),
        {"file": (*_FILE, "package", "wheel")},
    ),
    "memberships": Role(
        ("membership", "groupmembership", "groupuser", "usergroup"),
        (("user",), ("group",)),
        {
            "user": (*_USER, "customuser_id", "teacher_id"),
            "group": ("group_id", "studygroup_id"),
            "role": ("role",),
            "since": ("joined_at", "date_joined", "created_at"),
        },
    ),
}
_POINTS_TO = {"user": "users", "group": "groups", "log": "attendance"}


@frozen
class Source:
    """A table in a role; ``columns`` goes from field to column."""

    table: TableInfo
    columns: Names[str, str]

    @property
    def left_out(self) -> Sequence[str]:
        """The columns that nobody reads."""
        read = {self.table.key, *self.columns.values()}
        return [name for name in self.table.columns if name not in read]


@frozen
class Mapping:
    """What somebody says of the layout: tables of roles, and columns of their fields.

    Example
    -------
    >>> Mapping.of(["users=people"]).tables
    {'users': ('people',)}
    """

    tables: Names[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    columns: Names[str, Names[str, str]] = field(factory=dict[str, Names[str, str]])

    @classmethod
    def of(cls, pairs: Iterable[str], path: Path | None = None) -> Self:
        """Read ``role=table`` pairs over a TOML file; raise Invalid for what nothing knows."""
        tables: dict[str, tuple[str, ...]] = {}
        columns: dict[str, dict[str, str]] = {}
        for role, said in _load(path).items():
            if not isinstance(said, dict):
                raise Invalid.at(role, "must be a table, such as [users]")
            names = cast("dict[str, object]", said)
            named = names.pop("table", None)
            if named is not None:
                tables[_role(role)] = _texts(role, named)
            columns[_role(role)] = {name: _column(role, name, c) for name, c in names.items()}
        given: dict[str, tuple[str, ...]] = {}
        for pair in pairs:
            role, _, table = pair.partition("=")
            given[_role(role)] = (*given.get(role, ()), *([table] if table else []))
        return cls({**tables, **given}, columns)


@define
class Layout:
    """The sources of each role, in the database that was inspected."""

    tables: Names[str, TableInfo]
    mapping: Mapping = field(factory=Mapping)
    sources: dict[str, list[Source]] = field(init=False, factory=dict[str, list[Source]])

    def __attrs_post_init__(self) -> None:
        for role in ROLES:
            self.sources[role] = [*self._find(role)]
        if not self.sources["users"]:
            text = "no table of users with username and password; name it with --table users=TABLE"
            raise Invalid.at("users", text)

    @property
    def unread(self) -> Sequence[str]:
        """The tables that hold none of this, Django's own left out."""
        read = {source.table.name for found in self.sources.values() for source in found}
        own = ("django_", "auth_", "sqlite_", "token_blacklist_", "authtoken_")
        return [
            name for name in sorted(self.tables) if name not in read and not name.startswith(own)
        ]

    def _find(self, role: str) -> Iterator[Source]:
        told = self.mapping.tables.get(role)
        if told is not None:
            for name in told:
                yield self._told(role, name)
            return
        found = [s for s in map(self._in_role(role), self._candidates(role)) if s is not None]
        yield from found if ROLES[role].many else found[:1]

    def _told(self, role: str, name: str) -> Source:
        table = self.tables.get(name)
        if table is None:
            raise Invalid.at(role, f"there is no table {name!r}")
        columns = self._columns(role, table)
        missing = [" or ".join(n) for n in ROLES[role].needs if not columns.keys() & set(n)]
        if missing:
            raise Invalid.at(role, f"{name} has no column for {', '.join(missing)}")
        return Source(table, columns)

    def _in_role(self, role: str) -> Any:
        def fit(table: TableInfo) -> Source | None:
            columns = self._columns(role, table)
            whole = all(columns.keys() & set(names) for names in ROLES[role].needs)
            return Source(table, columns) if whole else None

        return fit

    def _candidates(self, role: str) -> Sequence[TableInfo]:
        """Order the tables that are free by how well their name fits, Django's own last."""
        taken = {s.table.name for found in self.sources.values() for s in found}
        models = ROLES[role].models
        ranked: list[tuple[int, str]] = []
        for name in self.tables:
            ranks = [i for i, m in enumerate(models) if name == m or name.endswith(f"_{m}")]
            if name in taken and not (role == "files" and self._is_log(name)):
                continue
            if (
                ranks
                or (role == "memberships" and self._joins(name))
                or (role == "files" and self._is_log(name))
            ):
                own = name.startswith("auth_")
                ranked.append((min(ranks, default=len(models)) + 100 * own, name))
        return [self.tables[name] for _, name in sorted(ranked)]

    def _is_log(self, name: str) -> bool:
        """Say whether a table is that of attendance, whose rows may carry a file themselves."""
        return any(source.table.name == name for source in self.sources.get("attendance", ()))

    def _joins(self, name: str) -> bool:
        """Say whether a table joins users and groups by foreign keys."""
        targets = set(self.tables[name].refers.values())
        return {self._name_of("users"), self._name_of("groups")} <= targets

    def _name_of(self, role: str) -> str:
        found = self.sources.get(role)
        return found[0].table.name if found else ""

    def _columns(self, role: str, table: TableInfo) -> dict[str, str]:
        told = self.mapping.columns.get(role, {})
        wrong = [c for c in told.values() if role in self.mapping.tables and c not in table.columns]
        if wrong:
            raise Invalid.at(role, f"{table.name} has no column {wrong[0]!r}")
        found = {
            name: self._column_of(name, names, table) for name, names in ROLES[role].columns.items()
        }
        return {name: c for name, c in {**found, **told}.items() if c in table.columns}

    def _column_of(self, name: str, names: Sequence[str], table: TableInfo) -> str:
        target = _POINTS_TO.get(name)
        if target is not None:
            wanted = self._name_of(target)
            by_key = [column for column, to in table.refers.items() if to == wanted]
            if by_key:
                return next((column for column in names if column in by_key), by_key[0])
            names = [column for column in names if column not in table.refers]
        return next((column for column in names if column in table.columns), "")


def _load(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Invalid.at(path.name, f"is not TOML: {error}") from error


def _role(name: str) -> str:
    if name not in ROLES:
        raise Invalid.at(name, f"is nothing to import; one of {', '.join(ROLES)}")
    return name


def _texts(role: str, value: object) -> tuple[str, ...]:
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in values):
        raise Invalid.at(role, "table must be a name, or a list of names")
    return tuple(map(str, values))


def _column(role: str, name: str, value: object) -> str:
    if name not in ROLES[role].columns or not isinstance(value, str):
        known = ", ".join(ROLES[role].columns)
        raise Invalid.at(f"{role}.{name}", f"is no field with the name of a column; one of {known}")
    return value

"""One sheet of people: a row for each, with a heading, as CSV or from a spreadsheet."""

from __future__ import annotations

import importlib
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

from campuscore.adapters.rosters.roles import role_in
from campuscore.adapters.rosters.tables import Faults, Line, Row, Table, lines_of, may, need
from campuscore.adapters.rosters.texts import name_of, read_bytes, read_texts
from campuscore.domain.groups import MEMBER_ROLES, GroupKind
from campuscore.domain.roster import (
    Roster,
    RosterGroup,
    RosterMembership,
    RosterUser,
    group_name_key,
)
from campuscore.domain.users import Role, username_key
from campuscore.errors import Invalid, Unavailable

__all__ = ["SPREADSHEETS", "read_people"]

SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
_FIELDS = {
    "user.username": need("username", "login", "user", "account", "user id", "login name"),
    "user.first_name": may("first_name", "given name", "forename", "first"),
    "user.last_name": may("last_name", "surname", "family name", "last"),
    "user.role": may("role", "type", "user type"),
    "user.email": may("email", "e-mail", "mail", "email address"),
    "group.name": may("groups", "group", "class", "classes", "group name", "section"),
}


def read_people(path: Path, encoding: str, source: str) -> Roster:
    """Read a sheet; whoever has no key of an outside system is known by username."""
    faults = Faults()
    if path.suffix.casefold() in SPREADSHEETS:
        lines = _lines_of_spreadsheet(path)
    else:
        lines = lines_of(read_texts([path], encoding)[0], faults)
    table = Table.of(name_of(path), lines, _FIELDS, faults)
    users: list[RosterUser] = []
    groups: dict[str, RosterGroup] = {}
    memberships: list[RosterMembership] = []
    for row in table:
        users.append(_user(row))
        memberships += _memberships(row, users[-1], groups)
    faults.check()
    return Roster(
        source=source,
        users=tuple(users),
        groups=tuple(groups.values()),
        memberships=tuple(memberships),
        ignored=tuple(table.left_out()),
        # A membership stands in the columns of its user and its group.
        columns={
            table.file: {
                **table.columns,
                "membership.user_key": table.columns["user.username"],
                "membership.group_key": table.columns["group.name"],
                "membership.role": table.columns["user.role"],
                "user.key": table.columns["user.username"],
                "group.key": table.columns["group.name"],
            }
        },
    )


def _user(row: Row) -> RosterUser:
    name = row["user.username"]
    first, last = row["user.first_name"], row["user.last_name"]
    role, email = role_in(row, "user.role"), row["user.email"]
    return RosterUser(username_key(name), name, first, last, role, email, row.place)


def _memberships(
    row: Row, user: RosterUser, groups: dict[str, RosterGroup]
) -> list[RosterMembership]:
    """Read the groups of a row; a campus role that no group knows is a fault, or one elsewhere."""
    named: dict[str, str] = {}
    for name in filter(None, map(str.strip, row["group.name"].split(";"))):
        named.setdefault(group_name_key(name), name)
    role = user.role or Role.STUDENT
    if named and role is Role.GUARDIAN:
        row.fault("group.name", "a guardian cannot be a member of a group")
    for key, name in named.items():
        group = RosterGroup(key, name, GroupKind.CLASS, "", "", "", row.place)
        groups.setdefault(key, group)
    if role not in MEMBER_ROLES:
        return []
    return [RosterMembership(key, user.key, role, None, None, row.place) for key in named]


def _lines_of_spreadsheet(path: Path) -> list[Line]:
    try:
        calamine: Any = importlib.import_module("python_calamine")
    except ModuleNotFoundError as error:
        text = "reading spreadsheets needs the extra 'sheets': pip install 'campuscore[sheets]'"
        raise Unavailable(text) from error
    data = io.BytesIO(read_bytes(path))
    try:
        with calamine.CalamineWorkbook.from_filelike(data) as book:
            rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (calamine.CalamineError, IndexError) as error:
        raise Invalid.at(name_of(path), f"cannot be read as a spreadsheet: {error}") from error
    return [Line(number, [_text(cell) for cell in row]) for number, row in enumerate(rows, 1)]


def _text(cell: object) -> str:
    """Show a cell as a person would have typed it: a number in a text column is no 7.0."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, date | datetime):
        return cell.isoformat()
    return str(cell).strip()

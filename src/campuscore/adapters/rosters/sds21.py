"""Folders in the layout of School Data Sync 2.1, a dialect of OneRoster."""

from __future__ import annotations

import re
from datetime import date

from attrs import define

from campuscore.adapters.rosters.folders import Folder
from campuscore.adapters.rosters.roles import role_in
from campuscore.adapters.rosters.tables import Row, fold, may, need
from campuscore.domain.groups import GroupKind
from campuscore.domain.roster import (
    Roster,
    RosterGroup,
    RosterMembership,
    RosterTerm,
    RosterUser,
)
from campuscore.domain.users import Role

__all__ = ["is_sds21", "read_sds21"]

_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", re.ASCII)
_EXAMPLE = "2026-08-31"
_KINDS = {
    "school": GroupKind.SCHOOL,
    "college": GroupKind.COLLEGE,
    "department": GroupKind.DEPARTMENT,
}
_ORGS = {
    "group.key": need("sourcedId"),
    "group.name": need("name"),
    "type": need("type"),
    "group.parent_key": may("parentSourcedId"),
}
_SESSIONS = {
    "term.key": need("sourcedId"),
    "term.name": need("title"),
    "term.first_day": need("startDate"),
    "term.last_day": need("endDate"),
}
_CLASSES = {
    "group.key": need("sourcedId"),
    "group.parent_key": need("orgSourcedId"),
    "group.name": need("title"),
    "group.term_key": may("sessionSourcedIds"),
}
_USERS = {
    "user.key": need("sourcedId"),
    "user.username": need("username"),
    "user.first_name": may("givenName"),
    "user.last_name": may("familyName"),
    "user.email": may("email"),
}
_ROLES = {
    "user": need("userSourcedId"),
    "user.role": need("role"),
    "primary": may("isPrimary"),
}
_RELATIONSHIPS = {"user": need("userSourcedId"), "related": need("relationshipUserSourcedId")}
_ENROLLMENTS = {
    "membership.group_key": need("classSourcedId"),
    "membership.user_key": need("userSourcedId"),
    "membership.role": need("role"),
    "membership.begin": may("beginDate"),
    "membership.end": may("endDate"),
}


def is_sds21(folder: Folder) -> bool:
    """Say whether a folder has this layout."""
    return "orgs.csv" in folder and "users.csv" in folder


def read_sds21(folder: Folder, source: str) -> Roster:
    """Read organisations, sessions, classes, people and enrolments.

    Organisations and classes are both groups, so their keys say which file they are from.
    """
    return _Reader(folder, source).read()


@define
class _Reader:
    folder: Folder
    source: str

    def read(self) -> Roster:
        groups = [*self._orgs(), *self._classes()]
        terms, users, memberships = self._terms(), self._users(), self._memberships()
        self.folder.faults.check()
        return Roster(
            source=self.source,
            users=tuple(users),
            groups=tuple(groups),
            terms=tuple(terms),
            memberships=tuple(memberships),
            ignored=self.folder.left_out(),
            columns=self.folder.columns(),
        )

    def _orgs(self) -> list[RosterGroup]:
        return [
            RosterGroup(
                _key("org", row["group.key"]),
                row["group.name"],
                _KINDS.get(fold(row["type"]), GroupKind.ORGANISATION),
                _key("org", row["group.parent_key"]),
                "",
                "",
                row.place,
            )
            for row in self.folder.table("orgs.csv", _ORGS)
        ]

    def _classes(self) -> list[RosterGroup]:
        groups: list[RosterGroup] = []
        more = 0
        for row in self.folder.table("classes.csv", _CLASSES):
            # A group has one term: the first session; the others are reported.
            first, _, others = row["group.term_key"].partition(",")
            more += bool(others.strip())
            parent = _key("org", row["group.parent_key"])
            key, name = _key("class", row["group.key"]), row["group.name"]
            term = first.strip()
            groups.append(RosterGroup(key, name, GroupKind.CLASS, parent, "", term, row.place))
        self.folder.note("classes.csv", "sessions after the first", more)
        return groups

    def _terms(self) -> list[RosterTerm]:
        terms: list[RosterTerm] = []
        for row in self.folder.table("academicSessions.csv", _SESSIONS, required=False):
            first = _needed_day(row, "term.first_day")
            last = _needed_day(row, "term.last_day")
            if first is not None and last is not None:
                key, name = row["term.key"], row["term.name"]
                terms.append(RosterTerm(key, name, first, last, row.place))
        return terms

    def _users(self) -> list[RosterUser]:
        rows = list(self.folder.table("users.csv", _USERS))
        keys = {row["user.key"] for row in rows}
        roles = self._roles(keys)
        related = self._related()
        users: list[RosterUser] = []
        for row in rows:
            key = row["user.key"]
            role = roles.get(key) or (Role.GUARDIAN if key in related else Role.STUDENT)
            first, last = row["user.first_name"], row["user.last_name"]
            name, email = row["user.username"], row["user.email"]
            users.append(RosterUser(key, name, first, last, role, email, row.place))
        return users

    def _roles(self, users: set[str]) -> dict[str, Role]:
        """Read each user's role: the primary one, else the first."""
        first: dict[str, Role] = {}
        primary: dict[str, Role] = {}
        for row in self.folder.table("roles.csv", _ROLES, required=False):
            user, role = row["user"], role_in(row, "user.role")
            if user not in users:
                row.fault("user", f"there is no user {user!r} in users.csv")
            if role is Role.ADMIN:
                row.fault("user.role", "a roster cannot make somebody admin; do it by hand")
            if role is not None:
                first.setdefault(user, role)
                if fold(row["primary"]) in {"true", "1", "yes"}:
                    primary.setdefault(user, role)
        return first | primary

    def _related(self) -> set[str]:
        table = self.folder.table("relationships.csv", _RELATIONSHIPS, required=False)
        rows = list(table)
        self.folder.note(table.file, "relationships between people", len(rows))
        return {row["related"] for row in rows}

    def _memberships(self) -> list[RosterMembership]:
        rows: list[RosterMembership] = []
        for row in self.folder.table("enrollments.csv", _ENROLLMENTS):
            role = role_in(row, "membership.role")
            if not row["membership.role"]:
                row.fault("membership.role", "must not be empty")
            if role is not None:
                begin = row.day("membership.begin", _DAY, _EXAMPLE)
                end = row.day("membership.end", _DAY, _EXAMPLE)
                group = _key("class", row["membership.group_key"])
                user = row["membership.user_key"]
                rows.append(RosterMembership(group, user, role, begin, end, row.place))
        return rows


def _needed_day(row: Row, name: str) -> date | None:
    if not row[name]:
        row.fault(name, "must not be empty")
    return row.day(name, _DAY, _EXAMPLE)


def _key(kind: str, value: str) -> str:
    return f"{kind}:{value}" if value else ""

"""Folders in the first layout of School Data Sync."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import define, field

from campuscore.adapters.rosters.folders import Folder
from campuscore.adapters.rosters.tables import Column, Row, may, need
from campuscore.domain.groups import GroupKind
from campuscore.domain.roster import (
    Roster,
    RosterGroup,
    RosterMembership,
    RosterTerm,
    RosterUser,
)
from campuscore.domain.users import Role

__all__ = ["is_sds1", "read_sds1"]

_DAY = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})", re.ASCII)
_EXAMPLE = "8/31/2026 (month/day/year)"
_SCHOOL = {
    "group.key": need("SIS ID"),
    "group.name": need("Name"),
    "group.code": may("School Number"),
}
_SECTION = {
    "group.key": need("SIS ID"),
    "group.parent_key": need("School SIS ID"),
    "group.name": need("Section Name"),
    "group.code": may("Section Number"),
    "group.term_key": may("Term SIS ID"),
    "term.key": may("Term SIS ID"),
    "term.name": may("Term Name"),
    "term.first_day": may("Term StartDate"),
    "term.last_day": may("Term EndDate"),
    "status": may("Status"),
}
_PERSON = {
    "user.key": need("SIS ID"),
    "school": need("School SIS ID"),
    "user.username": need("Username"),
    "user.first_name": may("First Name"),
    "user.last_name": may("Last Name"),
    "user.email": may("Secondary Email"),
    "status": may("Status"),
}
_ROSTER = {
    "membership.group_key": need("Section SIS ID"),
    "membership.user_key": need("SIS ID"),
}


def is_sds1(folder: Folder) -> bool:
    """Say whether a folder has this layout."""
    return "School.csv" in folder and "Section.csv" in folder


def read_sds1(folder: Folder, source: str) -> Roster:
    """Read schools, sections, people and who is in which section.

    Ids are unique in a file only, so keys say which file they are from.
    """
    return _Reader(folder, source).read()


@define
class _Reader:
    folder: Folder
    source: str
    groups: list[RosterGroup] = field(factory=list[RosterGroup])
    terms: dict[str, RosterTerm] = field(factory=dict[str, RosterTerm])
    users: list[RosterUser] = field(factory=list[RosterUser])
    inactive: set[str] = field(factory=set[str])
    undated: int = 0

    def read(self) -> Roster:
        self._read_schools()
        self._read_sections()
        self._read_people("Student.csv", Role.STUDENT)
        self._read_people("Teacher.csv", Role.TEACHER)
        memberships = [
            *self._memberships("StudentEnrollment.csv", Role.STUDENT),
            *self._memberships("TeacherRoster.csv", Role.TEACHER),
        ]
        self.folder.faults.check()
        return Roster(
            source=self.source,
            users=tuple(self.users),
            groups=tuple(self.groups),
            terms=tuple(self.terms.values()),
            memberships=tuple(memberships),
            ignored=self.folder.left_out(),
            columns=self.folder.columns(),
        )

    def _read_schools(self) -> None:
        for row in self.folder.table("School.csv", _SCHOOL):
            key = _key("school", row["group.key"])
            name, code = row["group.name"], row["group.code"]
            group = RosterGroup(key, name, GroupKind.SCHOOL, "", code, "", row.place)
            self.groups.append(group)

    def _read_sections(self) -> None:
        for row in self._active("Section.csv", _SECTION, "section", "group.key"):
            parent = _key("school", row["group.parent_key"])
            if not parent:
                row.fault("group.parent_key", "must not be empty")
            self.groups.append(
                RosterGroup(
                    _key("section", row["group.key"]),
                    row["group.name"],
                    GroupKind.CLASS,
                    parent,
                    row["group.code"],
                    self._term(row),
                    row.place,
                )
            )
        self.folder.note("Section.csv", "terms without dates", self.undated)

    def _term(self, row: Row) -> str:
        """Note the term of a section, which every section spells out, and return its key."""
        key = row["group.term_key"]
        first = row.day("term.first_day", _DAY, _EXAMPLE)
        last = row.day("term.last_day", _DAY, _EXAMPLE)
        if not key or first is None or last is None:
            self.undated += bool(key)
            return ""
        term = RosterTerm(key, row["term.name"] or key, first, last, row.place)
        known = self.terms.setdefault(key, term)
        for name in ("name", "first_day", "last_day"):
            if getattr(known, name) != getattr(term, name):
                row.fault(f"term.{name}", f"differs from line {known.place.line}, the same term")
        return key

    def _read_people(self, file: str, role: Role) -> None:
        schools = {group.key for group in self.groups if group.kind is GroupKind.SCHOOL}
        for row in self._active(file, _PERSON, role, "user.key"):
            school = row["school"]
            if _key("school", school) not in schools:
                row.fault("school", f"there is no school {school!r} in School.csv")
            self.users.append(
                RosterUser(
                    _key(role, row["user.key"]),
                    row["user.username"],
                    row["user.first_name"],
                    row["user.last_name"],
                    role,
                    row["user.email"],
                    row.place,
                )
            )

    def _active(self, file: str, fields: Mapping[str, Column], kind: str, key: str) -> list[Row]:
        """Return the rows whose status is active or not given; remember who the others are."""
        table = self.folder.table(file, fields)
        kept = [row for row in table if row["status"].casefold() in {"", "active"}]
        lines = {row.line.number for row in kept}
        others = [row for row in table if row.line.number not in lines]
        self.inactive.update(_key(kind, row[key]) for row in others)
        self.folder.note(table.file, "rows whose Status is not Active", len(others))
        return kept

    def _memberships(self, file: str, role: Role) -> list[RosterMembership]:
        table = self.folder.table(file, _ROSTER)
        rows = [
            RosterMembership(
                _key("section", row["membership.group_key"]),
                _key(role, row["membership.user_key"]),
                role,
                None,
                None,
                row.place,
            )
            for row in table
        ]
        kept = [r for r in rows if not {r.group_key, r.user_key} & self.inactive]
        what = "rows of people or sections whose Status is not Active"
        self.folder.note(table.file, what, len(rows) - len(kept))
        return kept


def _key(kind: str, value: str) -> str:
    return f"{kind}:{value}" if value else ""

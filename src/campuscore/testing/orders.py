"""What both twins are told to do, with rows named by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from attrs import evolve

from campuscore.domain.attendance import NewAttachment
from campuscore.domain.days import Days
from campuscore.domain.files import Blob
from campuscore.domain.groups import Membership, NewGroup
from campuscore.domain.schedule import NewEntry
from campuscore.domain.users import NewUser, Role
from campuscore.testing.contract import NOON, fact_at
from campuscore.testing.strategies import CampusPlan
from campuscore.testing.twins import Side, Twins

__all__ = [
    "add_entry",
    "add_group",
    "add_user",
    "attach",
    "check_in",
    "fill",
    "is_there",
    "join",
    "leave",
    "move_group",
    "save_user",
]


def fill(twins: Twins, plan: CampusPlan) -> None:
    """Have both store a whole campus."""
    for new in plan.users:
        add_user(twins, new)
    for group in plan.groups:
        add_group(twins, group.name, None if group.parent is None else group.parent + 1)
    for row in plan.memberships:
        join(twins, row.group + 1, row.user + 1, row.role, (row.begin, row.end))
    for place, at in plan.facts:
        check_in(twins, plan.days, [(place + 1, at)])
    for file in plan.files:
        attach(twins, file.user + 1, file.day)
    for key in twins.keys("group"):
        add_entry(twins, key, plan.today)


def add_user(twins: Twins, new: NewUser) -> None:
    """Add a user."""
    twins.add("user", lambda side: [side.work.users.add(new, NOON).id])


def save_user(twins: Twins, key: int, name: str, last: str, *, active: bool) -> None:
    """Change a user, where there is one."""

    def save(side: Side) -> None:
        old = side.work.users.find(side.id("user", key))
        if old is not None:
            side.work.users.save(evolve(old, username=name, last_name=last, active=active))

    twins.do(save)


def add_group(twins: Twins, name: str, parent: int | None) -> None:
    """Add a group; what an archived parent does is left to the store."""

    def add(side: Side) -> list[int]:
        above = None if parent is None else side.id("group", parent)
        return [side.work.groups.add(NewGroup(name=name, parent=above)).id]

    if parent is None or is_there(twins, parent):
        twins.add("group", add)


def move_group(twins: Twins, key: int, name: str, parent: int) -> None:
    """Rename a group and hang it under another one, unless that hangs under it."""

    def move(side: Side) -> None:
        ours, theirs = side.id("group", key), side.id("group", parent)
        old = side.work.groups.find(ours)
        if old is not None and ours not in side.work.groups.lineage(theirs):
            side.work.groups.save(evolve(old, name=name, parent=theirs))

    if is_there(twins, parent):
        twins.do(move)


def join(twins: Twins, group: int, user: int, role: Role, days: tuple[date, date | None]) -> None:
    """Make a user a member."""

    def add(side: Side) -> None:
        keys = side.id("group", group), side.id("user", user)
        side.work.memberships.add([Membership(0, *keys, role, *days, "manual")])

    twins.do(add)


def leave(twins: Twins, place: int, day: date) -> None:
    """End on a day the membership at a place in the order of their ids."""

    def end(side: Side) -> None:
        rows = side.work.memberships.of_source("manual", date(2000, 1, 1))
        key = rows[place % len(rows)].id if rows else 1 << 40
        side.work.memberships.end([key], day)

    twins.do(end)


def check_in(twins: Twins, days: Days, pairs: Sequence[tuple[int, datetime]]) -> None:
    """Record check-ins of users in one call."""

    def add(side: Side) -> list[int]:
        facts = [fact_at(side.id("user", key), at, days) for key, at in pairs]
        return side.work.check_ins.add(facts)

    twins.add("check_in", add)


def attach(twins: Twins, user: int, day: date) -> None:
    """Attach a file to a user's day."""

    def add(side: Side) -> list[int]:
        new = NewAttachment(user=side.id("user", user), date=day, filename="note.txt")
        return [side.work.attachments.add(new, Blob("0" * 64, 4), NOON).id]

    twins.add("file", add)


def add_entry(twins: Twins, group: int, day: date) -> None:
    """Put a group that is there on the timetable."""

    def add(side: Side) -> list[int]:
        new = NewEntry(group=side.id("group", group), title="class", date=day)
        return [side.work.entries.add(new).id]

    if is_there(twins, group):
        twins.add("entry", add)


def is_there(twins: Twins, group: int) -> bool:
    """Say whether a group is not archived, or was never there."""
    if group not in twins.keys("group"):
        return True
    found = twins.compare(lambda side, work: work.groups.find(side.id("group", group)) is not None)
    return bool(found)

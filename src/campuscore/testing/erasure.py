"""The contract of erasure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import frozen

from campuscore.domain.attendance import CheckInQuery, DayQuery, NewAttachment
from campuscore.domain.auth import ApiToken
from campuscore.domain.files import Blob
from campuscore.domain.groups import NewGroup
from campuscore.domain.packages import DistKind, NewDistFile
from campuscore.domain.schedule import EntryQuery, NewEntry, NewRoom, NewTerm
from campuscore.domain.users import Role, UserQuery
from campuscore.errors import Conflict
from campuscore.ports.auth import NewSession
from campuscore.ports.erasure import Erasable
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.contract import (
    EVERYTHING,
    MONDAY,
    NOON,
    TODAY,
    TOMORROW,
    WHOLE,
    YESTERDAY,
    Contract,
    add_group,
    add_user,
    fact_at,
    join,
)

__all__ = ["ErasureContract"]


@frozen
class _Stage:
    """A user with a group, a term, a room and a project, beside one who stays."""

    user: int
    group: int
    term: int
    room: int
    project: int
    stays: int
    other: int

    @property
    def all(self) -> Erasable:
        """All but those who stay."""
        return Erasable(
            users={self.user},
            groups={self.group},
            terms={self.term},
            rooms={self.room},
            projects={self.project},
        )


def _digest(text: str) -> str:
    return text * 64


def _file(project: int, uploader: int | None, name: str, mark: str) -> NewDistFile:
    return NewDistFile(
        project=project,
        version="1.0",
        filename=name,
        kind=DistKind.WHEEL,
        python="py3",
        sha256=_digest(mark),
        size=1,
        requires_python="",
        metadata=_digest(mark.upper()),
        metadata_size=1,
        uploaded_at=NOON,
        uploader=uploader,
    )


def _set_up(work: Work) -> _Stage:
    user, stays = add_user(work, "demo"), add_user(work, "real")
    term = work.terms.add(NewTerm(name="T", first_day=MONDAY, last_day=TOMORROW)).id
    group = work.groups.add(NewGroup(name="G", term=term)).id
    other = add_group(work, "Other")
    room = work.rooms.add(NewRoom(name="R")).id
    project = work.packages.add("demo", "demo", user, NOON).id
    join(work, group, user)
    join(work, other, stays)
    work.check_ins.add([fact_at(user, NOON), fact_at(stays, NOON), fact_at(user, NOON)])
    work.attachments.add(NewAttachment(user=user, date=TODAY, filename="f"), _blob("a"), NOON)
    work.credentials.set(user, "hash", NOON)
    later = NOON + timedelta(days=1)
    work.sessions.open(NewSession(user, b"f" * 32, b"r" * 32, NOON, later, None, None))
    work.guardians.add(user, stays, NOON)
    work.guardians.add(stays, user, NOON)
    work.tokens.add(ApiToken(0, user, "t", (), NOON, None, None), b"t" * 32)
    work.entries.add(NewEntry(group=group, title="E", date=TODAY, room=room))
    work.packages.add_file(_file(project, user, "demo-1.0-py3-none-any.whl", "b"))
    work.links.add("s", "user", {"u": user, "v": stays})
    work.links.add("s", "group", {"g": group})
    return _Stage(user, group, term, room, project, stays, other)


def _blob(mark: str) -> Blob:
    return Blob(_digest(mark), 1)


class ErasureContract(Contract):
    """What ``Erasure`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_it_is_as_if_it_had_never_been(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            assert work.erasure.dependents(stage.all, TODAY) == []
            names = work.erasure.erase(stage.all)
            assert names == [_digest("B"), _digest("a"), _digest("b")]
            work.commit()
        with store.read() as work:
            users = work.users.list(EVERYTHING, UserQuery(active=None), WHOLE)
            assert [user.username for user in users] == ["real"]
            assert [group.name for group in work.groups.list(EVERYTHING, WHOLE)] == ["Other"]
            assert (work.terms.list(), work.rooms.list(), work.packages.all()) == ([], [], [])
            assert work.entries.list(EVERYTHING, EntryQuery(), WHOLE) == []
            seen = work.check_ins.list(EVERYTHING, CheckInQuery(), WHOLE)
            assert [row.user for row in seen] == [stage.stays]
            days = work.check_ins.days(EVERYTHING, DayQuery(), WHOLE, "f")
            assert [row.id for row in days] == [stage.stays]
            assert work.attachments.list(stage.user, TODAY) == []
            assert work.credentials.find("demo") is None
            assert work.sessions.list(stage.user, NOON) == []
            assert work.tokens.list(None) == []
            assert work.guardians.of(stage.stays) == work.guardians.wards(stage.stays) == []
            assert work.links.of("s", "user") == {"v": stage.stays}
            assert work.links.of("s", "group") == {}

    def test_names_are_free_again(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            mine = [file.id for file in work.packages.files(stage.project)]
            work.packages.remove_files(stage.project, mine, NOON)
            work.erasure.erase(stage.all)
            again = _set_up_again(work)
            work.commit()
        with store.read() as work:
            assert [user.id for user in work.users.find_named(["demo"])] == [again]
            (project,) = work.packages.all()
            assert [f.uploader for f in work.packages.files(project.id)] == [again]

    def test_a_work_that_is_not_committed_erases_nothing(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            work.commit()
        with store.write() as work:
            work.erasure.erase(stage.all)
        with store.read() as work:
            assert work.users.find(stage.user) is not None
            assert len(work.check_ins.list(EVERYTHING, CheckInQuery(), WHOLE)) == 3
            assert work.memberships.find(stage.group, stage.user, Role.STUDENT, TODAY) is not None

    def test_revisions_move(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            work.commit()
        with store.write() as work:
            before = work.check_ins.revision(), work.packages.revision()
            work.erasure.erase(stage.all)
            work.commit()
        with store.read() as work:
            assert work.check_ins.revision() != before[0]
            assert work.packages.revision() != before[1]

    def test_members_from_elsewhere_depend_on_it(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            join(work, stage.group, stage.stays)
            join(work, stage.other, stage.user)
            found = work.erasure.dependents(stage.all, TODAY)
            assert [(each.kind, each.id) for each in found] == [
                ("membership", stage.user),
                ("membership", stage.stays),
            ]

    def test_members_who_have_left_do_not(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            join(work, stage.group, stage.stays, end=TODAY)
            assert work.erasure.dependents(stage.all, TODAY) == []
            assert len(work.erasure.dependents(stage.all, YESTERDAY)) == 1
            work.erasure.erase(stage.all)
            assert work.memberships.members(stage.other, TODAY)[0].id == stage.stays

    def test_groups_that_refer_to_it_depend_on_it(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            below = add_group(work, "Below", stage.group)
            bound = work.groups.add(NewGroup(name="Bound", term=stage.term)).id
            found = work.erasure.dependents(stage.all, TODAY)
            assert [(each.kind, each.id) for each in found] == [("group", below), ("group", bound)]
            with pytest.raises(Conflict), work.savepoint():
                work.erasure.erase(stage.all)
            work.groups.archive(below)
            work.groups.archive(bound)
            assert work.erasure.dependents(stage.all, TODAY) == []
            work.erasure.erase(stage.all)

    def test_entries_in_its_rooms_depend_on_it(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            new = NewEntry(group=stage.other, title="Here", date=TODAY, room=stage.room)
            entry = work.entries.add(new).id
            found = work.erasure.dependents(stage.all, TODAY)
            assert [(each.kind, each.id) for each in found] == [("entry", entry)]
            with pytest.raises(Conflict), work.savepoint():
                work.erasure.erase(stage.all)

    def test_files_of_others_depend_on_its_projects(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            name = "demo-2.0-py3-none-any.whl"
            file = work.packages.add_file(_file(stage.project, stage.stays, name, "c"))
            work.packages.add_file(_file(stage.project, None, "demo-3.0-py3-none-any.whl", "d"))
            found = work.erasure.dependents(stage.all, TODAY)
            assert [(each.kind, each.id) for each in found] == [("file", file.id)]

    def test_what_stays_loses_owner_and_uploader(self, store: WorkFactory) -> None:
        with store.write() as work:
            stage = _set_up(work)
            work.erasure.erase(
                Erasable(users={stage.user}, groups={stage.group}, rooms={stage.room})
            )
            (project,) = work.packages.all()
            assert project.owner is None
            assert [f.uploader for f in work.packages.files(project.id)] == [None]

    def test_nothing_is_nothing(self, store: WorkFactory) -> None:
        with store.write() as work:
            _set_up(work)
            assert work.erasure.dependents(Erasable(), TODAY) == []
            assert work.erasure.erase(Erasable()) == []
            assert len(work.users.list(EVERYTHING, UserQuery(), WHOLE)) == 2


def _set_up_again(work: Work) -> int:
    user = add_user(work, "demo")
    project = work.packages.add("demo", "demo", user, NOON).id
    work.packages.add_file(_file(project, user, "demo-1.0-py3-none-any.whl", "b"))
    return user

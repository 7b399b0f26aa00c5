"""Groups, timetable, terms, rooms and users as services see them, on every store."""

from __future__ import annotations

from datetime import date, time, timedelta
from functools import partial

import pytest

from campuscore import (
    EntryChange,
    EntryQuery,
    GroupChange,
    NewCheckIn,
    NewEntry,
    NewGroup,
    NewRoom,
    NewTerm,
    NewUser,
    Role,
    UserChange,
)
from campuscore.domain.attendance import CheckInQuery, DayQuery
from campuscore.domain.paging import PageRequest
from campuscore.domain.users import User, UserName
from campuscore.errors import CampusError, Conflict, Forbidden, Invalid, NotFound

from .campuses import NOW, town_on

TODAY = NOW.date()
DAY = date(2026, 3, 8)


@pytest.fixture
def town(store, clock):
    return town_on(store, clock, "America/New_York")


@pytest.fixture
def operator(town):
    return town.campus.operator


def fault(call, *args) -> tuple[type[CampusError], set[str]]:
    with pytest.raises(CampusError) as error:
        call(*args)
    found = error.value
    return type(found), {p.path for p in found.problems} if isinstance(found, Invalid) else set()


class TestGroups:
    def test_a_teacher_who_creates_one_teaches_it(self, town):
        teacher = town.principal(town.user("anna", Role.TEACHER))
        view = town.campus.groups.create(teacher, NewGroup(name="Lab"))

        assert [t.id for t in view.teachers] == [teacher.user_id]
        assert town.topics()[-2:] == ["group.created", "membership.started"]
        with pytest.raises(Forbidden):
            town.campus.groups.create(town.principal(town.user("bert")), NewGroup(name="x"))

    def test_an_administrator_who_creates_one_does_not(self, town, operator):
        assert town.campus.groups.create(operator, NewGroup(name="Lab")).teachers == []

    def test_members_join_today_once_and_leave_today(self, town, operator):
        groups, user, group = town.campus.groups, town.user("anna"), town.group("lab")
        assert groups.add_user(operator, group, user, Role.STUDENT)
        assert not groups.add_user(operator, group, user, Role.STUDENT)
        assert groups.add_user(operator, group, user, Role.ASSISTANT)
        rows = groups.members(operator, group)
        assert {(m.role, m.begin, m.end) for m in rows} == {
            (Role.STUDENT, TODAY, None),
            (Role.ASSISTANT, TODAY, None),
        }
        town.clock.forward(days=1)
        assert groups.remove_user(operator, group, user, Role.STUDENT)
        assert not groups.remove_user(operator, group, user, Role.STUDENT)
        assert [m.role for m in groups.members(operator, group)] == [Role.ASSISTANT]
        assert len(groups.members(operator, group, TODAY)) == 2
        assert groups.remove_user(operator, group, user)
        assert groups.members(operator, group) == []

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.GUARDIAN, Role.DEVICE])
    def test_some_roles_are_not_held_in_a_group(self, town, operator, role):
        call = town.campus.groups.add_user

        assert fault(call, operator, town.group("x"), town.user("anna"), role) == (
            Invalid,
            {"/role"},
        )

    def test_a_word_names_a_role_and_another_is_refused(self, town, operator):
        groups, group, user = town.campus.groups, town.group("x"), town.user("anna")

        assert groups.add_user(operator, group, user, "assistant")
        assert [m.role for m in groups.members(operator, group)] == [Role.ASSISTANT]
        for call in (groups.add_user, groups.remove_user):
            for role in ("king", "guardian", Role.GUARDIAN):
                assert fault(call, operator, group, user, role) == (Invalid, {"/role"})
        assert groups.remove_user(operator, group, user, "assistant")

    def test_who_is_not_there_cannot_be_removed(self, town, operator):
        groups, group = town.campus.groups, town.group("x")
        teacher, stranger = town.user("tina"), town.user("stranger")
        town.join(group, teacher, Role.TEACHER)

        assert fault(groups.remove_user, operator, group, 999) == (NotFound, set())
        assert not groups.remove_user(operator, group, stranger)
        assert fault(groups.remove_user, town.principal(teacher), group, stranger)[0] is NotFound

    def test_only_administrators_add_administrators(self, town, operator):
        groups, group = town.campus.groups, town.group("x")
        teacher, admin = town.user("tina", Role.TEACHER), town.user("root", Role.ADMIN)
        town.join(group, teacher, Role.TEACHER)
        call = partial(groups.add_user, group_id=group, user_id=admin, role=Role.STUDENT)

        with pytest.raises(Forbidden):
            call(town.principal(teacher))
        assert groups.members(operator, group) == groups.members(town.principal(teacher), group)
        assert call(town.principal(admin))

    def test_deactivated_users_are_on_the_lists_of_the_past_only(self, town, operator):
        groups, group, user = town.campus.groups, town.group("x"), town.user("anna")
        town.join(group, user)
        town.campus.users.deactivate(operator, user)
        yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=1)

        assert groups.members(operator, group) == []
        assert groups.members(operator, group, tomorrow) == []
        assert [m.id for m in groups.members(operator, group, yesterday)] == [user]
        with pytest.raises(Conflict) as error:
            groups.add_user(operator, group, user, Role.STUDENT)
        assert error.value.code == "user_inactive"

    def test_a_group_leaves_only_where_one_may_change_the_parent(self, town, operator):
        groups = town.campus.groups
        course, own = town.group("course"), town.group("own")
        lab, free = town.group("lab", course), town.group("free")
        teacher = town.user("tina")
        for group in (own, lab, free):
            town.join(group, teacher, Role.TEACHER)
        who = town.principal(teacher)

        for parent in (own, None):
            assert fault(groups.update, who, lab, GroupChange(parent=parent)) == (Forbidden, set())
        assert groups.update(who, lab, GroupChange(parent=course, name="Lab")).name == "Lab"
        assert groups.update(who, free, GroupChange(parent=own)).parent == own
        assert groups.update(who, free, GroupChange(parent=None)).parent is None
        assert groups.update(operator, lab, GroupChange(parent=None)).parent is None

    def test_a_view_places_teachers_and_students(self, town, operator):
        groups, group = town.campus.groups, town.group("lab")
        for role in (Role.TEACHER, Role.STUDENT, Role.ASSISTANT):
            town.join(group, town.user(f"a{role}"), role)
        view = groups.get(operator, group)

        assert [u.username for u in view.teachers] == ["ateacher"]
        assert [u.username for u in view.students] == ["astudent"]

    def test_a_change_that_changes_nothing_is_not_told(self, town, operator):
        groups, group = town.campus.groups, town.group("lab")
        before = town.topics()
        groups.update(operator, group, GroupChange(name="lab"))
        assert town.topics() == before
        groups.update(operator, group, GroupChange(name="Lab"))
        assert town.topics() == [*before, "group.updated"]

    def test_what_a_group_refers_to_has_to_be_there(self, town, operator):
        groups, group = town.campus.groups, town.group("lab")
        below = town.group("below", group)

        assert fault(groups.create, operator, NewGroup(name="x", term=9)) == (Invalid, {"/term"})
        assert fault(groups.create, operator, NewGroup(name="x", parent=999))[0] is NotFound
        for parent in (group, below):
            change = GroupChange(parent=parent)
            assert fault(groups.update, operator, group, change) == (Invalid, {"/parent"})
        assert groups.update(operator, below, GroupChange(parent=None)).parent is None

    def test_groups_nest_at_most_32_deep(self, town, operator):
        top = None
        for number in range(32):
            top = town.group(f"g{number}", top)

        new = NewGroup(name="x", parent=top)
        assert fault(town.campus.groups.create, operator, new) == (Invalid, {"/parent"})

    def test_an_archived_one_is_gone(self, town, operator):
        groups, group = town.campus.groups, town.group("lab")
        groups.archive(operator, group)

        assert groups.list(operator).items == []
        for call in (groups.get, groups.archive, groups.members):
            assert fault(call, operator, group)[0] is NotFound

    def test_they_page(self, town, operator):
        ids = [town.group(f"g{number}") for number in range(3)]
        first = town.campus.groups.list(operator, PageRequest(limit=2))
        rest = town.campus.groups.list(operator, PageRequest(2, first.next))

        assert [g.id for g in (*first.items, *rest.items)] == ids
        assert rest.next is None


class TestSchedule:
    @pytest.fixture
    def entry(self, town, operator):
        new = NewEntry(group=town.group("lab"), title="Algebra", date=DAY, start=time(9))
        return town.campus.schedule.create(operator, new)

    def test_a_time_that_daylight_saving_skips_is_refused(self, town, operator, entry):
        schedule = town.campus.schedule
        for change, path in (
            ({"start": time(2, 30)}, "/start"),
            ({"start": time(1), "end": time(2, 30)}, "/end"),
        ):
            new = NewEntry(group=entry.group, title="x", date=DAY, **change)
            assert fault(schedule.create, operator, new) == (Invalid, {path})
            moved = EntryChange(**change)
            assert fault(schedule.update, operator, entry.id, moved) == (Invalid, {path})
        later = EntryChange(start=time(2, 30), date=DAY + timedelta(days=1))
        assert schedule.update(operator, entry.id, later).start == time(2, 30)

    def test_a_change_is_told_and_shown(self, town, operator, entry):
        schedule = town.campus.schedule
        room = schedule.rooms.create(operator, NewRoom(name="Aula")).id
        changed = schedule.update(operator, entry.id, EntryChange(room=room, end=time(10)))

        assert schedule.get(operator, entry.id) == changed
        assert (changed.room, changed.end, changed.title) == (room, time(10), "Algebra")
        unknown = EntryChange(room=999)
        assert fault(schedule.update, operator, entry.id, unknown) == (Invalid, {"/room"})
        schedule.remove(operator, entry.id)
        assert town.topics()[-2:] == ["schedule.changed", "schedule.removed"]
        told = town.campus.operations.events(operator, limit=1000)
        fields = [each.payload["fields"] for each in told if each.topic == "schedule.changed"]
        assert fields == [["end", "room"]]
        assert fault(schedule.get, operator, entry.id)[0] is NotFound

    def test_an_entry_moves_only_where_one_teaches(self, town, operator, entry):
        teacher, other = town.user("anna"), town.group("other")
        town.join(entry.group, teacher, Role.TEACHER)
        who, schedule = town.principal(teacher), town.campus.schedule
        assert fault(schedule.update, who, entry.id, EntryChange(group=other))[0] is NotFound
        town.join(other, teacher)
        assert fault(schedule.update, who, entry.id, EntryChange(group=other))[0] is Forbidden
        assert schedule.update(operator, entry.id, EntryChange(group=other)).group == other

    @pytest.mark.parametrize(
        ("zone", "day", "start"),
        [("Asia/Tokyo", date.min, time(1)), ("America/New_York", date.max, time(23))],
    )
    def test_a_time_that_no_utc_has_is_refused(self, town, operator, entry, zone, day, start):
        campus = town_on(town.store, town.clock, zone).campus

        change = EntryChange(date=day, start=start)
        assert fault(campus.schedule.update, operator, entry.id, change) == (Invalid, {"/start"})

    def test_lists_are_filtered_by_both_ends(self, town, operator, entry):
        schedule = town.campus.schedule

        def found(**query):
            return [e.id for e in schedule.list(operator, EntryQuery(**query)).items]

        assert found() == found(since=DAY, until=DAY) == found(group=entry.group) == [entry.id]
        assert found(since=DAY + timedelta(days=1)) == found(until=DAY - timedelta(days=1)) == []

    def test_for_who_may_never_read_there_is_no_way_to_guess(self, town, entry):
        device = town.principal(town.user("kiosk", Role.DEVICE))

        for number in (entry.id, 999):
            assert fault(town.campus.schedule.get, device, number)[0] is Forbidden


NEW_PLACES = {
    "terms": lambda name: NewTerm(name=name, first_day=DAY, last_day=DAY),
    "rooms": lambda name: NewRoom(name=name, capacity=3),
}


@pytest.mark.parametrize("kind", NEW_PLACES)
class TestPlaces:
    @pytest.fixture
    def places(self, town, kind):
        return getattr(town.campus.schedule, kind)

    @pytest.fixture
    def make(self, kind):
        return NEW_PLACES[kind]

    def test_the_whole_life(self, town, operator, places, make, kind):
        row = places.create(operator, make("one"))
        assert places.get(operator, row.id) == row
        renamed = places.replace(operator, row.id, make("two"))
        assert places.list(operator) == [renamed]
        assert (renamed.id, renamed.name) == (row.id, "two")
        places.remove(operator, row.id)
        assert places.list(operator) == []
        word = kind.removesuffix("s")
        assert town.topics() == [f"{word}.created", f"{word}.updated", f"{word}.removed"]

    def test_what_is_not_there_is_not_found(self, operator, places, make):
        for call, *rest in ((places.get,), (places.replace, make("x")), (places.remove,)):
            assert fault(call, operator, 999, *rest)[0] is NotFound

    def test_a_bad_field_or_a_taken_name_is_refused(self, operator, places, make):
        row = places.create(operator, make("one"))
        other = places.create(operator, make("two"))

        assert fault(places.create, operator, make(" ")) == (Invalid, {"/name"})
        assert fault(places.replace, operator, row.id, make(" ")) == (Invalid, {"/name"})
        assert fault(places.create, operator, make("one"))[0] is Conflict
        assert fault(places.replace, operator, other.id, make("one"))[0] is Conflict

    def test_everybody_reads_and_administrators_write(self, town, operator, places, make):
        row = places.create(operator, make("one"))
        anna = town.principal(town.user("anna", Role.TEACHER))
        device = town.principal(town.user("kiosk", Role.DEVICE))

        assert places.list(anna) == [row] == [places.get(anna, row.id)]
        assert fault(places.create, anna, make("x"))[0] is Forbidden
        assert fault(places.replace, anna, row.id, make("x"))[0] is Forbidden
        assert fault(places.remove, anna, row.id)[0] is Forbidden
        assert fault(places.list, device)[0] is fault(places.get, device, row.id)[0] is Forbidden


class TestUsers:
    def test_details_are_for_oneself_and_those_who_teach(self, town, operator):
        anna, bert, carl = (town.user(name) for name in ("anna", "bert", "carl"))
        group = town.group("lab")
        town.join(group, anna)
        town.join(group, bert, Role.ASSISTANT)
        town.join(group, carl, Role.TEACHER)
        users = town.campus.users

        assert isinstance(users.get(town.principal(anna), anna), User)
        assert isinstance(users.get(town.principal(carl), anna), User)
        assert isinstance(users.get(operator, anna), User)
        seen = users.get(town.principal(bert), anna)
        assert seen == UserName(anna, "anna", "", "", Role.STUDENT)
        assert all(isinstance(u, UserName) for u in users.list(town.principal(bert)).items)

    def test_a_token_without_details_lists_names(self, town, operator):
        admin = town.user("root", Role.ADMIN)
        scoped = town.as_seen(admin, scopes=("users.read",))
        users = town.campus.users

        assert {type(u) for u in users.list(town.principal(admin)).items} == {User}
        assert {type(u) for u in users.list(scoped).items} == {UserName}
        assert type(users.get(scoped, admin)) is UserName

    def test_faults_of_fields_and_password_are_told_together(self, town, operator):
        users, user = town.campus.users, town.user("anna")
        new = NewUser(username="a b", password="short")
        change = UserChange(username="a b", password="short")

        assert fault(users.create, operator, new) == (Invalid, {"/username", "/password"})
        assert fault(users.update, operator, user, change) == (Invalid, {"/username", "/password"})

    def test_one_is_found_by_name(self, town, operator):
        anna = town.user("anna")
        stranger = town.principal(town.user("bert"))

        assert town.campus.users.find_named(operator, "ANNA").id == anna
        for who, name in ((operator, "nobody"), (stranger, "anna")):
            assert fault(town.campus.users.find_named, who, name)[0] is NotFound

    def test_a_change_that_changes_nothing_is_not_told(self, town, operator):
        anna = town.user("anna")
        before = town.topics()
        town.campus.users.update(operator, anna, UserChange(first_name=""))
        assert town.topics() == before
        town.campus.users.update(operator, anna, UserChange(first_name="Anna"))
        town.campus.users.deactivate(operator, anna)
        assert town.topics() == [*before, "user.updated", "user.deactivated"]

    def test_an_unknown_one_is_not_found(self, town, operator):
        assert fault(town.campus.users.update, operator, 999, UserChange())[0] is NotFound

    def test_a_bad_one_leaves_nothing(self, town, operator):
        create = town.campus.users.create
        town.user("anna")
        before = town.topics()

        assert fault(create, operator, NewUser(username="ANNA"))[0] is Conflict
        assert fault(create, operator, NewUser(username="a b")) == (Invalid, {"/username"})
        bad = NewUser(username="bert", password="short")
        assert fault(create, operator, bad) == (Invalid, {"/password"})
        assert town.topics() == before


BEYOND = (1 << 63, 1 << 70, -(1 << 70))


@pytest.mark.parametrize("number", BEYOND)
def test_an_id_beyond_every_column_is_nobodys(town, operator, number):
    campus, group, user = town.campus, town.group("x"), town.user("anna")
    gone = (NotFound, set())

    assert fault(campus.users.get, operator, number) == gone
    assert fault(campus.users.deactivate, operator, number) == gone
    assert fault(campus.groups.get, operator, number) == gone
    assert fault(campus.groups.add_user, operator, number, user, Role.STUDENT) == gone
    assert fault(campus.groups.add_user, operator, group, number, Role.STUDENT) == gone
    assert fault(campus.groups.remove_user, operator, group, number) == gone
    assert fault(campus.groups.create, operator, NewGroup(name="x", parent=number)) == gone
    assert fault(campus.groups.update, operator, group, GroupChange(term=number)) == (
        Invalid,
        {"/term"},
    )
    assert fault(campus.schedule.get, operator, number) == gone
    entry = NewEntry(group=group, title="x", date=DAY, room=number)
    assert fault(campus.schedule.create, operator, entry) == (Invalid, {"/room"})
    assert fault(campus.schedule.rooms.get, operator, number) == gone
    assert fault(campus.attendance.open_file, operator, number) == gone
    assert fault(campus.attendance.check_in, operator, NewCheckIn(user=number)) == gone
    assert campus.schedule.list(operator, EntryQuery(group=number)).items == []
    for query in ({"user": number}, {"group": number}):
        assert campus.attendance.list(operator, CheckInQuery(**query)).items == []
        assert campus.attendance.aggregate(operator, DayQuery(**query)).items == []

"""Attendance as services see it: local days in every zone, rules of recording, kept answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from campuscore import NewCheckIn, Role
from campuscore.domain.attendance import CheckInMethod, CheckInQuery, DayQuery, NewAttachment
from campuscore.domain.auth import Origin
from campuscore.domain.days import Days
from campuscore.domain.paging import PageRequest
from campuscore.domain.schedule import EntryQuery
from campuscore.errors import Forbidden, Invalid, NotFound, Problem, TooLarge
from campuscore.services.attendance import MAX_BULK
from campuscore.services.attendance import reports as reports_module
from campuscore.services.shelf import Kept, Shelf

from .campuses import NOW, STORES, Clock, new_store, town_on

ZONES = ("UTC", "Europe/Moscow", "America/New_York")
LATE = datetime(2026, 12, 31, 12, tzinfo=UTC)
# Ordinary days, and those on which New York's clocks go forward and back.
DAYS = (date(2026, 3, 4), date(2026, 3, 8), date(2026, 11, 1))


def town_in(zone, kind, folder, at=LATE):
    clock = Clock(at)
    return town_on(new_store(kind, clock, folder), clock, zone)


@pytest.fixture(params=STORES)
def town(request, tmp_path):
    town = town_in("UTC", request.param, tmp_path, NOW)
    yield town
    town.store.keeper.close()


@pytest.fixture
def anna(town):
    return town.user("anna")


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", DAYS)
def test_a_day_has_the_first_entry_of_morning_and_afternoon(kind, zone, day, tmp_path):
    town = town_in(zone, kind, tmp_path)
    user, operator = town.user("anna"), town.campus.operator
    clocks = (time(17), time(12, 30), time(12, 29, 59), time(8, 10))
    attendance = town.campus.attendance
    for clock in clocks:
        at = datetime.combine(day, clock, ZoneInfo(zone))
        attendance.check_in(operator, NewCheckIn(user=user, timestamp=at))
    try:
        (row,) = attendance.aggregate(operator).items
        told = json.loads(body(attendance.aggregate_json(operator, files="/f")))
    finally:
        town.store.keeper.close()

    assert (row.date, row.morning_entry, row.afternoon_entry) == (day, time(8, 10), time(12, 30))
    assert [(r["morning_entry"], r["afternoon_entry"]) for r in told] == [("08:10:00", "12:30:00")]


@pytest.mark.parametrize("kind", STORES)
def test_another_zone_is_taken_over_by_a_rebuild(kind, tmp_path):
    town = town_in("UTC", kind, tmp_path)
    user, operator = town.user("anna"), town.campus.operator
    at = datetime(2026, 3, 4, 2, tzinfo=UTC)
    town.campus.attendance.check_in(operator, NewCheckIn(user=user, timestamp=at))
    moved = evolve(town.campus.attendance, days=Days(ZoneInfo("America/New_York"), town.clock))
    try:
        assert moved.rebuild(operator) == 1
        (row,) = moved.aggregate(operator).items
        with pytest.raises(Forbidden):
            moved.rebuild(town.principal(user))
    finally:
        town.store.keeper.close()

    assert (row.date, row.morning_entry, row.afternoon_entry) == (date(2026, 3, 3), None, time(21))


def body(found):
    return found.body if isinstance(found, Kept) else b"".join(found)


class TestRecording:
    def test_oneself_within_five_minutes_is_now(self, town, anna):
        me, attendance = town.principal(anna), town.campus.attendance
        for minutes in (-5, 5):
            at = NOW + timedelta(minutes=minutes)
            assert attendance.check_in(me, NewCheckIn(timestamp=at)).timestamp == at
        for seconds in (-301, -86400):
            with pytest.raises(Forbidden):
                attendance.check_in(me, NewCheckIn(timestamp=NOW + timedelta(seconds=seconds)))

    def test_the_future_begins_after_five_minutes(self, town, anna):
        operator, attendance = town.campus.operator, town.campus.attendance
        new = NewCheckIn(user=anna, timestamp=NOW + timedelta(minutes=5))
        attendance.check_in(operator, new)
        late = evolve(new, timestamp=NOW + timedelta(minutes=5, microseconds=1))
        with pytest.raises(Invalid):
            attendance.check_in(operator, late)

    def test_1970_is_the_first_year(self, town, anna):
        operator, attendance = town.campus.operator, town.campus.attendance
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        attendance.check_in(operator, NewCheckIn(user=anna, timestamp=epoch))
        early = NewCheckIn(user=anna, timestamp=epoch - timedelta(microseconds=1))
        with pytest.raises(Invalid) as error:
            attendance.check_in(operator, early)
        assert [p.path for p in error.value.problems] == ["/timestamp"]

    def test_an_instant_without_an_offset_is_refused(self, town, anna):
        me = town.principal(anna)
        naive = NewCheckIn(timestamp=NOW.replace(tzinfo=None))
        with pytest.raises(Invalid) as error:
            town.campus.attendance.check_in_many(me, [NewCheckIn(), naive])
        assert [p.path for p in error.value.problems] == ["/1/timestamp"]

    def test_too_many_at_once_are_refused(self, town, anna):
        news = [NewCheckIn(user=anna)] * (MAX_BULK + 1)
        with pytest.raises(TooLarge):
            town.campus.attendance.check_in_many(town.campus.operator, news)

    def test_the_operator_cannot_check_in_without_a_user(self, town, anna):
        attendance, operator = town.campus.attendance, town.campus.operator
        with pytest.raises(Invalid) as one:
            attendance.check_in(operator)
        with pytest.raises(Invalid) as many:
            attendance.check_in_many(operator, [NewCheckIn(user=anna), NewCheckIn()])

        problem = Problem("/user", "the operator is no user; name one")
        assert one.value.problems == (problem,)
        assert [p.path for p in many.value.problems] == ["/1/user"]
        assert "checkin.recorded" not in town.topics()

    def test_bad_times_and_bad_users_are_told_together(self, town, anna):
        future, early = NOW + timedelta(days=1), datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
        news = [
            NewCheckIn(user=anna),
            NewCheckIn(user=anna, timestamp=future),
            NewCheckIn(user=999),
            NewCheckIn(user=998, timestamp=early),
            NewCheckIn(),
        ]
        with pytest.raises(Invalid) as error:
            town.campus.attendance.check_in_many(town.campus.operator, news)

        paths = {"/1/timestamp", "/2/user", "/3/timestamp", "/3/user", "/4/user"}
        assert {p.path for p in error.value.problems} == paths
        assert error.value.code == "invalid"

    def test_a_token_to_record_for_others_records_for_them(self, town, anna):
        attendance = town.campus.attendance
        door = town.user("door", Role.DEVICE)
        only = town.as_seen(door, scopes=("attendance.record_for",))

        assert attendance.check_in(only, NewCheckIn(user=anna)).user == anna
        scopes = ("attendance.record_for", "users.read")
        with pytest.raises(Forbidden):
            attendance.check_in(town.as_seen(anna, scopes=scopes))

    def test_a_method_is_one_of_those_there_are(self, town, anna):
        attendance = town.campus.attendance
        new = NewCheckIn(user=anna)

        assert (
            attendance.check_in(town.campus.operator, new, method="qr").method is CheckInMethod.QR
        )
        with pytest.raises(Invalid):
            attendance.check_in(town.campus.operator, new, method="telepathy")

    def test_one_bad_row_leaves_nothing(self, town, anna):
        news = [NewCheckIn(user=anna), NewCheckIn(user=999), NewCheckIn(user=998)]
        with pytest.raises(Invalid) as error:
            town.campus.attendance.check_in_many(town.campus.operator, news)
        assert error.value.code == "user_not_found"
        assert [p.path for p in error.value.problems] == ["/1/user", "/2/user"]
        assert town.campus.attendance.list(town.campus.operator).items == []

    def test_a_leader_records_for_the_days_of_a_membership(self, town, anna):
        bert, group = town.user("bert"), town.group("lab")
        begin = NOW.date() - timedelta(days=1)
        town.join(group, bert, Role.ASSISTANT)
        town.join(group, anna, begin=begin)
        principal, attendance = town.principal(bert), town.campus.attendance
        attendance.check_in(principal, NewCheckIn(user=anna, timestamp=NOW - timedelta(days=1)))
        early = NewCheckIn(user=anna, timestamp=NOW - timedelta(days=2))
        with pytest.raises(NotFound):
            attendance.check_in(principal, early)
        with pytest.raises(Invalid) as error:
            attendance.check_in_many(principal, [NewCheckIn(user=anna), early])
        assert [p.path for p in error.value.problems] == ["/1/user"]

    def test_a_token_that_may_not_see_users_learns_nothing_of_them(self, town, anna):
        bert = town.as_seen(town.user("bert"), scopes=("attendance.*",))
        for user in (anna, bert.user_id, 999):
            past = NewCheckIn(user=user, timestamp=NOW - timedelta(days=2))
            with pytest.raises(NotFound):
                town.campus.attendance.check_in(bert, past)

    def test_many_are_told_of_in_one_message(self, town, anna):
        town.campus.attendance.check_in_many(town.campus.operator, [NewCheckIn(user=anna)] * 3)
        (message,) = town.campus.operations.events(town.campus.operator, after=1)

        assert (message.topic, message.key) == ("checkin.recorded", "bulk")
        assert message.payload["count"] == 3


class TestFiles:
    def attach(self, town, who, user, name="a.txt"):
        new = NewAttachment(user=user, date=NOW.date(), filename=name)
        return town.campus.attendance.attach_file(who, new, [b"abc", b"def"])

    def test_bytes_come_back(self, town, anna):
        me, attendance = town.principal(anna), town.campus.attendance
        row = self.attach(town, me, anna)
        found, chunks = attendance.open_file(me, row.id)

        assert (found, b"".join(chunks)) == (row, b"abcdef")
        assert attendance.files(me, anna, NOW.date()) == [row]
        attendance.withdraw_file(me, row.id)
        assert attendance.files(me, anna, NOW.date()) == []
        assert town.topics()[-2:] == ["file.attached", "file.withdrawn"]

    def test_a_longer_one_than_the_campus_takes_is_refused(self, town, anna):
        tight = evolve(town.campus.attendance, max_upload=5)
        new = NewAttachment(user=anna, date=NOW.date(), filename="a")
        with pytest.raises(TooLarge):
            tight.attach_file(town.principal(anna), new, [b"abc", b"def"])
        assert list(tight.blobs.names()) == []

    def test_rights_come_before_a_byte_is_read(self, town, anna):
        bert = town.principal(town.user("bert"))

        def never():
            raise AssertionError
            yield b""

        new = NewAttachment(user=anna, date=NOW.date(), filename="a")
        with pytest.raises(NotFound):
            town.campus.attendance.attach_file(bert, new, never())

    def test_a_stranger_learns_nothing(self, town, anna):
        row = self.attach(town, town.campus.operator, anna)
        bert, attendance = town.principal(town.user("bert")), town.campus.attendance
        for call in (attendance.open_file, attendance.withdraw_file):
            for number in (row.id, 999):
                with pytest.raises(NotFound) as error:
                    call(bert, number)
                assert error.value.code == "file_not_found"


class TestKeptAnswers:
    """Days that are over are answered from the shelf until the past is revised."""

    QUERY = DayQuery(until=NOW.date() - timedelta(days=2))

    @pytest.fixture
    def ask(self, town, anna):
        at = NOW - timedelta(days=3)
        town.campus.attendance.check_in(town.campus.operator, NewCheckIn(user=anna, timestamp=at))

        def ask(query=self.QUERY, who=None):
            who = who or town.campus.operator
            return town.campus.attendance.aggregate_json(who, query, files="/f")

        return ask

    def test_the_second_answer_is_the_first(self, ask):
        assert isinstance(ask(), Kept)
        assert ask() is ask()

    def test_it_ends_with_the_right_to_it(self, town, anna, ask):
        guardians, mum = town.campus.users.guardians, town.user("mum", Role.GUARDIAN)
        who = town.principal(mum)
        assert ask(who=who).body == b"[]"
        guardians.link(town.campus.operator, anna, mum)
        assert [row["id"] for row in json.loads(ask(who=who).body)] == [anna]
        guardians.unlink(town.campus.operator, anna, mum)
        assert ask(who=who).body == b"[]"

    def test_it_is_made_anew_when_the_past_changes(self, town, anna, ask):
        before = ask()
        at = NOW - timedelta(days=4)
        town.campus.attendance.check_in(town.campus.operator, NewCheckIn(user=anna, timestamp=at))

        assert len(json.loads(ask().body)) == len(json.loads(before.body)) + 1
        assert ask().tag != before.tag

    def test_it_is_kept_for_each_scope(self, town, anna, ask):
        bert = town.principal(town.user("bert"))

        assert len(json.loads(ask().body)) == 1
        assert json.loads(ask(who=bert).body) == []
        assert len(json.loads(ask(who=town.principal(anna)).body)) == 1

    @pytest.mark.parametrize(
        ("until", "hours", "kept"),
        [(None, 0, False), (0, 0, False), (-1, 0, True), (-1, -10.01, False), (-1, -10, True)],
    )
    def test_a_day_is_over_two_hours_after_its_end(self, town, ask, until, hours, kept):
        day = None if until is None else NOW.date() + timedelta(days=until)
        town.clock.forward(hours=hours)

        assert isinstance(ask(DayQuery(until=day)), Kept) is kept

    def test_a_very_long_answer_streams(self, ask, monkeypatch):
        monkeypatch.setattr(reports_module, "LARGEST", 10)
        found = ask()

        assert not isinstance(found, Kept)
        assert len(json.loads(b"".join(found))) == 1


class TestShelf:
    def test_the_oldest_go_when_it_is_full(self):
        shelf, size = Shelf(), 4 * 1024 * 1024
        for number in range(8):
            shelf.keep(number, 1, bytes(size))
        assert shelf.find(0, 1) is not None
        shelf.keep(8, 1, b"x")

        assert shelf.find(1, 1) is None
        assert shelf.find(0, 1) is not None
        assert shelf.find(8, 1) is not None

    def test_what_is_replaced_makes_room(self):
        shelf = Shelf()
        shelf.keep("other", 1, b"x")
        for number in range(20):
            shelf.keep("same", number, bytes(4 * 1024 * 1024))

        assert shelf.find("other", 1) is not None
        assert shelf.find("same", 19) is not None
        assert shelf.find("same", 18) is None

    def test_what_is_too_long_is_not_kept(self):
        shelf = Shelf()
        kept = shelf.keep("long", 1, bytes(4 * 1024 * 1024 + 1))

        assert len(kept.tag) == 32
        assert shelf.find("long", 1) is None


def test_a_sheet_has_a_head_and_the_rows_of_the_aggregate(town, anna):
    operator, attendance = town.campus.operator, town.campus.attendance
    attendance.check_in(operator, NewCheckIn(user=anna, timestamp=NOW))
    file = NewAttachment(user=anna, date=NOW.date(), filename="a")
    for _ in range(2):
        attendance.attach_file(operator, file, [b"x"])
    sheet = attendance.sheet(operator, form="list", files="/f")

    assert (sheet.filename, sheet.media_type) == ("attendance.txt", "text/plain")
    assert b"".join(sheet.chunks).decode() == (
        "('id', 'username', 'full_name', 'group', 'date', 'morning_entry', 'afternoon_entry', "
        f"'files')({anna}, 'anna', '', '', '2026-03-04', '12:00:00', None, '/f/1/\\n/f/2/')"
    )


def test_the_origin_of_others_is_hidden(town, anna):
    bert, group = town.user("bert", Role.TEACHER), town.group("lab")
    town.join(group, bert, Role.TEACHER)
    town.join(group, anna)
    attendance, origin = town.campus.attendance, Origin("10.0.0.7", "lab-pc")
    attendance.check_in(town.principal(anna), origin=origin)
    attendance.check_in(town.principal(bert), origin=origin)

    def seen(who):
        return {row.user: row.ip_address for row in attendance.list(who).items}

    assert seen(town.principal(bert)) == {anna: None, bert: "10.0.0.7"}
    assert seen(town.principal(anna)) == {anna: "10.0.0.7"}
    assert seen(town.campus.operator) == {anna: "10.0.0.7", bert: "10.0.0.7"}
    admin = town.user("root", Role.ADMIN)
    assert seen(town.principal(admin)) == {anna: "10.0.0.7", bert: "10.0.0.7"}
    scopes = ("attendance.read",)
    assert seen(town.as_seen(admin, scopes=scopes)) == {anna: None, bert: None}
    assert seen(town.as_seen(anna, scopes=scopes)) == {anna: None}


def test_no_rows_are_no_fault(town):
    assert town.campus.attendance.check_in_many(town.campus.operator, []) == []
    assert town.topics() == []


def test_a_sheet_of_an_unknown_form_is_refused(town):
    with pytest.raises(Invalid, match="list"):
        town.campus.attendance.sheet(town.campus.operator, form="pdf")


def test_lists_page(town, anna):
    operator, attendance = town.campus.operator, town.campus.attendance
    attendance.check_in_many(operator, [NewCheckIn(user=anna)] * 5)
    page = PageRequest(limit=2)
    sizes = []
    while True:
        found = attendance.list(operator, CheckInQuery(), page)
        sizes.append(len(found.items))
        if found.next is None:
            break
        page = PageRequest(2, found.next)

    assert sizes == [2, 2, 1]


def test_a_span_that_ends_before_it_begins_is_refused(town):
    attendance, operator = town.campus.attendance, town.campus.operator
    first, last = date(2026, 3, 5), date(2026, 3, 4)
    days = DayQuery(since=first, until=last)
    for ask in (
        lambda: attendance.list(operator, CheckInQuery(since=first, until=last)),
        lambda: attendance.aggregate(operator, days),
        lambda: attendance.aggregate_json(operator, days, files="/f"),
        lambda: attendance.sheet(operator, days),
        lambda: town.campus.schedule.list(operator, EntryQuery(since=first, until=last)),
    ):
        with pytest.raises(Invalid) as refused:
            ask()
        text = "2026-03-04 lies before the first day, 2026-03-05"
        assert refused.value.problems == (Problem("/until", text),)

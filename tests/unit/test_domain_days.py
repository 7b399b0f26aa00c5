"""Instants, local days and pages."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campuscore.domain.days import Days, LocalMoment, find_zone, utc_now
from campuscore.domain.paging import MAX_LIMIT, PageRequest, cut_page
from campuscore.errors import Invalid, Misconfigured
from campuscore.testing.strategies import instants, zones

NEW_YORK = Days(ZoneInfo("America/New_York"))


@given(st.data())
def test_an_instant_lies_within_its_local_day(data):
    zone = data.draw(zones())
    at = data.draw(instants(zone))
    days = Days(ZoneInfo(zone))
    local = days.local(at)

    assert days.start_of(local.day) <= at < days.end_of(local.day)
    assert local.clock == at.astimezone(ZoneInfo(zone)).time().replace(microsecond=0)
    assert local.is_afternoon is (local.clock >= time(12, 30))


@given(zones(), st.dates(date(2010, 1, 1), date(2030, 12, 31)))
def test_days_follow_one_another_without_a_gap(zone, day):
    days = Days(ZoneInfo(zone))

    assert days.end_of(day) == days.start_of(day + timedelta(days=1)) >= days.start_of(day)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 3, 4), 24)]
)
def test_a_day_has_as_many_hours_as_the_clock_says(day, hours):
    assert NEW_YORK.end_of(day) - NEW_YORK.start_of(day) == timedelta(hours=hours)


@pytest.mark.parametrize(("second", "afternoon"), [(44_999, False), (45_000, True), (0, False)])
def test_the_afternoon_begins_at_half_past_twelve(second, afternoon):
    assert LocalMoment(date(2026, 3, 4), second).is_afternoon is afternoon


def test_a_time_that_is_skipped_does_not_exist():
    day = date(2026, 3, 8)
    for clock in (time(1, 59, 59), time(3), time(12)):
        NEW_YORK.check_exists(day, clock, "/start")
    with pytest.raises(Invalid, match="02:30:00 does not exist on 2026-03-08") as error:
        NEW_YORK.check_exists(day, time(2, 30), "/start")
    assert [p.path for p in error.value.problems] == ["/start"]
    NEW_YORK.check_exists(date(2026, 11, 1), time(1, 30), "/start")


def test_today_is_local():
    at = datetime(2026, 3, 4, 3, tzinfo=UTC)

    assert Days(ZoneInfo("America/New_York"), lambda: at).today() == date(2026, 3, 3)
    assert Days(now=lambda: at).today() == date(2026, 3, 4)


def test_now_is_aware():
    before = datetime.now(UTC)

    assert before <= utc_now() <= datetime.now(UTC)
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "/etc/passwd", "\x00"])
def test_an_unknown_zone_is_a_wrong_setting(name):
    with pytest.raises(Misconfigured, match="time_zone"):
        find_zone(name)


def test_a_zone_is_found():
    assert find_zone("Europe/Moscow").key == "Europe/Moscow"


class TestPages:
    @given(st.lists(st.integers(-(2**62), 2**62), unique=True, max_size=30), st.integers(1, 7))
    def test_pages_join_to_the_whole(self, numbers, size):
        whole = sorted(numbers)
        found, cursor = [], None
        while True:
            part = PageRequest(size, cursor).slice(default=5, width=1)
            rows = [n for n in whole if part.after is None or (n,) > part.after][: part.limit]
            page = cut_page(rows, part, lambda n: (n,))
            assert len(page.items) <= size
            found += page.items
            if page.next is None:
                break
            cursor = page.next
        assert found == whole

    def test_the_default_is_the_lists_own(self):
        assert PageRequest().slice(default=50, width=1).limit == 51
        assert PageRequest(MAX_LIMIT).slice(default=50, width=1).limit == MAX_LIMIT + 1

    @pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1])
    def test_a_limit_out_of_range_is_refused(self, limit):
        with pytest.raises(Invalid) as error:
            PageRequest(limit).slice(default=5, width=1)
        assert [p.path for p in error.value.problems] == ["/limit"]

    @pytest.mark.parametrize(
        "cursor", ["", "x", "!", "MQ.", "MS4y", "é", "YWJj", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5"]
    )
    def test_a_cursor_of_another_list_is_refused(self, cursor):
        with pytest.raises(Invalid) as error:
            PageRequest(cursor=cursor).slice(default=5, width=1)
        assert [p.path for p in error.value.problems] == ["/cursor"]

    @given(st.text(max_size=40))
    def test_no_text_makes_it_crash(self, cursor):
        with suppress(Invalid):
            part = PageRequest(cursor=cursor).slice(default=5, width=2)
            assert part.after is not None
            assert len(part.after) == 2

"""The contracts of the repositories of check-ins and of attachments."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from operator import attrgetter

import pytest
from attrs import evolve

from campuscore.domain.attendance import (
    Attachment,
    CheckIn,
    CheckInMethod,
    CheckInQuery,
    NewAttachment,
)
from campuscore.domain.files import Blob
from campuscore.domain.paging import Slice
from campuscore.errors import NotFound
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.contract import (
    EVERYTHING,
    MONDAY,
    NOBODY,
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
    on,
)
from campuscore.testing.faculty import PERSON_CASES, PersonCase, found_faculty

__all__ = ["AttachmentsContract", "CheckInsContract", "attach", "micros"]

_MICROSECOND = timedelta(microseconds=1)


class CheckInsContract(Contract):
    """What ``CheckIns`` promises of the facts. The fixture ``store`` is an empty WorkFactory."""

    def test_added_fact_is_listed_as_given(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            plain = fact_at(user, NOON + _MICROSECOND)
            full = evolve(plain, method=CheckInMethod.QR, ip_address="::1", user_agent="Bot/1 é")
            keys = work.check_ins.add([full, evolve(plain, at=NOON)])
            work.commit()
        with store.read() as work:
            rows = _list(work, CheckInQuery())
        assert rows == [
            CheckIn(keys[0], user, full.at, CheckInMethod.QR, "::1", "Bot/1 é"),
            CheckIn(keys[1], user, NOON, CheckInMethod.API, None, None),
        ]
        assert rows[0].timestamp.utcoffset() == timedelta(0)

    def test_ids_come_in_the_order_of_the_facts(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            instants = [NOON - timedelta(minutes=i * 7 % 11) for i in range(11)]
            keys = work.check_ins.add([fact_at(user, at) for at in instants])
            keys += work.check_ins.add([fact_at(user, instants[0])])
            stored = {row.id: row.timestamp for row in _list(work, CheckInQuery())}
            assert work.check_ins.add([]) == []
        assert [stored[key] for key in keys] == [*instants, instants[0]]

    def test_a_fact_of_nobody_is_refused_with_all_the_others(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            facts = [fact_at(user, NOON), fact_at(NOBODY, NOON)]
            for bad in (facts, facts[1:]):
                with pytest.raises(NotFound) as caught, work.savepoint():
                    work.check_ins.add(bad)
                assert caught.value.code == "user_not_found"
            assert _list(work, CheckInQuery()) == []

    def test_newest_come_first_and_pages_join(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            instants = [NOON, NOON - _MICROSECOND, NOON, NOON + _MICROSECOND, NOON]
            keys = work.check_ins.add([fact_at(user, at) for at in instants])
            whole = _list(work, CheckInQuery())
            assert [row.id for row in whole] == [keys[i] for i in (3, 4, 2, 0, 1)]
            for size in (1, 2, 3):
                assert _paged(work, size) == whole

    def test_days_and_persons_are_filtered(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "Anna"), add_user(work, "bert")
            for user in (anna, bert):
                days = (MONDAY, YESTERDAY, TODAY)
                work.check_ins.add([fact_at(user, on(day)) for day in days])
            assert _user_days(work, CheckInQuery(user=bert, since=YESTERDAY)) == [
                (bert, TODAY),
                (bert, YESTERDAY),
            ]
            assert _user_days(work, CheckInQuery(username="ANNA", until=MONDAY)) == [(anna, MONDAY)]
            assert _user_days(work, CheckInQuery(user=anna, username="bert")) == []
            assert _user_days(work, CheckInQuery(username="nobody")) == []
            one_day = CheckInQuery(since=YESTERDAY, until=YESTERDAY)
            assert _user_days(work, one_day) == [(bert, YESTERDAY), (anna, YESTERDAY)]

    def test_days_are_local_ones(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            late = fact_at(user, on(TODAY, 23))
            tomorrow = evolve(late.local, day=TOMORROW)
            work.check_ins.add([evolve(late, local=tomorrow)])
            assert _list(work, CheckInQuery(until=TODAY)) == []
            assert len(_list(work, CheckInQuery(since=TOMORROW))) == 1

    def test_group_means_membership_on_that_day(self, store: WorkFactory) -> None:
        with store.write() as work:
            group, user = add_group(work, "lab"), add_user(work, "anna")
            other = add_user(work, "bert")
            join(work, group, user, begin=YESTERDAY, end=TODAY)
            for day in (MONDAY, YESTERDAY, TODAY):
                work.check_ins.add([fact_at(user, on(day)), fact_at(other, on(day))])
            assert _user_days(work, CheckInQuery(group=group)) == [(user, YESTERDAY)]
            assert _user_days(work, CheckInQuery(group=NOBODY)) == []

    def test_has_files_asks_for_the_local_day(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            for user in (anna, bert):
                work.check_ins.add([fact_at(user, on(day)) for day in (YESTERDAY, TODAY)])
            attach(work, anna, YESTERDAY)
            gone = attach(work, bert, TODAY)
            work.attachments.withdraw(gone.id, NOON)
            with_files = _user_days(work, CheckInQuery(has_files=True))
            without = _user_days(work, CheckInQuery(has_files=False))
        assert with_files == [(anna, YESTERDAY)]
        assert without == [(bert, TODAY), (anna, TODAY), (bert, YESTERDAY)]

    @pytest.mark.parametrize("case", PERSON_CASES, ids=attrgetter("label"))
    def test_list_follows_the_scope_on_the_day_of_each_fact(
        self, store: WorkFactory, case: PersonCase
    ) -> None:
        faculty = found_faculty(store)
        with store.write() as work:
            for day in (MONDAY, YESTERDAY, TODAY, TOMORROW):
                facts = [fact_at(user, on(day)) for user in faculty.users.values()]
                work.check_ins.add(facts)
            work.commit()
        scope = faculty.scope(case.reach, case.principal)
        with store.read() as work:
            rows = work.check_ins.list(scope, CheckInQuery(since=case.day, until=case.day), WHOLE)
        assert faculty.user_names({row.user for row in rows}) == case.reached
        assert len(rows) == len(case.reached)

    def test_many_facts_are_stored_in_one_call(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            facts = [fact_at(user, NOON + i * _MICROSECOND) for i in range(2500)]
            keys = work.check_ins.add(facts)
            work.commit()
        with store.read() as work:
            rows = work.check_ins.list(EVERYTHING, CheckInQuery(), Slice(1000))
        assert [row.id for row in rows] == keys[:1499:-1]


class AttachmentsContract(Contract):
    """What ``Attachments`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_file_is_found_as_given(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            new = NewAttachment(
                user=user, date=TODAY, filename="справка.pdf", content_type="application/pdf"
            )
            row = work.attachments.add(new, Blob("ab" * 32, 1 << 40), NOON + _MICROSECOND)
            work.commit()
        assert row == Attachment(
            row.id,
            user,
            TODAY,
            "справка.pdf",
            1 << 40,
            "application/pdf",
            "ab" * 32,
            NOON + _MICROSECOND,
        )
        with store.read() as work:
            assert work.attachments.find(row.id) == row
            assert work.attachments.list(user, TODAY) == [row]
            assert work.attachments.find(NOBODY) is None

    def test_list_is_of_one_user_and_day_by_id(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            rows = [attach(work, anna, TODAY) for _ in range(3)]
            attach(work, anna, YESTERDAY)
            attach(work, bert, TODAY)
            assert work.attachments.list(anna, TODAY) == rows
            assert work.attachments.list(anna, TOMORROW) == []

    def test_withdrawn_file_is_in_no_list(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            gone, kept = attach(work, user, TODAY), attach(work, user, TODAY)
            for key in (gone.id, gone.id, NOBODY):
                work.attachments.withdraw(key, NOON)
            assert work.attachments.find(gone.id) is None
            assert work.attachments.list(user, TODAY) == [kept]

    def test_the_user_must_be_there(self, store: WorkFactory) -> None:
        with store.write() as work:
            with pytest.raises(NotFound) as caught, work.savepoint():
                attach(work, NOBODY, TODAY)
            assert caught.value.code == "user_not_found"

    def test_what_was_read_does_not_change_what_is_stored(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            row = attach(work, user, TODAY)
            for found in (work.attachments.find(row.id), *work.attachments.list(user, TODAY)):
                assert found is not None
                found.filename = "changed"
            assert [each.filename for each in work.attachments.list(user, TODAY)] == ["note.txt"]


def attach(work: Work, user: int, day: date) -> Attachment:
    """Attach a small file to a user's day."""
    new = NewAttachment(user=user, date=day, filename="note.txt", content_type="text/plain")
    return work.attachments.add(new, Blob("0" * 64, 4), NOON)


def _list(work: Work, query: CheckInQuery) -> list[CheckIn]:
    return work.check_ins.list(EVERYTHING, query, WHOLE)


def _user_days(work: Work, query: CheckInQuery) -> list[tuple[int, date]]:
    return [(row.user, row.timestamp.date()) for row in _list(work, query)]


def _paged(work: Work, size: int) -> list[CheckIn]:
    found: list[CheckIn] = []
    after: tuple[int, ...] | None = None
    while rows := work.check_ins.list(EVERYTHING, CheckInQuery(), Slice(size, after)):
        found += rows
        after = (micros(rows[-1].timestamp), rows[-1].id)
    return found


def micros(at: datetime) -> int:
    """Return the microseconds since 1970, which are the first part of a check-in's key."""
    return (at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) // _MICROSECOND

"""The contract of the audit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import evolve

from campuscore.domain.audit import GENESIS, AuditEntry, AuditHead, AuditQuery, AuditRecord, Outcome
from campuscore.domain.auth import OPERATOR, Origin, Principal
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.users import Role
from campuscore.errors import NotFound
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.retrying import retrying
from campuscore.testing.contract import NOBODY, NOON, Contract, add_user

__all__ = ["AuditContract"]

_WHO = Principal(
    7, "anna", Role.TEACHER, session_id=3, actor=1, origin=Origin("10.0.0.7", "Bot/1\r\n", "req-1")
)
_REFUSED = AuditEntry(user=-1, action="auth.login", target="7", outcome=Outcome.REFUSED, code="no")


class AuditContract(Contract):
    """What ``Audit`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_what_is_committed_is_recorded_with_who_did_it(self, store: WorkFactory) -> None:
        detail: dict[str, JSON] = {"b": [1, 2.5, None, True], "a": {"ü": "😀"}}
        with store.write(_WHO) as work:
            work.emit(NewMessage("thing.made", "thing:1", detail))
            work.note(_REFUSED)
            work.commit()
        (made, refused) = _all(store)
        assert (made.number, made.user, made.actor, made.method, made.session) == (
            1,
            7,
            1,
            "session",
            3,
        )
        assert (made.action, made.target, made.detail) == ("thing.made", "thing:1", detail)
        assert (made.outcome, made.code, made.count) == (Outcome.DONE, "", 1)
        assert (made.ip_address, made.user_agent, made.request_id) == (
            "10.0.0.7",
            "Bot/1\r\n",
            "req-1",
        )
        assert (refused.number, refused.user, refused.outcome, refused.code) == (
            2,
            -1,
            Outcome.REFUSED,
            "no",
        )
        assert type(refused.outcome) is Outcome

    def test_what_is_undone_is_not_recorded(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.note(_REFUSED)
        with store.write() as work:
            with pytest.raises(NotFound):
                _refuse(work)
            work.commit()
        assert _all(store) == []
        with store.read() as work:
            assert work.audit.head() == AuditHead(0, "")
            assert list(work.audit.walk()) == []

    def test_own_facts_and_jobs_are_not_told_twice(self, store: WorkFactory) -> None:
        with store.write(_WHO) as work:
            work.emit(NewMessage("checkin.recorded", "7"))
            work.emit(NewMessage("checkin.recorded", "8"))
            work.emit(NewMessage("later", "7", due_at=NOON))
            work.commit()
        assert [(row.action, row.target) for row in _all(store)] == [("checkin.recorded", "8")]

    def test_each_record_follows_from_the_one_before(self, store: WorkFactory) -> None:
        for number in range(3):
            with store.write() as work:
                for name in ("a", "b"):
                    work.emit(NewMessage(f"{name}.made", str(number)))
                work.commit()
        before = GENESIS
        for number, row in enumerate(_all(store), 1):
            assert row.number == number
            before = row.follows(before)
            assert row.digest == before
        with store.read() as work:
            assert work.audit.head() == AuditHead(6, before)

    def test_of_many_writers_the_chain_is_one(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")

        @retrying
        def write(number: int) -> None:
            with store.write() as work:
                add_user(work, f"user{number}")
                work.emit(NewMessage("user.created", str(number)))
                work.commit()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(24)))
        rows, before = _all(store), GENESIS
        assert sorted(int(row.target) for row in rows) == list(range(24))
        for number, row in enumerate(rows, 1):
            before = row.follows(before)
            assert (row.number, row.digest) == (number, before)
        with store.read() as work:
            assert work.audit.head() == AuditHead(24, before)

    def test_lists_are_filtered_newest_first(self, store: WorkFactory) -> None:
        with store.write(_WHO) as work:
            for action, target in (("a.x", "1"), ("a.y", "2"), ("a_x", "1"), ("b.x", "1")):
                work.emit(NewMessage(action, target))
            work.commit()
        with store.write(OPERATOR) as work:
            work.note(evolve(_REFUSED, action="a.x"))
            work.commit()

        def found(
            query: AuditQuery | None = None, before: int | None = None, limit: int = 9
        ) -> list[int]:
            with store.read() as work:
                rows = work.audit.list(query or AuditQuery(), None, None, before, limit)
            return [row.number for row in rows]

        assert found() == [5, 4, 3, 2, 1]
        assert found(before=4, limit=2) == [3, 2]
        assert found(AuditQuery(user=7)) == [4, 3, 2, 1]
        assert found(AuditQuery(user=-1)) == [5]
        assert found(AuditQuery(action="a.")) == [5, 2, 1]
        assert found(AuditQuery(action="a_")) == [3]
        assert found(AuditQuery(action="%")) == []
        assert found(AuditQuery(action="A.")) == []
        assert found(AuditQuery(target="1", action="a")) == [3, 1]
        assert found(AuditQuery(outcome=Outcome.REFUSED)) == [5]

    def test_lists_are_cut_by_instants(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.note(_REFUSED)
            work.commit()
        (row,) = _all(store)
        tick = timedelta(microseconds=1)
        spans = [
            (row.at, None, 1),
            (row.at + tick, None, 0),
            (None, row.at, 0),
            (None, row.at + tick, 1),
        ]
        with store.read() as work:
            for begin, end, count in spans:
                assert len(work.audit.list(AuditQuery(), begin, end, None, 9)) == count


def _refuse(work: Work) -> None:
    with work.savepoint():
        work.note(_REFUSED)
        work.emit(NewMessage("thing.made", "1"))
        work.guardians.add(NOBODY, NOBODY, NOON)


def _all(store: WorkFactory) -> list[AuditRecord]:
    with store.read() as work:
        return [row for row in work.audit.walk() if isinstance(row, AuditRecord)]

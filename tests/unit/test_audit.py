"""The audit: whoever changes a record behind its back is found out."""

from __future__ import annotations

import ast
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import campuscore
from campuscore import NewUser, Role, Settings, open_campus
from campuscore.domain.audit import AuditHead, AuditQuery, Outcome
from campuscore.domain.auth import NewApiToken, Origin
from campuscore.errors import CampusError, Forbidden, Invalid, Unavailable
from campuscore.services.refusals import Refusals

from .campuses import NOW, STORES, Clock, new_store, town_on

PASSWORD = "correct horse battery"
SERVICES = Path(campuscore.__file__).parent / "services"


@pytest.fixture(params=STORES)
def town(request, tmp_path):
    clock = Clock()
    store = new_store(request.param, clock, tmp_path)
    yield town_on(store, clock)
    store.keeper.close()


def records(town, **query):
    town.campus.audit.refusals.flush()
    return town.campus.audit.list(town.campus.operator, AuditQuery(**query)).items


class TestWhatIsRecorded:
    def test_a_change_with_who_did_it_and_from_where(self, town):
        key = town.user("root", Role.ADMIN, password=PASSWORD)
        auth = town.campus.auth
        origin = Origin("10.0.0.7", "desk", "req-1")
        root = auth.authenticate(auth.login("root", PASSWORD, origin).access, origin)
        anna = town.campus.users.create(root, NewUser(username="anna")).id
        (made, *_) = records(town, action="user.created")

        assert (made.user, made.method, made.session) == (key, "session", root.session_id)
        assert (made.target, made.detail) == (str(anna), {"username": "anna"})
        assert (made.ip_address, made.user_agent, made.request_id) == ("10.0.0.7", "desk", "req-1")
        assert made.at == NOW

    def test_a_login_and_not_its_check_in(self, town):
        key = town.user("anna", password=PASSWORD)
        town.campus.auth.login("anna", PASSWORD, Origin("10.0.0.7"))
        actions = [row.action for row in records(town, user=key)]

        assert actions == ["session.opened"]

    @pytest.mark.parametrize(("name", "target"), [("anna", "1"), ("what.i.typed", "")])
    def test_a_login_that_fails_and_never_the_name_that_was_typed(self, town, name, target):
        town.user("anna", password=PASSWORD)
        with pytest.raises(CampusError):
            town.campus.auth.login(name, "wrong", Origin("10.0.0.7"))
        (row,) = records(town, outcome=Outcome.REFUSED)

        assert (row.user, row.action, row.target) == (-1, "auth.login", target)
        assert (row.code, row.ip_address) == ("wrong_credentials", "10.0.0.7")
        assert name not in repr(evolve(row, detail={})).replace("anna", "" if target else "anna")

    def test_a_right_that_is_missing(self, town):
        anna = town.principal(town.user("anna"))
        bert = town.user("bert")
        users = town.campus.users
        for call in (
            lambda: users.create(anna, NewUser(username="x")),
            lambda: users.get(anna, bert),
            lambda: users.get(anna, 999),
        ):
            with pytest.raises(CampusError):
                call()
        told = [(r.user, r.action, r.target, r.code) for r in records(town, user=anna.user_id)]

        assert told == [
            (1, "users.read", "999", "user_not_found"),
            (1, "users.read", str(bert), "user_not_found"),
            (1, "users.write", "", "forbidden"),
        ]

    def test_what_an_administrator_does_in_another_s_name(self, town):
        anna, root = town.user("anna", Role.TEACHER), town.user("root", Role.ADMIN)
        who = town.as_seen(anna, actor=root)
        town.campus.groups.create(who, campuscore.NewGroup(name="Lab"))
        (row, *_) = records(town, action="group.created")

        assert (row.user, row.actor) == (anna, root)

    def test_no_secret_ever(self, town):
        auth, operator = town.campus.auth, town.campus.operator
        key = town.user("anna", password=PASSWORD)
        pair = auth.login("anna", PASSWORD)
        me = auth.authenticate(pair.access)
        minted = auth.tokens.mint(me, NewApiToken(name="t"))
        fresh = auth.refresh(pair.refresh)
        for secret in ("wrong password", PASSWORD + "!"):
            with pytest.raises(CampusError):
                auth.login("anna", secret)
        newest = auth.change_password(me, PASSWORD, "battery staple")
        town.campus.users.set_password(operator, key, "one more password")
        told = repr(records(town))

        for secret in (PASSWORD, "wrong password", "battery staple", "one more password"):
            assert secret not in told
        for text in (*vars_of(pair), *vars_of(fresh), *vars_of(newest), minted.token):
            assert text not in told
            assert text[-30:] not in told

    def test_administrators_alone_read_it(self, town):
        bert = town.principal(town.user("bert", Role.TEACHER))
        audit = town.campus.audit
        for call in (audit.list, audit.head, audit.verify):
            with pytest.raises(Forbidden):
                call(bert)

    def test_dates_in_the_wrong_order_are_refused(self, town):
        query = AuditQuery(begin=NOW.date(), end=NOW.date() - timedelta(1))
        with pytest.raises(Invalid) as error:
            town.campus.audit.list(town.campus.operator, query)
        assert [p.path for p in error.value.problems] == ["/to"]

    def test_dates_are_local_and_the_last_is_included(self, town):
        town.user("anna")
        for begin, end, count in [(0, 0, 1), (1, 2, 0), (-2, -1, 0), (-1, 1, 1)]:
            days = {"begin": NOW.date() + timedelta(begin), "end": NOW.date() + timedelta(end)}
            assert len(records(town, **days)) == count


def vars_of(pair):
    return pair.access, pair.refresh


class TestRefusals:
    def note(self, refusals, town, times, **origin):
        for number in range(times):
            who = town.as_seen(1, origin=Origin(request_id=f"r{number}", **origin))
            refusals.note(who, "a", "t", Forbidden("no"))

    def test_the_same_error_is_noted_once(self, town):
        town.user("anna")
        refusals, error = town.campus.audit.refusals, Forbidden("no")
        for _ in range(3):
            refusals.note(town.principal(1), "a", "t", error)

        assert len(records(town, action="a")) == 1

    def test_alone_it_is_written_at_once(self, town):
        town.user("anna")
        refusals = town.campus.audit.refusals
        self.note(refusals, town, 1)
        refusals.settle()
        with town.store.read() as work:
            (row, *_) = work.audit.list(AuditQuery(), None, None, None, 1)

        assert (row.action, row.count, row.request_id) == ("a", 1, "r0")

    def test_a_flood_is_written_in_few_records_and_counted_whole(self, town):
        town.user("anna")
        refusals = Refusals(town.store, clock=lambda: 100.0)
        self.note(refusals, town, 1)
        refusals.settle()
        for _ in range(500):
            self.note(refusals, town, 1, ip_address="10.0.0.7")
            refusals.settle()
        timer = refusals._timer
        assert timer is not None
        timer.join(10)
        refusals.flush()
        rows = records(town, action="a")

        assert sum(row.count for row in rows) == 501
        assert len(rows) < 6
        assert town.campus.audit.verify(town.campus.operator).is_whole

    def test_what_is_noted_is_bounded(self, town):
        town.user("anna")
        refusals = Refusals(town.store)
        for number in range(1500):
            self.note(refusals, town, 1, ip_address=f"10.0.{number // 250}.{number % 250}")
        refusals.flush()
        counts = Counter({row.action: 0 for row in ()})
        with town.store.read() as work:
            for row in work.audit.walk():
                counts[row.action] += row.count

        assert (counts["a"], counts["many"]) == (1000, 500)

    def test_nothing_is_lost_when_it_cannot_be_stored(self, town, monkeypatch, caplog):
        town.user("anna")
        refusals = town.campus.audit.refusals
        self.note(refusals, town, 1)
        kind = type(town.store)
        with monkeypatch.context() as patch:
            patch.setattr(kind, "write", broken)
            refusals.settle()
            with pytest.raises(Unavailable):
                refusals.flush()
        assert "cannot be recorded yet" in caplog.text

        assert [row.count for row in records(town, action="a")] == [1]

    def test_closing_writes_what_is_left(self, tmp_path):
        home = Settings(home=str(tmp_path))
        with open_campus(home) as campus:
            campus.users.create(campus.operator, NewUser(username="anna"))
            with pytest.raises(CampusError):
                campus.auth.login("anna", "x")
        with open_campus(home) as campus:
            (row, *_) = campus.audit.list(campus.operator).items
        assert (row.action, row.code) == ("auth.login", "wrong_credentials")

    def test_threads_lose_none(self, town):
        town.user("anna")
        refusals = town.campus.audit.refusals

        def ask():
            for _ in range(50):
                refusals.note(town.principal(1), "a", "t", Forbidden("no"))
                refusals.settle()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if refusals._timer is not None:
            refusals._timer.join(10)

        assert sum(row.count for row in records(town, action="a")) == 200


def broken(store, by=None):
    raise Unavailable("the disk is full")


class TestVerdict:
    """A database whose rows are changed without us."""

    COUNT = 12

    @pytest.fixture
    def filled(self, tmp_path):
        home = Settings(home=str(tmp_path))
        with open_campus(home) as campus:
            for number in range(self.COUNT):
                campus.users.create(campus.operator, NewUser(username=f"user{number}"))
            yield campus, home.database_file

    def look(self, filled, *commands):
        """Return the verdict after statements that are taken back again."""
        campus, path = filled
        with closing(sqlite3.connect(path)) as raw:
            saved = [raw.execute(f"SELECT * FROM {t}").fetchall() for t in TABLES]
            try:
                for command, *values in commands:
                    raw.execute(command, values)
                raw.commit()
                return campus.audit.verify(campus.operator)
            finally:
                for table, rows in zip(TABLES, saved, strict=True):
                    raw.execute(f"DELETE FROM {table}")
                    marks = ", ".join("?" * len(rows[0]))
                    raw.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
                raw.commit()

    def test_an_untouched_chain_is_whole(self, filled):
        campus, _ = filled
        verdict = campus.audit.verify(campus.operator)

        assert verdict.is_whole
        assert verdict.records == self.COUNT
        assert verdict.head == campus.audit.head(campus.operator)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(number=st.integers(1, COUNT), data=st.data())
    def test_one_edited_field_is_named(self, filled, number, data):
        name, value = data.draw(st.sampled_from(EDITS))
        where = f"UPDATE audit_records SET {name} = ? WHERE number = ?"
        verdict = self.look(filled, (where, value, number))

        assert verdict.broken_at == number
        assert "was changed" in verdict.problem

    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(number=st.integers(1, COUNT))
    def test_one_removed_record_is_named_the_newest_too(self, filled, number):
        verdict = self.look(filled, ("DELETE FROM audit_records WHERE number = ?", number))

        assert (verdict.broken_at, verdict.problem) == (number, "is missing")

    def test_two_that_changed_places_are_named(self, filled):
        verdict = self.look(
            filled,
            ("UPDATE audit_records SET number = 99 WHERE number = 4",),
            ("UPDATE audit_records SET number = 4 WHERE number = 7",),
            ("UPDATE audit_records SET number = 7 WHERE number = 99",),
        )
        assert verdict.broken_at == 4

    def test_one_that_was_put_in_at_the_end_is_named(self, filled):
        columns = "at, user_id, actor_id, method, session_id, action, target, outcome, code"
        columns += ", detail, count, ip_address, user_agent, request_id, digest"
        copy = f"INSERT INTO audit_records SELECT {self.COUNT + 1}, {columns} FROM audit_records"
        verdict = self.look(filled, (f"{copy} WHERE number = 1",))

        assert verdict.broken_at == self.COUNT + 1

    def test_a_head_that_is_gone_or_lies_is_named(self, filled):
        gone = self.look(filled, ("DELETE FROM audit_heads",))
        lies = self.look(filled, ("UPDATE audit_heads SET digest = ?", "0" * 64))
        back = self.look(
            filled,
            ("DELETE FROM audit_records WHERE number > 5",),
            ("UPDATE audit_heads SET number = 5",),
        )
        assert [v.broken_at for v in (gone, lies, back)] == [self.COUNT, self.COUNT, 5]

    def test_a_chain_that_was_made_anew_is_known_by_an_anchor(self, filled):
        campus, _ = filled
        anchor = campus.audit.head(campus.operator)
        assert campus.audit.verify(campus.operator, anchor).is_whole
        other = AuditHead(anchor.number, "0" * 64)
        later = AuditHead(anchor.number + 1, anchor.digest)

        assert campus.audit.verify(campus.operator, other).broken_at == anchor.number
        assert campus.audit.verify(campus.operator, later).broken_at == anchor.number + 1


TABLES = ("audit_records", "audit_heads")
EDITS = [
    ("at", 1),
    ("user_id", 5),
    ("actor_id", 5),
    ("method", "token"),
    ("session_id", 1),
    ("action", "user.updated"),
    ("target", "77"),
    ("outcome", "refused"),
    ("code", "x"),
    ("detail", '{"username": "mallory"}'),
    ("count", 2),
    ("ip_address", "10.0.0.1"),
    ("user_agent", ""),
    ("request_id", "r"),
    ("digest", "0" * 64),
]


def test_on_postgresql_too(databases, tmp_path):
    url = databases.create()
    with open_campus(Settings(database_url=url, home=str(tmp_path))) as campus:
        for number in range(5):
            campus.users.create(campus.operator, NewUser(username=f"user{number}"))
        assert campus.audit.verify(campus.operator).records == 5
        with psycopg.connect(url, autocommit=True) as raw:
            raw.execute("DELETE FROM audit_records WHERE number = 5")
            assert campus.audit.verify(campus.operator).broken_at == 5
            raw.execute("UPDATE audit_records SET target = 'x' WHERE number = 3")
            assert campus.audit.verify(campus.operator).broken_at == 3


def test_a_head_that_cannot_be_advanced_fails_no_commit(databases, tmp_path, monkeypatch, caplog):
    from campuscore.adapters.sql.postgres.ledger import PostgresLedger

    run = PostgresLedger._run

    def broken(ledger, command, values=()):
        if values:
            raise Unavailable("the connection was cut")
        return run(ledger, command, values)

    with open_campus(Settings(database_url=databases.create(), home=str(tmp_path))) as campus:
        with monkeypatch.context() as patch:
            patch.setattr(PostgresLedger, "_run", broken)
            campus.users.create(campus.operator, NewUser(username="anna"))
        assert "stays behind for now" in caplog.text
        assert campus.audit.head(campus.operator).number == 0
        campus.users.create(campus.operator, NewUser(username="bert"))
        assert campus.audit.head(campus.operator).number == 2
        assert campus.audit.verify(campus.operator).is_whole


SYSTEM = {
    "record_login_later",
    "exchange",
    "_begin",
    "_touch",
    "_claim",
    "_free",
    "forget_delivered",
    "_take",
    "_settle",
    "_write",
}
"""What is done by no principal: jobs, caches of use, claims on bytes, the audit's own writing."""


def test_every_service_says_in_whose_name_it_writes():
    bare = set()
    for path in SERVICES.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    is_write = isinstance(call, ast.Call) and ast.unparse(call.func).endswith(
                        "store.write"
                    )
                    if is_write and not call.args:
                        bare.add(function.name)

    assert bare == SYSTEM - {"exchange"}

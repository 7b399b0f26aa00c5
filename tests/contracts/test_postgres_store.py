"""What is PostgreSQL's own: isolation, errors, sequences, streams, and a server that goes away."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import psycopg
import pytest

from campuscore.adapters.sql.postgres import open_store
from campuscore.adapters.sql.postgres.desk import PostgresDesk
from campuscore.domain.attendance import CheckInQuery, DayQuery
from campuscore.domain.events import NewMessage
from campuscore.domain.users import NewUser
from campuscore.errors import Busy, Conflict, Invalid, Misconfigured, Unavailable
from campuscore.ports.work import TRY_AGAIN
from campuscore.services.retrying import retrying
from campuscore.testing.contract import EVERYTHING, NOON, WHOLE, add_user, fact_at


@pytest.fixture
def store(postgres_store):
    return postgres_store


@pytest.fixture
def calm(store, postgres_url):
    """Return a store whose writers do not take turns, as another test may have made them do."""
    calm = open_store(postgres_url)
    yield calm
    calm.keeper.close()


@pytest.fixture
def admin(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as raw:
        yield raw


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


def test_works_have_the_isolation_that_they_promise(store):
    wanted = {store.read: ("repeatable read", "on"), store.write: ("serializable", "off")}
    for open_, (level, only) in wanted.items():
        with open_() as work:
            raw = work._seat.raw
            assert raw.execute("SHOW transaction_isolation").fetchone() == (level,)
            assert raw.execute("SHOW transaction_read_only").fetchone() == (only,)
            assert raw.execute("SHOW lock_timeout").fetchone() == ("30s",)
            assert raw.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("5min",)


def test_two_who_read_what_the_other_writes_are_not_both_stored(calm):
    """Write skew: under snapshot isolation alone both would commit."""
    with calm.write() as one, calm.write() as other:
        assert one.users.find_named(["other"]) == other.users.find_named(["one"]) == []
        add_user(one, "one")
        add_user(other, "other")
        one.commit()
        with pytest.raises(Busy) as refused:
            other.commit()
    assert refused.value.code == TRY_AGAIN


def test_a_conflict_that_a_savepoint_swallows_comes_up_at_commit(store, calm):
    with store.write() as work:
        user = add_user(work, "anna")
        work.commit()
    with calm.write() as one, calm.write() as other:
        other.users.find(user)
        one.check_ins.add([fact_at(user, NOON)])
        one.commit()
        with pytest.raises(Busy), other.savepoint():
            other.check_ins.add([fact_at(user, NOON)])
        add_user(other, "lost")
        with pytest.raises(Busy) as refused:
            other.commit()
    assert refused.value.code == TRY_AGAIN
    with store.read() as work:
        assert work.users.find_named(["lost"]) == []


def test_a_deadlock_is_a_conflict_to_try_again(calm):
    with calm.write() as work:
        users = [add_user(work, name) for name in ("anna", "bert")]
        work.commit()
    both_hold_one = Barrier(2, timeout=10)
    tried = []

    @retrying
    def swap(order):
        tried.append(order)
        with calm.write() as work:
            work.check_ins.add([fact_at(order[0], NOON)])
            if tried.count(order) == 1:
                both_hold_one.wait()
            work.check_ins.add([fact_at(order[1], NOON)])
            work.commit()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(swap, [users, users[::-1]]))
    assert len(tried) > 2
    with calm.read() as work:
        assert len(work.check_ins.list(EVERYTHING, CheckInQuery(), WHOLE)) == 4


def test_a_lock_is_waited_for_so_long(postgres_url, store):
    hasty = open_store(postgres_url, lock_seconds=0.05)
    with store.write() as work:
        user = add_user(work, "anna")
        work.commit()
    with store.write() as work, hasty.write() as other:
        work.check_ins.add([fact_at(user, NOON)])
        with pytest.raises(Busy) as refused:
            other.check_ins.add([fact_at(user, NOON)])
    hasty.keeper.close()
    assert refused.value.code == "database_busy"


def test_who_waits_for_a_connection_too_long_is_refused(postgres_url, monkeypatch):
    from campuscore.adapters.sql.postgres import seats

    monkeypatch.setattr(seats, "_SEATS", 1)
    monkeypatch.setattr(seats, "_GLANCE", 0.05)
    store = open_store(postgres_url, lock_seconds=0.1)
    with store.read(), pytest.raises(Busy) as refused:
        store.read().__enter__()
    store.keeper.close()
    assert refused.value.code == "database_busy"


def test_a_work_that_was_refused_cannot_be_committed(store):
    with store.write() as work:
        add_user(work, "anna")
        with pytest.raises(Conflict):
            add_user(work, "ANNA")
        with pytest.raises(Conflict):
            add_user(work, "bert")
        with pytest.raises(Conflict, match="earlier change"):
            work.commit()
    with store.read() as work:
        assert work.users.find_named(["anna"]) == []


@pytest.mark.parametrize("name", ["a\0b", "x" * 151, "\ud800"])
def test_text_that_it_cannot_hold_is_invalid(store, name):
    with store.write() as work, pytest.raises(Invalid):
        work.users.add(NewUser(username=name), NOON)
    with store.write() as work:
        for topic in ("one", "two"):
            work.emit(NewMessage(topic, "k", {"text": "a\0b"}))
        work.commit()
    with store.read() as work:
        assert work.outbox.list(None, 0, 2)[1].payload == {"text": "a\0b"}


def test_many_messages_with_text_that_it_cannot_hold_are_invalid(store):
    with store.write() as work:
        for topic in ("a\0", "b"):
            work.emit(NewMessage(topic, "k"))
        with pytest.raises(Invalid):
            work.commit()


def test_numbers_beyond_64_bits_are_invalid(store):
    for number in (1 << 63, -1 << 70):
        with store.read() as work, pytest.raises(Invalid):
            work.users.find(number)


def test_many_rows_take_the_next_keys_of_the_sequence(store):
    with store.write() as work:
        user = add_user(work, "anna")
        facts = [fact_at(user, NOON + timedelta(seconds=n)) for n in range(10_000)]
        first = work.check_ins.add(facts[:1])
        many = work.check_ins.add(facts[1:])
        work.commit()
    assert [*first, *many] == list(range(1, 10_001))
    with store.write() as work:
        work.check_ins.add(facts[:1])
        work.commit()
    with store.read() as work:
        rows = work.check_ins.list(EVERYTHING, CheckInQuery(), WHOLE)
    assert [row.id for row in rows if row.timestamp == NOON] == [10_001, 1]


def test_many_rows_are_one_statement(store):
    with store.write() as work:
        user = add_user(work, "anna")
        sent = []
        raw = work._desk._raw
        work._desk._raw = Watched(raw, sent)
        facts = [fact_at(user, NOON + timedelta(days=n)) for n in range(500)]
        work.check_ins.add(facts)
        assert len(sent) == 2  # the facts and their roll-ups


class Watched:
    """A connection that says what is sent over it."""

    def __init__(self, raw, sent):
        self._raw, self._sent = raw, sent

    def execute(self, text, *rest, **words):
        self._sent.append(text)
        return self._raw.execute(text, *rest, **words)


def test_rows_stream_from_the_server_in_runs(store):
    with store.write() as work:
        users = [add_user(work, f"user{n}") for n in range(30)]
        work.check_ins.add(
            [fact_at(user, NOON + timedelta(days=n)) for n in range(100) for user in users]
        )
        work.commit()
    with store.read() as work:
        work._desk._raw = Watched(work._desk._raw, sent := [])
        runs = work.check_ins.days_json(EVERYTHING, DayQuery(), WHOLE, "/files")
        next(runs)
        assert sum(b"FETCH" in text for text in sent if isinstance(text, bytes)) == 1
        assert len(list(runs)) == 1


def test_connections_that_the_server_ended_are_replaced(store, admin):
    with store.read(), store.read():
        pass
    admin.execute(END_OTHERS)
    with store.read() as work:
        assert work.users.find(1) is None


def test_a_work_whose_connection_ends_is_unavailable(store, admin):
    with store.write() as work:
        admin.execute(END_OTHERS)
        with pytest.raises(Unavailable):
            work.users.find(1)
    with store.write() as work:
        add_user(work, "anna")
        work.commit()


def test_a_restarted_server_is_survived(own_server):
    store = open_store(own_server.create())
    store.keeper.upgrade()
    try:
        with store.write() as work:
            add_user(work, "anna")
            work.commit()
        own_server.restart()
        with store.write() as work:
            add_user(work, "bert")
            work.commit()
        own_server.stop()
        with pytest.raises(Unavailable):
            store.read().__enter__()
        with pytest.raises(Unavailable):
            store.keeper.ping()
        own_server.restart()
        with store.read() as work:
            assert [user.username for user in work.users.find_named(["anna", "bert"])] == [
                "anna",
                "bert",
            ]
    finally:
        store.keeper.close()


def test_of_several_starting_processes_one_migrates(databases):
    url = databases.create()
    stores = [open_store(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        standings = list(pool.map(lambda store: store.keeper.upgrade(), stores))
    assert all(standing.up_to_date for standing in standings)
    for store in stores:
        store.keeper.close()


def test_a_store_that_was_closed_is_unavailable(databases, postgres_url):
    store = open_store(postgres_url)
    with store.read():
        pass
    store.keeper.close()
    with pytest.raises(Unavailable):
        store.read().__enter__()


def test_schemes_of_other_tools_are_understood(postgres_url):
    for scheme in ("postgres", "postgresql+psycopg"):
        store = open_store(postgres_url.replace("postgresql", scheme, 1))
        store.keeper.ping()
        store.keeper.close()


def test_a_url_that_cannot_be_read_is_misconfigured():
    with pytest.raises(Misconfigured) as refused:
        open_store("postgresql://me:secret@host/db?nothing=known")
    assert "secret" not in refused.value.detail


def test_what_a_reader_prepared_outlives_its_work(postgres_url):
    """The driver would forget it after a ROLLBACK."""
    store, uses = open_store(postgres_url), Counter()
    while max(uses.values(), default=0) < 12:  # the pool may have opened several connections
        with store.read() as work:
            uses[work._seat.raw] += 1
            work.users.find(1)
            (count,) = work._seat.raw.execute(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM users%'",
                prepare=False,
            ).fetchone()
    store.keeper.close()
    assert count == 1


def test_plans_are_its_own():
    assert all("?" not in plan.text for plan in PostgresDesk.plans._made.values())

"""Whoever changes the audit behind its back is found out, on both databases, also later."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest
from attrs import define, evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from campuscore import NewUser, Settings, open_campus
from campuscore.adapters.sql import open_store as open_sqlite
from campuscore.adapters.sql.postgres import open_store as open_postgres
from campuscore.domain.audit import AuditHead, AuditRecord, AuditVerdict, verdict_of
from campuscore.domain.events import NewMessage
from campuscore.errors import Unavailable
from campuscore.plugins import Store

COUNT = 9
TABLES = ("audit_records", "audit_heads")


@define
class Chain:
    """A store with records, and a connection that knows nothing of chains."""

    store: Store
    run: Callable[..., list[tuple[Any, ...]]]
    kept: dict[str, list[tuple[Any, ...]]]

    def write(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            with self.store.write() as work:
                work.emit(NewMessage("thing.made", str(number), {"number": number, "ü": [None]}))
                work.commit()

    def keep(self) -> None:
        self.kept = {table: self.run(f"SELECT * FROM {table}") for table in TABLES}

    def reset(self) -> None:
        for table, rows in self.kept.items():
            self.run(f"DELETE FROM {table}")
            for row in rows:
                self.run(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)

    def look(self, anchor: AuditHead | None = None) -> AuditVerdict:
        with self.store.read() as work:
            audit = work.audit
            return verdict_of(audit.walk(), audit.head(), anchor, exact=audit.head_is_exact)


def chain_of(store: Store, run: Callable[..., list[tuple[Any, ...]]]) -> Chain:
    store.keeper.upgrade()
    chain = Chain(store, run, {})
    chain.write(1, COUNT)
    chain.keep()
    return chain


def on_sqlite(tmp_path):
    path = tmp_path / "campus.db"
    store = open_sqlite(f"sqlite:///{path}", synchronous="off")
    store.keeper.upgrade()
    raw = sqlite3.connect(path, isolation_level=None)
    return store, raw, lambda sql, *values: raw.execute(sql, values).fetchall()


def on_postgres(url):
    store = open_postgres(url)
    store.keeper.upgrade()
    raw = psycopg.connect(url, autocommit=True)

    def run(sql, *values):
        cursor = raw.execute(sql.replace("?", "%s"), values)
        return cursor.fetchall() if cursor.description else []

    return store, raw, run


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    store, raw, run = on_sqlite(tmp_path_factory.mktemp("audit"))
    with closing(raw):
        yield chain_of(store, run)
    store.keeper.close()


@pytest.fixture(scope="module")
def postgres(databases):
    store, raw, run = on_postgres(databases.create())
    with closing(raw):
        yield chain_of(store, run)
    store.keeper.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def chain(request):
    return request.getfixturevalue(request.param)


@frozen
class Crime:
    """Statements, and the first record that they make wrong."""

    at: int
    commands: tuple[tuple[Any, ...], ...]


EDITS = [
    ("at", 1),
    ("at", (1 << 63) - 1),
    ("user_id", 5),
    ("actor_id", 5),
    ("method", "token"),
    ("session_id", 1),
    ("action", "thing.unmade"),
    ("target", "x"),
    ("outcome", "refused"),
    ("outcome", "unheard of"),
    ("code", "x"),
    ("detail", "{}"),
    ("detail", "{"),
    ("detail", "[1]"),
    ("detail", "[" * 100_000),
    ("count", 2),
    ("ip_address", "10.0.0.1"),
    ("user_agent", ""),
    ("request_id", "r"),
    ("digest", "0" * 64),
    ("digest", ""),
]
RECORDS = st.integers(1, COUNT)


def _edit(number: int, name: str, value: object) -> Crime:
    where = f"UPDATE audit_records SET {name} = ? WHERE number = ?"
    return Crime(number, ((where, value, number),))


def _respelled(number: int) -> Crime:
    """Change what is written and not what it means."""
    where = "UPDATE audit_records SET detail = replace(detail, ?, ?) WHERE number = ?"
    return Crime(number, ((where, ":", ": ", number),))


def _cut(number: int, count: int) -> Crime:
    where = "DELETE FROM audit_records WHERE number >= ? AND number < ?"
    return Crime(number, ((where, number, number + count),))


def _swap(numbers: tuple[int, int]) -> Crime:
    move = "UPDATE audit_records SET number = ? WHERE number = ?"
    first, second = sorted(numbers)
    steps = ((move, 1000, first), (move, first, second), (move, second, 1000))
    return Crime(first, steps)


def _insert(number: int, like: int) -> Crime:
    columns = "at, user_id, actor_id, method, session_id, action, target, outcome, code, detail"
    columns += ", count, ip_address, user_agent, request_id, digest"
    copy = f"INSERT INTO audit_records SELECT {number}, {columns} FROM audit_records"
    return Crime(min(number, COUNT + 1), ((f"{copy} WHERE number = ?", like),))


CRIMES = st.one_of(
    st.builds(lambda n, edit: _edit(n, *edit), RECORDS, st.sampled_from(EDITS)),
    st.builds(_respelled, RECORDS),
    st.builds(_cut, RECORDS, st.integers(1, COUNT)),
    st.lists(RECORDS, min_size=2, max_size=2, unique=True).map(lambda p: _swap((p[0], p[1]))),
    st.builds(_insert, st.sampled_from([COUNT + 1, COUNT + 50, 0, -1, -(1 << 63)]), RECORDS),
)


@given(crime=CRIMES, later=st.integers(0, 3))
def test_one_change_is_found_and_named_however_many_records_follow(chain, crime, later):
    chain.reset()
    for command, *values in crime.commands:
        chain.run(command, *values)
    chain.write(COUNT + 1, later)
    verdict = chain.look()

    assert verdict.broken_at == crime.at, verdict
    assert not verdict.is_whole


@pytest.mark.parametrize("later", [0, 1, 3])
def test_an_untouched_chain_is_whole(chain, later):
    chain.reset()
    anchor = chain.look().head
    chain.write(COUNT + 1, later)
    verdict = chain.look(anchor)

    assert verdict.is_whole
    assert (verdict.records, verdict.head.number) == (COUNT + later, COUNT + later)


@pytest.mark.parametrize(
    "spoiled",
    [
        ("method", "x'ff'"),
        ("target", "CAST(x'ff' AS TEXT)"),
        ("count", "1.5"),
        ("at", "at + 0.5"),
        ("user_id", "'somebody'"),
        ("action", "x'00'"),
    ],
    ids=str,
)
def test_what_only_sqlite_takes_is_found_as_well(sqlite, spoiled):
    sqlite.reset()
    name, value = spoiled
    sqlite.run(f"UPDATE audit_records SET {name} = {value} WHERE number = 4")
    verdict = sqlite.look()

    assert verdict.broken_at == 4
    assert verdict.problem.startswith("was changed")


@pytest.mark.parametrize("later", [0, 2])
def test_a_head_that_is_gone_stays_gone(chain, later):
    chain.reset()
    chain.run("DELETE FROM audit_heads")
    chain.write(COUNT + 1, later)
    verdict = chain.look()

    assert (verdict.broken_at, verdict.head) == (COUNT + later, AuditHead(0, ""))
    assert "the head is gone" in verdict.problem


@pytest.mark.parametrize("later", [0, 2])
@pytest.mark.parametrize("change", ["digest = 'x'", "number = number + 5"])
def test_a_head_that_lies_is_found(chain, change, later):
    chain.reset()
    chain.run(f"UPDATE audit_heads SET {change}")
    chain.write(COUNT + 1, later)

    assert chain.look().broken_at in {COUNT, COUNT + 1}


def test_a_head_that_is_nonsense_is_as_good_as_gone(sqlite):
    sqlite.reset()
    sqlite.run("UPDATE audit_heads SET number = 'many'")

    assert "the head is gone" in sqlite.look().problem


def test_records_of_a_forger_who_can_count_show_where_the_head_is_exact(sqlite):
    sqlite.reset()
    forge(sqlite)
    verdict = sqlite.look()

    assert (verdict.broken_at, verdict.problem) == (COUNT + 1, "was put in behind the head")


def forge(chain: Chain) -> None:
    """Add a record with the digest that it has to have, as the chain has no key."""
    with chain.store.read() as work:
        newest = [row for row in work.audit.walk() if isinstance(row, AuditRecord)][-1]
    forged = evolve(newest, number=COUNT + 1, target="forged")
    digest = forged.follows(newest.digest)
    copy = _insert(COUNT + 1, COUNT).commands[0]
    chain.run(copy[0], copy[1])
    fix = "UPDATE audit_records SET target = ?, digest = ? WHERE number = ?"
    chain.run(fix, "forged", digest, COUNT + 1)


def test_a_chain_that_was_made_anew_is_whole_and_known_by_an_anchor_alone(chain):
    chain.reset()
    anchor = chain.look().head
    chain.run("DELETE FROM audit_records")
    chain.run("UPDATE audit_heads SET number = 0, digest = ''")
    chain.write(COUNT + 50, COUNT)

    assert chain.look().is_whole
    assert chain.look(anchor).broken_at == COUNT
    assert chain.look(evolve(anchor, number=COUNT + 1)).broken_at == COUNT + 1


def test_no_record_is_lost_when_the_head_cannot_follow(postgres, caplog):
    postgres.reset()
    postgres.run(f"ALTER TABLE audit_heads ADD CONSTRAINT stuck CHECK (number <= {COUNT})")
    try:
        postgres.write(COUNT + 1, 2)
        verdict = postgres.look()
    finally:
        postgres.run("ALTER TABLE audit_heads DROP CONSTRAINT stuck")
    assert (verdict.is_whole, verdict.records) == (True, COUNT + 2)
    assert "stays behind" in caplog.text

    postgres.write(COUNT + 3, 1)
    with postgres.store.read() as work:
        assert work.audit.head() == postgres.look().head


def test_a_connection_of_the_head_that_breaks_is_made_anew(postgres):
    postgres.reset()
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    postgres.write(COUNT + 1, 1)

    assert (postgres.look().is_whole, postgres.look().records) == (True, COUNT + 1)


def test_a_head_that_is_gone_is_no_anchor(tmp_path):
    settings = Settings(home=str(tmp_path))
    with open_campus(settings) as campus:
        campus.users.create(campus.operator, NewUser(username="anna"))
        with closing(sqlite3.connect(settings.database_file)) as raw:
            raw.execute("DELETE FROM audit_heads")
            raw.commit()
        with pytest.raises(Unavailable) as error:
            campus.audit.head(campus.operator)
        assert error.value.code == "audit_broken"
        campus.users.create(campus.operator, NewUser(username="bert"))
        assert campus.audit.verify(campus.operator).broken_at == 2

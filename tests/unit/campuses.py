"""Campuses to test services on: any store, a clock that is set, a hasher that counts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, evolve

from campuscore import Settings
from campuscore.adapters.memory import open_blobs
from campuscore.adapters.memory import open_store as open_memory
from campuscore.adapters.passwords import open_breached
from campuscore.adapters.sql import open_store as open_sqlite
from campuscore.adapters.tokens import open_access_tokens
from campuscore.bootstrap import Campus, Parts, assemble
from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.groups import Membership, NewGroup
from campuscore.domain.passwords import Wrapping
from campuscore.domain.users import NewUser, Role
from campuscore.plugins import Store
from campuscore.ports.auth import Verdict
from campuscore.ports.sheets import Cell

__all__ = ["NOW", "STORES", "Clock", "CountingHasher", "ListSheet", "Town", "new_store", "town_on"]

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
STORES = ("memory", "sqlite")


@define
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


@define
class CountingHasher:
    """Hashes that cost nothing, and how many were made."""

    version: int = 1
    count: int = 0

    def hash(self, password: str) -> str:
        self.count += 1
        return f"{self.version}:{password}"

    def verify(self, password: str, stored: str) -> Verdict:
        self.count += 1
        version, _, kept = stored.partition(":")
        fits = bool(stored) and kept == password
        return Verdict(fits, stale=fits and version != str(self.version))

    def wrapping(self, stored: str) -> Wrapping:
        version = stored.partition(":")[0]
        if version == str(self.version):
            return Wrapping.CURRENT
        return Wrapping.OLDER if version.isdigit() else Wrapping.FOREIGN

    def rewrap(self, stored: str) -> str:
        return f"{self.version}:{stored.partition(':')[2]}"


class ListSheet:
    """A sheet whose blocks are the rows, as Python says them."""

    media_type = "text/plain"
    suffix = ".txt"

    def write(
        self, title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]
    ) -> Iterator[bytes]:
        for row in (head, *rows):
            yield repr(tuple(row)).encode()


@define
class Town:
    """A campus with what its adapters keep, and shorthands to people it."""

    campus: Campus
    store: Store
    clock: Clock
    hasher: CountingHasher

    def user(self, username: str, role: Role = Role.STUDENT, password: str | None = None) -> int:
        new = NewUser(username=username, role=role, password=password)
        return self.campus.users.create(self.campus.operator, new).id

    def principal(self, user_id: int) -> Principal:
        with self.store.read() as work:
            user = work.users.find(user_id)
        assert user is not None
        return Principal(user.id, user.username, user.role, session_id=0)

    def group(self, name: str, parent: int | None = None) -> int:
        new = NewGroup(name=name, parent=parent)
        return self.campus.groups.create(self.campus.operator, new).id

    def join(
        self,
        group: int,
        user: int,
        role: Role = Role.STUDENT,
        *,
        begin: date = date(2020, 1, 1),
        end: date | None = None,
    ) -> None:
        with self.store.write() as work:
            work.memberships.add([Membership(0, group, user, role, begin, end, "manual")])
            work.commit()

    def topics(self) -> list[str]:
        """Return the topics of all messages, by id, but for those of signing keys."""
        told = self.campus.operations.events(self.campus.operator, limit=1000)
        return [m.topic for m in told if not m.topic.startswith("key.")]

    def as_seen(self, user_id: int, **change: object) -> Principal:
        return evolve(self.principal(user_id), **change)


def new_store(kind: str, clock: Clock, folder: Path) -> Store:
    """Return an empty store with its schema; the folder is for one that needs a file."""
    if kind == "memory":
        return open_memory(clock)
    path = folder / "campus.db"
    path.write_bytes(_empty_database())
    return open_sqlite(f"sqlite:///{path}", synchronous="off", now=clock)


def town_on(
    store: Store,
    clock: Clock,
    zone: str = "UTC",
    settings: Settings | None = None,
    hasher: Any = None,
) -> Town:
    """Assemble a campus on a store."""
    hasher = hasher or CountingHasher()
    parts = Parts(
        store=store,
        blobs=open_blobs(),
        hasher=hasher,
        breached=open_breached(),
        access=open_access_tokens(b"0" * 32, "test", timedelta(hours=1)),
        sheets={"list": ListSheet()},
        days=Days(ZoneInfo(zone), clock),
    )
    return Town(assemble(settings or Settings(), parts), store, clock, hasher)


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "campus.db"
        store = open_sqlite(f"sqlite:///{path}")
        store.keeper.upgrade()
        store.keeper.close()
        return path.read_bytes()

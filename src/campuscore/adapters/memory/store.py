"""Tables as dicts, the undo log that rolls them back, and the gate that keeps Works apart."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import date, datetime
from itertools import count
from threading import Condition, get_ident
from typing import Generic, TypeVar

from attrs import define, field, frozen

from campuscore.domain.attendance import Attachment
from campuscore.domain.audit import AuditHead, AuditRecord
from campuscore.domain.auth import ApiToken, Session
from campuscore.domain.events import Message
from campuscore.domain.groups import Group, Membership
from campuscore.domain.keys import SigningKey
from campuscore.domain.packages import DistFile, Project
from campuscore.domain.schedule import Room, ScheduleEntry, Term
from campuscore.domain.users import User, username_key
from campuscore.errors import Busy, NotFound, Unavailable
from campuscore.ports.attendance import Fact
from campuscore.ports.work import CLOSED

__all__ = ["Claim", "Gate", "Lease", "StoredSession", "Table", "Tables", "UndoLog"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@define
class UndoLog:
    """The steps that take back, last first, what the open write Work has done."""

    steps: list[Callable[[], None]] = field(factory=list[Callable[[], None]])
    is_open: bool = False
    changes: int = 0

    def note(self, step: Callable[[], None]) -> None:
        """Remember how to take back the change that follows."""
        if not self.is_open:
            message = "only an open write Work may change the store"
            raise RuntimeError(message)
        self.steps.append(step)
        self.changes += 1

    def back_to(self, mark: int) -> None:
        """Take back everything after the first ``mark`` steps."""
        while len(self.steps) > mark:
            self.steps.pop()()

    @contextmanager
    def atomic(self) -> Generator[None]:
        """Take back what the block has done when it raises."""
        mark = len(self.steps)
        try:
            yield
        except BaseException:
            self.back_to(mark)
            raise


@frozen
class Claim:
    """A claim on a blob."""

    sha256: str
    until: datetime


@define(eq=False)
class Table(Generic[K, V]):
    """Rows by key, found by one more property too; every change can be undone."""

    log: UndoLog
    property_of: Callable[[V], Hashable] = lambda _: None
    rows: dict[K, V] = field(factory=dict[K, V], init=False)
    _found: dict[Hashable, dict[K, None]] = field(factory=dict[Hashable, dict[K, None]], init=False)
    _ids: Iterator[int] = field(factory=lambda: count(1), init=False)

    def next_id(self) -> int:
        """Return a number that no row has had."""
        return next(self._ids)

    def find(self, key: K) -> V | None:
        """Return a copy of a row, so that nobody changes what is stored."""
        row = self.rows.get(key)
        return None if row is None else copy(row)

    def having(self, value: Hashable) -> list[V]:
        """Return the stored rows with this property, to be read only."""
        return [self.rows[key] for key in self._found.get(value, ())]

    def put(self, key: K, row: V) -> None:
        """Store a copy of the row."""
        old = self.rows.get(key)
        self.log.note(lambda: self._restore(key, old))
        self._restore(key, copy(row))

    def drop(self, key: K) -> None:
        """Remove a row; nothing happens where there is none."""
        old = self.rows.get(key)
        if old is not None:
            self.log.note(lambda: self._restore(key, old))
            self._restore(key, None)

    def _restore(self, key: K, row: V | None) -> None:
        old = self.rows.pop(key, None)
        if old is not None:
            self._found[self.property_of(old)].pop(key)
        if row is not None:
            self.rows[key] = row
            self._found.setdefault(self.property_of(row), {})[key] = None


@frozen
class StoredSession:
    """A session with what only rotation needs to know."""

    session: Session
    family_hash: bytes
    secret_hash: bytes
    generation: int = 0
    before_hash: bytes | None = None
    successor: bytes | None = None
    rotated_at: datetime | None = None
    rotated_by: str | None = None
    ended_at: datetime | None = None


@frozen
class Lease:
    """Who delivers messages, and until when nobody else may."""

    owner: str
    until: datetime


class Tables:
    """All that a memory store holds."""

    def __init__(self) -> None:
        log = UndoLog()
        self.log: UndoLog = log
        self.users: Table[int, User] = Table(log, lambda row: username_key(row.username))
        self.audit: Table[int, AuditRecord] = Table(log)
        self.audit_heads: Table[int, AuditHead] = Table(log)
        self.keys: Table[str, tuple[SigningKey, int]] = Table(log)
        self.ring_changes: Table[int, int] = Table(log)
        self.hashes: Table[int, str] = Table(log)
        self.versions: Table[int, int] = Table(log)
        self.guardianships: Table[tuple[int, int], datetime] = Table(log)
        self.sessions: Table[int, StoredSession] = Table(log, lambda row: row.session.user)
        self.tokens: Table[int, ApiToken] = Table(log)
        self.token_hashes: Table[bytes, int] = Table(log)
        self.revoked: Table[int, datetime] = Table(log)
        self.terms: Table[int, Term] = Table(log, lambda row: row.name)
        self.rooms: Table[int, Room] = Table(log, lambda row: row.name)
        self.groups: Table[int, Group] = Table(log, lambda row: row.parent)
        self.archived: Table[int, bool] = Table(log)
        self.memberships: Table[int, Membership] = Table(log, lambda row: row.user)
        self.entries: Table[int, ScheduleEntry] = Table(log)
        self.facts: Table[int, Fact] = Table(log)
        self.attachments: Table[int, Attachment] = Table(log, lambda row: (row.user, row.date))
        self.withdrawn: Table[int, datetime] = Table(log)
        self.messages: Table[int, Message] = Table(log)
        self.leases: Table[str, Lease] = Table(log)
        self.links: Table[tuple[str, str, str], int] = Table(log)
        self.projects: Table[int, Project] = Table(log, lambda row: row.key)
        self.dist_files: Table[int, DistFile] = Table(log, lambda row: row.project)
        self.removed_files: Table[str, datetime] = Table(log)
        self.claims: Table[int, Claim] = Table(log, lambda row: row.sha256)

    def require_user(self, user_id: int) -> User:
        """Return the stored user, or raise NotFound."""
        user = self.users.rows.get(user_id)
        if user is None:
            raise NotFound(f"there is no user {user_id}", code="user_not_found")
        return user

    @property
    def ring(self) -> int:
        """The number of changes that were made to the ring of signing keys."""
        return len(self.ring_changes.rows)

    def version_of(self, user_id: int) -> int:
        """Return the security version of a user."""
        return self.versions.rows.get(user_id, 1)

    def wards_of(self, guardian: int) -> set[int]:
        """Return those whose guardian a user is."""
        return {ward for one, ward in self.guardianships.rows if one == guardian}

    def has_group(self, group_id: int) -> bool:
        """Say whether the group is there and not archived."""
        return group_id in self.groups.rows and group_id not in self.archived.rows

    def groups_of(self, user_id: int, day: date) -> list[Membership]:
        """Return the memberships of a user that cover a day, archived groups included."""
        return [row for row in self.memberships.having(user_id) if row.covers(day)]

    def files_of(self, user_id: int, day: date) -> list[Attachment]:
        """Return the files of a user's day that were not withdrawn, by id."""
        rows = self.attachments.having((user_id, day))
        return sorted((r for r in rows if r.id not in self.withdrawn.rows), key=lambda r: r.id)


@define(eq=False)
class Gate:
    """Lets in many read Works or one write Work.

    A lock of the standard library must be released by the thread that took it; a response that
    streams may be finished by another one. A thread that reads may also write, because a loop over
    a streamed list may record something in its body.
    """

    patience: float = 10.0
    is_closed: bool = False
    _changed: Condition = field(factory=Condition, init=False)
    _readers: list[int] = field(factory=list[int], init=False)
    _writer: int | None = field(default=None, init=False)
    _waiting: int = field(default=0, init=False)

    def enter(self, *, writing: bool) -> int:
        """Wait for a place, and return the thread to give to ``leave``."""
        me = get_ident()
        with self._changed:
            if self._writer == me:
                raise Busy("this thread already has an open write Work")
            if writing:
                self._wait_to_write(me)
                self._writer = me
            else:
                self._wait(lambda: self._writer is None and (not self._waiting or self._reads(me)))
                self._readers.append(me)
        return me

    def leave(self, thread: int, *, writing: bool) -> None:
        """Give the place back, from any thread."""
        with self._changed:
            if writing:
                self._writer = None
            else:
                self._readers.remove(thread)
            self._changed.notify_all()

    def check_open(self) -> None:
        """Raise Unavailable where the store was closed."""
        if self.is_closed:
            raise Unavailable("this campus is closed", code=CLOSED)

    def _wait_to_write(self, me: int) -> None:
        self._waiting += 1
        try:
            self._wait(lambda: self._writer is None and all(r == me for r in self._readers))
        finally:
            self._waiting -= 1
            self._changed.notify_all()

    def _wait(self, is_free: Callable[[], bool]) -> None:
        if not self._changed.wait_for(is_free, self.patience):
            raise Busy("another Work held the memory store for too long")
        self.check_open()

    def _reads(self, thread: int) -> bool:
        return thread in self._readers

"""The unit of work over the memory store, and the store itself."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from attrs import Factory, define, field, frozen

from campuscore.adapters.memory.attendance import MemoryAttachments, MemoryCheckIns
from campuscore.adapters.memory.audit import MemoryAudit
from campuscore.adapters.memory.auth import MemoryCredentials, MemorySessions, MemoryTokens
from campuscore.adapters.memory.erasure import MemoryErasure
from campuscore.adapters.memory.events import MemoryOutbox
from campuscore.adapters.memory.groups import MemoryGroups, MemoryMemberships
from campuscore.adapters.memory.guardians import MemoryGuardians
from campuscore.adapters.memory.keys import MemorySigningKeys
from campuscore.adapters.memory.operations import MemoryKeeper
from campuscore.adapters.memory.packages import MemoryClaims, MemoryPackages
from campuscore.adapters.memory.roster import MemoryLinks
from campuscore.adapters.memory.schedule import MemoryEntries, MemoryRooms, MemoryTerms
from campuscore.adapters.memory.store import Gate, Tables
from campuscore.adapters.memory.throttle import MemoryLimiter
from campuscore.adapters.memory.users import MemoryUsers
from campuscore.domain.audit import AuditEntry, entries_of
from campuscore.domain.auth import OPERATOR, Principal
from campuscore.domain.days import utc_now
from campuscore.domain.events import NewMessage
from campuscore.settings import Settings

__all__ = ["MemoryStore", "MemoryWork", "open_store", "store_of"]

R = TypeVar("R")


@define(eq=False)
class MemoryWork:
    """One transaction: holds the gate for its life, and undoes what was not committed."""

    _tables: Tables
    _gate: Gate
    _now: Callable[[], datetime]
    _writing: bool = field(alias="writing")
    _thread: int | None = field(default=None, init=False)
    _by: Principal = field(default=OPERATOR, alias="by")
    _events: list[NewMessage] = field(factory=list[NewMessage], init=False)
    _noted: list[AuditEntry] = field(factory=list[AuditEntry], init=False)

    @property
    def users(self) -> MemoryUsers:
        return self._repository(MemoryUsers)

    @property
    def groups(self) -> MemoryGroups:
        return self._repository(MemoryGroups)

    @property
    def memberships(self) -> MemoryMemberships:
        return self._repository(MemoryMemberships)

    @property
    def check_ins(self) -> MemoryCheckIns:
        return self._repository(MemoryCheckIns)

    @property
    def keys(self) -> MemorySigningKeys:
        return self._repository(MemorySigningKeys)

    @property
    def guardians(self) -> MemoryGuardians:
        return self._repository(MemoryGuardians)

    @property
    def attachments(self) -> MemoryAttachments:
        return self._repository(MemoryAttachments)

    @property
    def entries(self) -> MemoryEntries:
        return self._repository(MemoryEntries)

    @property
    def terms(self) -> MemoryTerms:
        return self._repository(MemoryTerms)

    @property
    def rooms(self) -> MemoryRooms:
        return self._repository(MemoryRooms)

    @property
    def credentials(self) -> MemoryCredentials:
        return self._repository(MemoryCredentials)

    @property
    def sessions(self) -> MemorySessions:
        return self._repository(MemorySessions)

    @property
    def tokens(self) -> MemoryTokens:
        return self._repository(MemoryTokens)

    @property
    def outbox(self) -> MemoryOutbox:
        return self._repository(MemoryOutbox)

    @property
    def links(self) -> MemoryLinks:
        return self._repository(MemoryLinks)

    @property
    def packages(self) -> MemoryPackages:
        return self._repository(MemoryPackages)

    @property
    def claims(self) -> MemoryClaims:
        return self._repository(MemoryClaims)

    @property
    def erasure(self) -> MemoryErasure:
        return self._repository(MemoryErasure)

    @property
    def audit(self) -> MemoryAudit:
        return self._repository(MemoryAudit)

    def emit(self, message: NewMessage) -> None:
        self._events.append(message)

    def note(self, entry: AuditEntry) -> None:
        self._noted.append(entry)

    @contextmanager
    def savepoint(self) -> Generator[None]:
        events, noted = len(self._events), len(self._noted)
        with self._tables.log.atomic():
            try:
                yield
            except BaseException:
                del self._events[events:]
                del self._noted[noted:]
                raise

    def commit(self) -> None:
        now = self._now()
        if self._events:
            self.outbox.add(self._events, now)
        entries = [*entries_of(self._by, self._events), *self._noted]
        if entries:
            self.audit.append(entries, now)
        self._tables.log.steps.clear()
        self._close()

    def __enter__(self) -> Self:
        self._thread = self._gate.enter(writing=self._writing)
        self._tables.log.is_open = self._writing
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._close()

    def _repository(self, make: Callable[[Tables], R]) -> R:
        if self._thread is None:
            message = "this Work is not open"
            raise RuntimeError(message)
        return make(self._tables)

    def _close(self) -> None:
        if self._thread is None:
            message = "this Work is not open"
            raise RuntimeError(message)
        thread, self._thread = self._thread, None
        if self._writing:
            self._tables.log.back_to(0)
            self._tables.log.is_open = False
        self._gate.leave(thread, writing=self._writing)


def _limiter_of(store: MemoryStore) -> MemoryLimiter:
    return MemoryLimiter(store._gate)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a field of the store's own


@frozen
class MemoryStore:
    """Opens units of work over one set of tables, which is gone with the process."""

    now: Callable[[], datetime] = utc_now
    _gate: Gate = field(factory=Gate, alias="gate")
    _tables: Tables = field(factory=Tables, init=False)
    limiter: MemoryLimiter = field(init=False, default=Factory(_limiter_of, takes_self=True))

    @property
    def keeper(self) -> MemoryKeeper:
        """The upkeep of this store."""
        return MemoryKeeper(self._gate)

    def read(self) -> MemoryWork:
        return MemoryWork(self._tables, self._gate, self.now, writing=False)

    def write(self, by: Principal = OPERATOR) -> MemoryWork:
        return MemoryWork(self._tables, self._gate, self.now, writing=True, by=by)


def open_store(now: Callable[[], datetime] = utc_now, patience: float = 10.0) -> MemoryStore:
    """Return an empty store.

    Parameters
    ----------
    now
        The clock that dates stored events.
    patience
        How many seconds a Work waits for others before it raises Busy.
    """
    return MemoryStore(now, Gate(patience))


def store_of(settings: Settings, now: Callable[[], datetime]) -> MemoryStore:
    """Return an empty store for the URL ``memory://``."""
    return open_store(now, settings.lock_seconds)

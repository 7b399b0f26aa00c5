"""The ring of signing keys, as this process holds it."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from datetime import datetime

from attrs import evolve, field, frozen

from campuscore.domain.auth import Claims
from campuscore.domain.days import Days
from campuscore.domain.events import NewMessage
from campuscore.domain.keys import Algorithm, KeyRing, KeyState
from campuscore.ports.auth import AccessTokens
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.retrying import retrying

__all__ = ["Ring"]


@frozen
class Ring:
    """Signs and verifies with the keys that all processes share, as they are now.

    Every look at a session tells the revision of the ring. Where it differs from what a token was
    verified with, the keys are read again and the token is verified again: what another process
    revoked counts no more in the very next request.
    """

    store: WorkFactory
    days: Days
    access: AccessTokens
    algorithm: Algorithm
    turn: AbstractContextManager[object] = field(factory=threading.Lock, eq=False, repr=False)
    """Held while keys are read and taken over, so that no thread puts older ones in their place."""

    @property
    def revision(self) -> int:
        """The revision of the keys that are held now."""
        return self.access.revision

    def issue(self, claims: Claims, at: datetime, revision: int) -> str:
        """Return a signed token; the revision is that of the session's state."""
        self.sync(revision)
        return self.access.issue(claims, at)

    def verify(self, token: str, at: datetime) -> Claims:
        """Return what a token says, or raise Unauthenticated; no token of a stranger makes keys."""
        if not self.access.knows(token):
            self._read()
        return self.access.verify(token, at)

    def confirm(self, token: str, at: datetime, verified_with: int, revision: int) -> None:
        """Verify a token again if the keys are others by now than those it was verified with.

        What this process holds does not tell: another thread may have read the new keys between.
        """
        if verified_with != revision:
            self.sync(revision)
            self.access.verify(token, at)

    def sync(self, revision: int) -> None:
        """Read the keys again where they have changed, or there is none."""
        if revision != self.access.revision or not revision:
            self.load()

    def load(self) -> KeyRing:
        """Read the keys, and make the first two where there are none."""
        ring = self._read()
        if ring.active is None:
            self._begin()
            ring = self._read()
        return ring

    def _read(self) -> KeyRing:
        with self.turn:
            with self.store.read() as work:
                ring = work.keys.ring()
            if ring.revision != self.access.revision:
                self.access.hold(ring)
        return ring

    @retrying
    def _begin(self) -> None:
        with self.store.write() as work:
            ring = work.keys.ring()
            if ring.active is None:
                self.add(work, KeyState.ACTIVE)
                if ring.next is None:
                    self.add(work, KeyState.NEXT)
                work.commit()

    def add(self, work: Work, state: KeyState) -> str:
        """Make a key and store it in a state; return its id."""
        key = self.access.make(self.algorithm, self.days.now())
        work.keys.add(evolve(key, state=state))
        work.emit(NewMessage("key.made", f"key:{key.id}", {"state": str(state)}))
        return key.id

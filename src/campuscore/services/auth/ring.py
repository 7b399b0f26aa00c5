"""The ring of signing keys, as this process holds it."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, frozen

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

    Every look at a session tells the revision of the ring. Where it differs from what is held, the
    keys are read again: what another process revoked counts no more in the very next request.
    """

    store: WorkFactory
    days: Days
    access: AccessTokens
    algorithm: Algorithm

    def issue(self, claims: Claims, at: datetime, revision: int) -> str:
        """Return a signed token; the revision is that of the session's state."""
        self.sync(revision)
        return self.access.issue(claims, at)

    def verify(self, token: str, at: datetime) -> Claims:
        """Return what a token says, or raise Unauthenticated."""
        if not self.access.knows(token):
            self.load()
        return self.access.verify(token, at)

    def sync(self, revision: int) -> bool:
        """Read the keys again where they have changed, or there is none; say whether it was so."""
        changed = revision != self.access.revision or not revision
        if changed:
            self.load()
        return changed

    def load(self) -> KeyRing:
        """Read the keys, and make the first two where there are none."""
        with self.store.read() as work:
            ring = work.keys.ring()
        if ring.active is None:
            ring = self._begin()
        if ring.revision != self.access.revision:
            self.access.hold(ring)
        return ring

    @retrying
    def _begin(self) -> KeyRing:
        with self.store.write() as work:
            ring = work.keys.ring()
            if ring.active is None:
                self.add(work, KeyState.ACTIVE)
                if ring.next is None:
                    self.add(work, KeyState.NEXT)
                ring = work.keys.ring()
                work.commit()
        return ring

    def add(self, work: Work, state: KeyState) -> str:
        """Make a key and store it in a state; return its id."""
        key = self.access.make(self.algorithm, self.days.now())
        work.keys.add(evolve(key, state=state))
        work.emit(NewMessage("key.made", f"key:{key.id}", {"state": str(state)}))
        return key.id

"""Signing keys, as administrators see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from attrs import frozen

from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.events import NewMessage
from campuscore.domain.keys import KeyRing, KeyState, SigningKey, SigningKeyInfo
from campuscore.errors import Conflict, NotFound
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.auth.ring import Ring
from campuscore.services.policy import Policy
from campuscore.services.retrying import retrying

__all__ = ["KeyService"]


@frozen
class KeyService:
    """The ring of keys that access tokens are signed with.

    One key is active. The next one is published before it signs, so that whoever fetches the set
    of keys has it in time. A retired key verifies what it signed until that has expired; a
    revoked key verifies nothing, in the very next request.
    """

    store: WorkFactory
    policy: Policy
    days: Days
    ring: Ring
    life: timedelta

    def list(self, principal: Principal) -> list[SigningKeyInfo]:
        """List all keys, oldest first; needs ``keys.read``."""
        self.policy.scope(principal, "keys.read")
        with self.store.read() as work:
            return [key.info for key in work.keys.ring().keys]

    def jwks(self) -> Sequence[Mapping[str, str]]:
        """Return the public keys that verify, as JWK (RFC 7517); secret ones are not among them."""
        with self.store.read() as work:
            ring = work.keys.ring()
        return [
            {**key.public, "kid": key.id, "alg": str(key.algorithm), "use": "sig"}
            for key in ring.verifying(self.days.now(), self.life)
            if key.public is not None
        ]

    @retrying
    def rotate(self, principal: Principal, *, fresh: bool = False) -> SigningKeyInfo:
        """Let the next key sign, and make another one to follow it; needs ``keys.manage``.

        Parameters
        ----------
        principal
            Who acts.
        fresh
            Make a new key at once instead of taking the one that was published: where that may be
            known to others.

        A next key that SECRET_KEY does not open, or of another algorithm than ``token_algorithm``,
        is replaced by a fresh one as well.
        """
        self.policy.scope(principal, "keys.manage")
        with self.store.write(principal) as work:
            self._rotate(work, work.keys.ring(), fresh=fresh)
            work.commit()
        active = self.ring.load().active
        if active is None:  # another process revoked it at once
            raise Conflict("the keys were changed meanwhile", code="keys_changed")
        return active.info

    @retrying
    def retire(self, principal: Principal, key_id: str) -> None:
        """Let a key sign no more; the next one takes its place. Needs ``keys.manage``.

        Raises
        ------
        Conflict
            It never signed: such a key is revoked.
        NotFound
            There is no such key.
        """
        self.policy.scope(principal, "keys.manage")
        with self.store.write(principal) as work:
            ring = work.keys.ring()
            key = _find(ring, key_id)
            if key.state is KeyState.NEXT:
                raise Conflict("the key never signed; revoke it", code="key_unused")
            if key.state is KeyState.ACTIVE:
                self._rotate(work, ring)
            work.commit()
        self.ring.load()

    @retrying
    def revoke(self, principal: Principal, key_id: str) -> None:
        """Refuse everything that a key signed, in the very next request; needs ``keys.manage``.

        The sessions go on: whoever has a refresh token gets an access token of another key. Where
        the key was the active or the next one, others take its place.

        Raises
        ------
        NotFound
            There is no such key.
        """
        self.policy.scope(principal, "keys.manage")
        with self.store.write(principal) as work:
            ring = work.keys.ring()
            key = _find(ring, key_id)
            if key.state is KeyState.REVOKED:
                return
            if key.state is KeyState.ACTIVE:
                self._rotate(work, ring)
            work.keys.move(key_id, KeyState.REVOKED, self.days.now())
            work.emit(NewMessage("key.revoked", f"key:{key_id}"))
            if key.state is KeyState.NEXT:
                self.ring.add(work, KeyState.NEXT)
            work.commit()
        self.ring.load()

    def _rotate(self, work: Work, ring: KeyRing, *, fresh: bool = False) -> None:
        now, follows = self.days.now(), ring.next
        if ring.active is not None:
            work.keys.move(ring.active.id, KeyState.RETIRED, now)
            work.emit(NewMessage("key.retired", f"key:{ring.active.id}"))
        if follows is not None and (fresh or not self._fits(follows)):
            work.keys.move(follows.id, KeyState.REVOKED, now)
            work.emit(NewMessage("key.revoked", f"key:{follows.id}"))
            follows = None
        if follows is None:
            self.ring.add(work, KeyState.ACTIVE)
        else:
            work.keys.move(follows.id, KeyState.ACTIVE, now)
            work.emit(NewMessage("key.activated", f"key:{follows.id}"))
        self.ring.add(work, KeyState.NEXT)

    def _fits(self, key: SigningKey) -> bool:
        return key.algorithm is self.ring.algorithm and self.ring.access.opens(key)


def _find(ring: KeyRing, key_id: str) -> SigningKey:
    for key in ring.keys:
        if key.id == key_id:
            return key
    raise NotFound(f"there is no key {key_id!r}", code="key_not_found")

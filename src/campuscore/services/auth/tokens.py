"""API tokens: secrets of users for programs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen

from campuscore.domain.auth import (
    ApiToken,
    MintedToken,
    NewApiToken,
    Origin,
    Principal,
    may_authenticate,
)
from campuscore.domain.days import Days
from campuscore.domain.events import NewMessage
from campuscore.errors import Forbidden, NotFound, Unauthenticated
from campuscore.ports.work import WorkFactory
from campuscore.services.auth.rules import TOKEN_PREFIX, whose
from campuscore.services.policy import PersonTarget, Policy
from campuscore.services.retrying import retrying

__all__ = ["TokenService"]

_TOUCH_EVERY = timedelta(minutes=1)


@frozen
class TokenService:
    """The long-lived tokens of users, each limited to what it is for."""

    store: WorkFactory
    policy: Policy
    days: Days

    @retrying
    def mint(
        self, principal: Principal, new: NewApiToken, user_id: int | None = None
    ) -> MintedToken:
        """Mint an API token of one's own, or (with ``auth.manage``) of a user.

        Raises
        ------
        Forbidden
            The principal came with an API token, which cannot mint another.
        Invalid, NotFound
            A field breaks a rule, or there is no such user.
        """
        wanted = whose(self.policy, principal, user_id)
        if principal.method == "token":
            error = Forbidden("an API token cannot mint another", code="session_needed")
            raise self.policy.note(principal, "auth.credentials", "", error)
        now = self.days.now()
        new.check(self.policy.rules, now)
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = ApiToken(0, wanted, new.name, new.scopes, now, new.expires_at, None)
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "users.read", PersonTarget(wanted))
            row = work.tokens.add(row, hashlib.sha256(secret.encode()).digest())
            work.emit(NewMessage("token.minted", str(wanted), {"token": row.id}))
            work.commit()
        return MintedToken(row.id, row.name, secret, row.scopes, row.created_at, row.expires_at)

    def list(self, principal: Principal, user_id: int | None = None) -> Sequence[ApiToken]:
        """List one's own API tokens, or (with ``auth.manage``) those of a user."""
        wanted = whose(self.policy, principal, user_id)
        with self.store.read() as work:
            return work.tokens.list(wanted or None)

    @retrying
    def revoke(self, principal: Principal, token_id: int) -> None:
        """Revoke an API token of one's own, or (with ``auth.manage``) of anybody; else NotFound."""
        self.policy.scope(principal, "auth.credentials")
        anyones = self.policy.allows(principal, "auth.manage")
        with self.store.write(principal) as work:
            owner = None if anyones else principal.user_id
            if not work.tokens.revoke(token_id, owner, self.days.now()):
                error = NotFound(f"there is no token {token_id}", code="token_not_found")
                raise self.policy.note(principal, "auth.credentials", f"token:{token_id}", error)
            work.emit(NewMessage("token.revoked", str(principal.user_id), {"token": token_id}))
            work.commit()

    def authenticate(self, token: str, origin: Origin | None) -> Principal:
        """Return who acts with an API token, or raise Unauthenticated."""
        now = self.days.now()
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        with self.store.read() as work:
            found = work.tokens.find(digest, now)
        if found is None or not may_authenticate(found[1]):
            raise Unauthenticated("the API token is not valid", code="token_invalid")
        row, user = found
        if row.last_used_at is None or now - row.last_used_at > _TOUCH_EVERY:
            self._touch(row.id, now)
        return Principal(
            user.id, user.username, user.role, "token", None, row.scopes, origin=origin
        )

    @retrying
    def _touch(self, token_id: int, now: datetime) -> None:
        with self.store.write() as work:
            work.tokens.touch(token_id, now)
            work.commit()

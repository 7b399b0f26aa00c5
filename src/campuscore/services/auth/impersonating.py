"""An administrator acts in a user's name: told in each token, for a reason, and not for long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from campuscore.domain.auth import (
    Claims,
    Impersonation,
    NewImpersonation,
    Origin,
    Principal,
    may_authenticate,
)
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.rotation import RefreshToken
from campuscore.domain.users import Role
from campuscore.errors import Forbidden
from campuscore.ports.auth import NewSession
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.auth.ring import Ring
from campuscore.services.policy import PersonTarget, Policy, not_found
from campuscore.services.retrying import retrying

__all__ = ["Impersonating"]

_OVER: Final = frozenset({Role.ADMIN, Role.DEVICE})
"""Whose name nobody takes: an administrator gains nothing by it, a device is nobody's view."""


@frozen
class Impersonating:
    """Opens sessions in another's name; they have no refresh token."""

    store: WorkFactory
    policy: Policy
    days: Days
    ring: Ring

    @retrying
    def begin(self, principal: Principal, new: NewImpersonation) -> Impersonation:
        """Open a session in a user's name, or raise."""
        self.policy.scope(principal, "auth.impersonate")
        if principal.method == "token":
            error = Forbidden("an API token acts in nobody else's name", code="session_needed")
            raise self.policy.note(principal, "auth.impersonate", str(new.user_id), error)
        new.check()
        now = self.days.now()
        ends = now + timedelta(minutes=new.minutes)
        with self.store.write(principal) as work:
            with self.policy.noting(principal, "auth.impersonate", str(new.user_id)):
                self._require(work, new.user_id)
            session_id = work.sessions.open(_session(principal, new, now, ends))
            state = work.sessions.state(session_id)
            if state is None:
                raise not_found(PersonTarget(new.user_id))
            payload: dict[str, JSON] = {"session": session_id, "reason": new.reason}
            work.emit(NewMessage("impersonation.begun", str(new.user_id), payload))
            work.commit()
        claims = Claims(
            state.user_id, session_id, ends.timestamp(), state.version, principal.user_id
        )
        return Impersonation(self.ring.issue(claims, now, state.ring), session_id, ends)

    def _require(self, work: Work, user_id: int) -> None:
        user = work.users.find(user_id)
        if user is None or not may_authenticate(user):
            raise not_found(PersonTarget(user_id))
        if user.role in _OVER:
            text = f"nobody acts in the name of a user with the role {user.role}"
            raise Forbidden(text, code="not_impersonated")


def _session(
    principal: Principal, new: NewImpersonation, now: datetime, ends: datetime
) -> NewSession:
    unused = RefreshToken.new(0)  # nobody is given it
    origin = principal.origin or Origin()
    return NewSession(
        new.user_id,
        unused.family_hash,
        unused.secret_hash,
        now,
        ends,
        origin.ip_address,
        origin.user_agent,
        principal.user_id,
        new.reason,
    )

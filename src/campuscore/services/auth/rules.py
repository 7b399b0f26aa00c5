"""What tokens look like, and how they are refused."""

from __future__ import annotations

from campuscore.domain.auth import Principal
from campuscore.errors import NotFound, Unauthenticated
from campuscore.services.policy import Policy

__all__ = [
    "TOKEN_PREFIX",
    "no_session",
    "refused_refresh",
    "whose",
    "wrong_credentials",
]

TOKEN_PREFIX = "cct_"  # noqa: S105 - a prefix by which leaked tokens are found, not a secret


def no_session(session_id: int) -> NotFound:
    """Return the refusal of a session that is not there."""
    return NotFound(f"there is no session {session_id}", code="session_not_found")


def refused_refresh() -> Unauthenticated:
    """Return the refusal of a refresh token, whatever is wrong with it."""
    return Unauthenticated("the refresh token is not valid", code="refresh_refused")


def wrong_credentials() -> Unauthenticated:
    """Return the refusal of a login, whatever is wrong with it."""
    return Unauthenticated("wrong username or password", code="wrong_credentials")


def whose(
    policy: Policy, principal: Principal, user_id: int | None, *, own: str = "auth.credentials"
) -> int:
    """Return the user whose sessions or tokens are meant: oneself, or another with the right."""
    if user_id is None or user_id == principal.user_id:
        policy.scope(principal, own)
        return principal.user_id
    policy.scope(principal, "auth.manage")
    return user_id

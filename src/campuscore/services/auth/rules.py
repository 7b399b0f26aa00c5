"""What tokens look like, and how they are refused."""

from __future__ import annotations

from campuscore.errors import NotFound, Unauthenticated

__all__ = [
    "TOKEN_PREFIX",
    "no_session",
    "refused_refresh",
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

"""Rules of tokens: what they look like, and what a new one may be."""

from __future__ import annotations

import hashlib
import secrets

from campuscore.errors import NotFound, Unauthenticated

__all__ = [
    "REFRESH_PREFIX",
    "TOKEN_PREFIX",
    "new_secret",
    "no_session",
    "parse_refresh",
    "refused_refresh",
]

TOKEN_PREFIX = "cct_"  # noqa: S105 - a prefix by which leaked tokens are found, not a secret
REFRESH_PREFIX = "ccr_"
_LONGEST_REFRESH = 128


def new_secret() -> tuple[str, bytes]:
    """Make a secret, and the hash by which it is known again."""
    secret = secrets.token_urlsafe(32)
    return secret, hashlib.sha256(secret.encode()).digest()


def parse_refresh(token: str) -> tuple[int, bytes]:
    """Return the session of a refresh token and the hash of its secret."""
    session, _, secret = token.removeprefix(REFRESH_PREFIX).partition("_")
    known = token.startswith(REFRESH_PREFIX) and session.isascii() and session.isdigit()
    if not known or len(token) > _LONGEST_REFRESH:
        raise refused_refresh()
    return int(session[:18]), hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def no_session(session_id: int) -> NotFound:
    """Return the refusal of a session that is not there."""
    return NotFound(f"there is no session {session_id}", code="session_not_found")


def refused_refresh() -> Unauthenticated:
    """Return the refusal of a refresh token, whatever is wrong with it."""
    return Unauthenticated("the refresh token is not valid", code="refresh_refused")

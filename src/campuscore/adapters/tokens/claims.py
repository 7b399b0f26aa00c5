"""What an access token says, read from a payload that was signed by us."""

from __future__ import annotations

import json
import re
import secrets
from datetime import datetime
from typing import Final

from attrs import frozen

from campuscore.domain.auth import Claims
from campuscore.errors import Unauthenticated

__all__ = ["Statement", "read", "refused", "write"]

_AUDIENCE: Final = "campuscore"
_SKEW: Final = 60
_MEMBERS: Final = frozenset({"iss", "aud", "sub", "sid", "ver", "iat", "exp", "jti"})
_ACT: Final = frozenset({"act"})
_USER: Final = re.compile(r"[1-9][0-9]{0,18}")
_LARGEST: Final = 1 << 53


@frozen
class Statement:
    """A token whose signature and claims are right; only the time is still to be compared."""

    claims: Claims
    issued_at: int

    def at(self, moment: float) -> Claims:
        if self.issued_at > moment + _SKEW:
            raise refused()
        if self.claims.expires_at <= moment:
            raise Unauthenticated("The access token has expired.", code="token_expired")
        return self.claims


def write(claims: Claims, issuer: str, at: datetime) -> bytes:
    """Return the payload that says this (RFC 7519, RFC 9068)."""
    members: dict[str, object] = {
        "iss": issuer,
        "aud": _AUDIENCE,
        "sub": str(claims.user_id),
        "sid": claims.session_id,
        "ver": claims.version,
        "iat": int(at.timestamp()),
        "exp": int(claims.expires_at),
        "jti": secrets.token_hex(16),
    }
    if claims.actor is not None:
        members["act"] = {"sub": str(claims.actor)}
    return json.dumps(members, separators=(",", ":")).encode()


def read(payload: bytes, issuer: str) -> Statement:
    """Return what a payload says, or raise Unauthenticated."""
    try:
        members: object = json.loads(payload, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise refused() from error
    if not isinstance(members, _Members) or frozenset(members) - _ACT != _MEMBERS:
        raise refused()
    if (members["iss"], members["aud"]) != (issuer, _AUDIENCE):
        raise refused()
    if not isinstance(members["jti"], str) or not members["jti"]:
        raise refused()
    session, version, issued, expires = (
        _whole(members[name]) for name in ("sid", "ver", "iat", "exp")
    )
    user, actor = _user(members["sub"]), _actor(members)
    return Statement(Claims(user, session, float(expires), version, actor), issued)


def refused() -> Unauthenticated:
    """Return the refusal of a token, whatever is wrong with it."""
    return Unauthenticated("The access token is not valid.", code="token_invalid")


class _Members(dict[str, object]):
    """The members of a JSON object, each of which came once."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> _Members:
    members = _Members(pairs)
    if len(members) != len(pairs):
        raise refused()
    return members


def _whole(value: object) -> int:
    if type(value) is not int or not 0 < value < _LARGEST:
        raise refused()
    return value


def _user(value: object) -> int:
    if not isinstance(value, str) or not _USER.fullmatch(value):
        raise refused()
    return int(value)


def _actor(members: _Members) -> int | None:
    if "act" not in members:
        return None
    actor = members["act"]
    if not isinstance(actor, _Members) or actor.keys() != {"sub"}:
        raise refused()
    return 0 if actor["sub"] == "0" else _user(actor["sub"])

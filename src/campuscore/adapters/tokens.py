"""Access tokens: PyJWT makes and checks the MAC, everything it takes on trust is checked here."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
from collections import OrderedDict
from datetime import datetime
from typing import Final

import jwt
from attrs import define, field, frozen
from attrs.validators import ge

from campuscore.domain.auth import Claims
from campuscore.errors import Misconfigured, Unauthenticated
from campuscore.ports.auth import AccessTokens

__all__ = ["SignedAccessTokens", "open_access_tokens"]

_ALGORITHM: Final = "HS256"
_TYPE: Final = {"typ": "at+jwt"}
_AUDIENCE: Final = "campuscore"
_INFO: Final = b"campuscore access tokens HS256 v1"
_LEAST_SECRET: Final = 32
_LONGEST: Final = 4096
_SKEW: Final = 60
_MEMBERS: Final = frozenset({"iss", "aud", "sub", "sid", "ver", "iat", "exp", "jti"})
_USER: Final = re.compile(r"[1-9][0-9]{0,18}")
# 32 bytes leave two spare bits in the last character; only zeros are canonical there, so that no
# second text carries the same signature.
_SEGMENTS: Final = re.compile(
    r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
)
_LARGEST: Final = 1 << 53


@frozen
class _Statement:
    """A token whose signature and claims are right; only the time is still to be compared."""

    claims: Claims
    issued_at: int

    def at(self, moment: float) -> Claims:
        if self.issued_at > moment + _SKEW:
            raise _refused()
        if self.claims.expires_at <= moment:
            raise Unauthenticated("The access token has expired.", code="token_expired")
        return self.claims


@define(eq=False)
class _Remembered:
    """The latest verified tokens by the hash of their text, so that no secret is kept."""

    limit: int = field(validator=ge(0))
    _statements: OrderedDict[bytes, _Statement] = field(
        init=False, factory=OrderedDict[bytes, _Statement]
    )
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def find(self, key: bytes) -> _Statement | None:
        with self._lock:
            statement = self._statements.get(key)
            if statement is not None:
                self._statements.move_to_end(key)
            return statement

    def add(self, key: bytes, statement: _Statement) -> None:
        with self._lock:
            self._statements[key] = statement
            self._statements.move_to_end(key)
            while len(self._statements) > self.limit:
                self._statements.popitem(last=False)

    def __contains__(self, key: bytes) -> bool:
        with self._lock:
            return key in self._statements


@define(eq=False)
class SignedAccessTokens:
    """Implements ``AccessTokens``; ``remember`` is how many verified tokens are kept.

    The header of every token is one constant text. Comparing it as text leaves nothing of a
    header to be believed: no algorithm to choose, no key to fetch, and no JSON of a stranger to
    parse before the signature is known to be ours.
    """

    _secret: bytes = field(repr=False)
    issuer: str
    remember: int = 4096
    _key: bytes = field(init=False, repr=False)
    _jws: jwt.PyJWS = field(init=False, repr=False)
    _header: str = field(init=False, repr=False)
    _remembered: _Remembered = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if len(self._secret) < _LEAST_SECRET:
            message = f"SECRET_KEY must have at least {_LEAST_SECRET} bytes."
            raise Misconfigured(message, code="secret_key_too_short")
        self._key = _derived(self._secret)
        self._jws = jwt.PyJWS(algorithms=[_ALGORITHM], options={"enforce_minimum_key_length": True})
        self._header = self._signed(b"{}").partition(".")[0]
        self._remembered = _Remembered(self.remember)

    def issue(self, claims: Claims, at: datetime) -> str:
        members = {
            "iss": self.issuer,
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
        return self._signed(json.dumps(members, separators=(",", ":")).encode())

    def verify(self, token: str, at: datetime) -> Claims:
        if len(token) > _LONGEST or not token.isascii():
            raise _refused()
        key = _fingerprint(token)
        statement = self._remembered.find(key)
        if statement is not None:
            return statement.at(at.timestamp())
        statement = self._statement(self._payload(token))
        claims = statement.at(at.timestamp())
        self._remembered.add(key, statement)
        return claims

    def remembers(self, token: str) -> bool:
        """Say whether the next ``verify`` of this token will compare nothing but the time."""
        return _fingerprint(token) in self._remembered

    def _signed(self, payload: bytes) -> str:
        return self._jws.encode(payload, self._key, algorithm=_ALGORITHM, headers=dict(_TYPE))

    def _payload(self, token: str) -> bytes:
        if not token.startswith(self._header + ".") or not _SEGMENTS.fullmatch(token):
            raise _refused()
        try:
            payload: bytes = self._jws.decode(token, self._key, algorithms=[_ALGORITHM])
        except jwt.PyJWTError as error:
            raise _refused() from error
        return payload

    def _statement(self, payload: bytes) -> _Statement:
        try:
            members: object = json.loads(payload, object_pairs_hook=_without_duplicates)
        except (ValueError, RecursionError) as error:
            raise _refused() from error
        if not isinstance(members, _Members) or members.keys() - {"act"} != _MEMBERS:
            raise _refused()
        if (members["iss"], members["aud"]) != (self.issuer, _AUDIENCE):
            raise _refused()
        if not isinstance(members["jti"], str) or not members["jti"]:
            raise _refused()
        session, version, issued, expires = (
            _whole(members[name]) for name in ("sid", "ver", "iat", "exp")
        )
        user, actor = _user(members["sub"]), _actor(members)
        return _Statement(Claims(user, session, float(expires), version, actor), issued)


class _Members(dict[str, object]):
    """The members of a JSON object, each of which came once."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> _Members:
    members = _Members(pairs)
    if len(members) != len(pairs):
        raise _refused()
    return members


def _whole(value: object) -> int:
    if type(value) is not int or not 0 < value < _LARGEST:
        raise _refused()
    return value


def _user(value: object) -> int:
    if not isinstance(value, str) or not _USER.fullmatch(value):
        raise _refused()
    return int(value)


def _actor(members: _Members) -> int | None:
    if "act" not in members:
        return None
    actor = members["act"]
    if not isinstance(actor, _Members) or actor.keys() != {"sub"}:
        raise _refused()
    return 0 if actor["sub"] == "0" else _user(actor["sub"])


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()


def _derived(secret: bytes) -> bytes:
    # HKDF (RFC 5869) with SHA-256 and no salt: other uses of SECRET_KEY never share this key.
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, _INFO + b"\x01", "sha256")


def _refused() -> Unauthenticated:
    return Unauthenticated("The access token is not valid.", code="token_invalid")


def open_access_tokens(secret: bytes, issuer: str) -> AccessTokens:
    """Return the signer whose key is derived from SECRET_KEY; shorter than 32 bytes is refused."""
    return SignedAccessTokens(secret, issuer)

"""Access tokens: signed with the active key of the ring, verified with any that counts."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen
from attrs.validators import ge

from campuscore.adapters.tokens.claims import Statement, read, refused, write
from campuscore.adapters.tokens.jws import LONGEST, Signer, Verifier, header_text
from campuscore.adapters.tokens.material import Material, make, read_jwks, revive
from campuscore.adapters.tokens.sealing import Seal
from campuscore.domain.auth import Claims
from campuscore.domain.keys import Algorithm, KeyRing, KeyState, SigningKey
from campuscore.errors import Invalid, Misconfigured, Unavailable
from campuscore.ports.auth import AccessTokens

__all__ = ["SignedAccessTokens", "open_access_tokens"]

_TYPE: Final = "at+jwt"


@define(eq=False)
class _Remembered:
    """The latest verified tokens by the hash of their text, so that no secret is kept."""

    limit: int = field(validator=ge(0))
    _statements: OrderedDict[bytes, Statement] = field(
        init=False, factory=OrderedDict[bytes, Statement]
    )
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def find(self, key: bytes) -> Statement | None:
        with self._lock:
            statement = self._statements.get(key)
            if statement is not None:
                self._statements.move_to_end(key)
            return statement

    def add(self, key: bytes, statement: Statement) -> None:
        with self._lock:
            self._statements[key] = statement
            self._statements.move_to_end(key)
            while len(self._statements) > self.limit:
                self._statements.popitem(last=False)

    def __contains__(self, key: bytes) -> bool:
        with self._lock:
            return key in self._statements


@frozen
class _Held:
    """A ring, ready to use: what was remembered of one is forgotten with it."""

    revision: int
    active: SigningKey | None
    signer: Signer | None
    verifier: Verifier
    ends: dict[str, datetime | None]
    remembered: _Remembered


@define(eq=False)
class SignedAccessTokens:
    """Implements ``AccessTokens``; ``remember`` is how many verified tokens are kept.

    ``life`` is how long access tokens live at the most, and so for how long a retired key counts.
    """

    seal: Seal = field(repr=False)
    issuer: str
    life: timedelta
    remember: int = 4096
    _held: _Held | None = field(init=False, default=None, repr=False)

    @property
    def revision(self) -> int:
        return -1 if self._held is None else self._held.revision

    def make(self, algorithm: Algorithm, at: datetime) -> SigningKey:
        key_id = secrets.token_hex(8)  # which no command line takes for an option
        private, public = make(algorithm)
        sealed = self.seal.close(private, _name(key_id, algorithm))
        return SigningKey(key_id, algorithm, KeyState.NEXT, at, at, public, sealed)

    def hold(self, ring: KeyRing) -> None:
        counting = [key for key in ring.keys if key.state is not KeyState.REVOKED]
        active = ring.active
        self._held = _Held(
            ring.revision,
            active,
            self._signer(active) if active is not None and self.opens(active) else None,
            Verifier({_header(key): material for key, material in self._verifying(counting)}),
            {_header(key): self._end(key) for key in counting},
            _Remembered(self.remember),
        )

    def opens(self, key: SigningKey) -> bool:
        try:
            self._private(key)
        except Misconfigured:
            return False
        return True

    def issue(self, claims: Claims, at: datetime) -> str:
        held = self._held
        if held is None or held.active is None:
            raise Unavailable("there is no signing key", code="no_signing_key")
        signer = held.signer or self._signer(held.active)  # which says why there is none
        return signer.sign(write(claims, self.issuer, at))

    def knows(self, token: str) -> bool:
        return self._held is not None and self._held.verifier.knows(token)

    def verify(self, token: str, at: datetime) -> Claims:
        held = self._held
        if held is None or len(token) > LONGEST or not token.isascii():
            raise refused()
        ends = held.ends.get(token.partition(".")[0])
        if ends is not None and ends <= at:
            raise refused()
        print_of = hashlib.sha256(token.encode("ascii")).digest()
        statement = held.remembered.find(print_of)
        if statement is not None:
            return statement.at(at.timestamp())
        payload = held.verifier.payload(token)
        if payload is None:
            raise refused()
        statement = read(payload, self.issuer)
        claims = statement.at(at.timestamp())
        held.remembered.add(print_of, statement)
        return claims

    def remembers(self, token: str) -> bool:
        """Say whether the next ``verify`` of this token will compare nothing but the time."""
        known = hashlib.sha256(token.encode("ascii")).digest()
        return self._held is not None and known in self._held.remembered

    def _end(self, key: SigningKey) -> datetime | None:
        return key.changed_at + self.life if key.state is KeyState.RETIRED else None

    def _signer(self, key: SigningKey) -> Signer:
        return Signer(self._private(key), _members(key))

    def _private(self, key: SigningKey) -> Material:
        return revive(key.algorithm, self.seal.open(key.sealed, _name(key.id, key.algorithm)))

    def _verifying(self, keys: Sequence[SigningKey]) -> list[tuple[SigningKey, Material]]:
        """Return what verifies: public parts, and of secret keys those that SECRET_KEY opens."""
        public = [key for key in keys if key.algorithm is not Algorithm.HS256]
        secret = [key for key in keys if key.algorithm is Algorithm.HS256 and self.opens(key)]
        try:
            read = read_jwks([_jwk(key) for key in public])
        except Invalid as error:
            words = f"a signing key in the database is damaged: {error.detail}; restore a backup"
            raise Misconfigured(words, code="signing_key_damaged") from error
        return [*zip(public, read, strict=True), *((key, self._private(key)) for key in secret)]


def _members(key: SigningKey) -> dict[str, str]:
    return {"kid": key.id, "typ": _TYPE}


def _jwk(key: SigningKey) -> dict[str, str]:
    return {**(key.public or {}), "kid": key.id, "alg": str(key.algorithm), "use": "sig"}


def _header(key: SigningKey) -> str:
    return header_text(key.algorithm, **_members(key))


def _name(key_id: str, algorithm: Algorithm) -> str:
    """Name a sealed key, so that it cannot stand in for another or for another algorithm."""
    return f"{key_id} {algorithm}"


def open_access_tokens(
    secret: bytes, issuer: str, life: timedelta, old: Sequence[bytes] = ()
) -> AccessTokens:
    """Return the signer whose keys are sealed by SECRET_KEY; shorter than 32 bytes is refused.

    Keys that an ``old`` one sealed still open.
    """
    return SignedAccessTokens(Seal.of(secret, old), issuer, life)

"""Password hashes by argon2id: memory-hard, so their number at one time has to be bounded.

Hashes that Django made are read as well, and are stale: a login replaces them.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import (
    HashingError,
    InvalidHashError,
    VerificationError,
    VerifyMismatchError,
)
from attrs import define, field
from attrs.validators import ge

from campuscore.adapters.passwords.django import fits_django
from campuscore.errors import Busy
from campuscore.ports.auth import Verdict

__all__ = ["Argon2Hasher", "cores"]

_STORED = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,2})\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)
# A stored text that asks for more than this was not written by us, and must not eat the machine.
_MOST_MEMORY_KIB = 1 << 20
_SALT_BYTES = 16
_HASH_BYTES = 32


def cores() -> int:
    """Return how many hashes can be made at one time."""
    return os.cpu_count() or 1


@define(kw_only=True, eq=False)
class Argon2Hasher:
    """Hashes and verifies; the defaults are OWASP's 19 MiB, two passes, one lane.

    More hashes at one time than cores give no more throughput, only memory and waiting: the rest
    queue for ``patience`` seconds and are then turned away.
    """

    memory_kib: int = 19_456
    rounds: int = 2
    lanes: int = 1
    slots: int = field(factory=cores, validator=ge(1))
    patience: float = 5.0
    gate: threading.Semaphore = field(init=False, repr=False)
    _argon2: Argon2 = field(init=False, repr=False)
    _nobody: str = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.gate = threading.BoundedSemaphore(self.slots)
        self._argon2 = Argon2(self.rounds, self.memory_kib, self.lanes, _HASH_BYTES, _SALT_BYTES)
        # Random bytes in place of a digest: nothing fits it, it costs a whole verification, and
        # unlike a real dummy hash it makes not even the first unknown user slower than the others.
        self._nobody = f"{self._prefix}${_base64(_SALT_BYTES)}${_base64(_HASH_BYTES)}"

    @property
    def _prefix(self) -> str:
        return f"$argon2id$v=19$m={self.memory_kib},t={self.rounds},p={self.lanes}"

    def hash(self, password: str) -> str:
        with self._slot():
            try:
                return self._argon2.hash(_octets(password))
            except HashingError as error:
                raise _busy() from error

    def verify(self, password: str, stored: str) -> Verdict:
        octets = _octets(password)
        with self._slot():
            fits = self._fits(octets, stored)
            if fits is None:
                self._fits_nobody(octets)
        return Verdict(fits, stale=self._stale(stored)) if fits else Verdict(fits=False)

    def _fits(self, octets: bytes, stored: str) -> bool | None:
        """Say whether a hash fits; None where one of today's is still to be computed.

        A right password for a stale hash is hashed anew later; a wrong one has to cost as much.
        """
        if fits_django(octets, stored):
            return True
        match = _STORED.fullmatch(stored)
        if match is None or int(match[1]) > _MOST_MEMORY_KIB:
            return None
        try:
            return self._argon2.verify(stored, octets)
        except VerifyMismatchError:
            return None if self._stale(stored) else False
        except (VerificationError, InvalidHashError):
            return None

    def _fits_nobody(self, octets: bytes) -> None:
        try:
            self._argon2.verify(self._nobody, octets)
        except VerifyMismatchError:
            return
        except VerificationError as error:
            raise _busy() from error

    def _stale(self, stored: str) -> bool:
        salt, digest = stored.rsplit("$", 2)[1:]
        ours = self._nobody.rsplit("$", 2)
        return not stored.startswith(self._prefix + "$") or (len(salt), len(digest)) != (
            len(ours[1]),
            len(ours[2]),
        )

    @contextmanager
    def _slot(self) -> Generator[None]:
        if not self.gate.acquire(timeout=self.patience):
            raise _busy()
        try:
            yield
        finally:
            self.gate.release()


def _octets(password: str) -> bytes:
    # Passwords come from outside: half a surrogate pair is a wrong password and not a crash.
    return password.encode("utf-8", "surrogatepass")


def _base64(size: int) -> str:
    return b64encode(secrets.token_bytes(size)).rstrip(b"=").decode("ascii")


def _busy() -> Busy:
    return Busy("Too many passwords are being checked at this moment.", retry_after=1)

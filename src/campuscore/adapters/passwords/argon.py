"""Password hashes by argon2id: memory-hard, so their number at one time has to be bounded.

Hashes that Django made are read as well, and are stale: a login replaces them.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

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

__all__ = ["Argon2Hasher"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_STORED = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,3}),p=([0-9]{1,2})\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)
# A stored text that asks for more than this was not written by us, and must not eat the machine.
_MOST_MEMORY_KIB = 1 << 20
_SALT_BYTES = 16
_HASH_BYTES = 32


@define(kw_only=True, eq=False)
class Argon2Hasher:
    """Hashes and verifies; the defaults are OWASP's 19 MiB, two passes, one lane.

    ``slots`` of them are made at one time: more than there are cores give no more throughput, only
    memory and waiting. The rest queue for ``patience`` seconds and are then turned away.
    """

    memory_kib: int = 19_456
    rounds: int = 2
    lanes: int = 1
    slots: int = field(default=1, validator=ge(1))
    patience: float = 5.0
    gate: threading.Semaphore = field(init=False, repr=False)
    # malloc keeps the memory of a hash for the thread that made it: with threads of their own it is
    # kept once for each slot and is warm, and not once for each thread that ever took a login.
    _threads: ThreadPoolExecutor = field(init=False, repr=False)
    _process: int = field(init=False, repr=False)
    _argon2: Argon2 = field(init=False, repr=False)
    _nobody: str = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._begin()
        self._argon2 = Argon2(self.rounds, self.memory_kib, self.lanes, _HASH_BYTES, _SALT_BYTES)
        # Random bytes in place of a digest: nothing fits it, it costs a whole verification, and
        # unlike a real dummy hash it makes not even the first unknown user slower than the others.
        self._nobody = f"{self._prefix}${_base64(_SALT_BYTES)}${_base64(_HASH_BYTES)}"

    def _begin(self) -> None:
        self.gate = threading.BoundedSemaphore(self.slots)
        self._threads = ThreadPoolExecutor(self.slots, "argon2")
        self._process = os.getpid()

    @property
    def _prefix(self) -> str:
        return f"$argon2id$v=19$m={self.memory_kib},t={self.rounds},p={self.lanes}"

    def hash(self, password: str) -> str:
        return self._in_turn(self._hash, _octets(password))

    def verify(self, password: str, stored: str) -> Verdict:
        fits = self._in_turn(self._verify, _octets(password), stored)
        return Verdict(fits, stale=self._stale(stored)) if fits else Verdict(fits=False)

    def _hash(self, octets: bytes) -> str:
        try:
            return self._argon2.hash(octets)
        except HashingError as error:
            raise _busy() from error

    def _verify(self, octets: bytes, stored: str) -> bool | None:
        fits = self._fits(octets, stored)
        if fits is None:
            self._fits_nobody(octets)
        return fits

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

    def _in_turn(self, act: Callable[_P, _R], *given: _P.args, **named: _P.kwargs) -> _R:
        if self._process != os.getpid():
            self._begin()  # a fork has none of the threads
        gate = self.gate
        if not gate.acquire(timeout=self.patience):
            raise _busy()
        try:
            return self._threads.submit(act, *given, **named).result()
        finally:
            gate.release()


def _octets(password: str) -> bytes:
    # Passwords come from outside: half a surrogate pair is a wrong password and not a crash.
    return password.encode("utf-8", "surrogatepass")


def _base64(size: int) -> str:
    return b64encode(secrets.token_bytes(size)).rstrip(b"=").decode("ascii")


def _busy() -> Busy:
    return Busy("Too many passwords are being checked at this moment.", retry_after=1)

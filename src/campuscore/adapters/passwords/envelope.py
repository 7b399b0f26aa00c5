"""The pepper: stored hashes are sealed with AES-256-GCM under a key that SECRET_KEY gives.

Whoever has the database alone cannot even begin to guess passwords. An envelope reads
``$campuscore$v=1,k=KEY,p=FORM$SEALED``: KEY names the key without telling anything of it, FORM is
``nfc`` where the password was composed before it was hashed, and ``raw`` where a hash of before
that was sealed offline, which has to be verified with what is typed. The head is authenticated.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from campuscore.adapters.passwords.argon import Argon2Hasher
from campuscore.domain.passwords import LONGEST_TYPED, Wrapping, normalised
from campuscore.errors import Misconfigured
from campuscore.home import derive, require_long
from campuscore.ports.auth import PasswordHasher, Verdict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["SealingHasher", "open_hasher"]

_LOG = logging.getLogger("campuscore.passwords")
_ENVELOPE: Final = re.compile(
    r"(\$campuscore\$v=1,k=([A-Za-z0-9_-]{8}),p=(nfc|raw)\$)([A-Za-z0-9_-]{1,2048})"
)
_KEY_INFO: Final = b"campuscore password hashes v1"
_NAME_INFO: Final = b"campuscore password hashes v1, name of the key"
_NONCE: Final = 12


@frozen
class _Opened:
    """What is in an envelope; ``text`` is empty where it does not open."""

    wrapping: Wrapping
    text: str
    form: str
    key: str = ""


@frozen
class _Keys:
    """The current key by its name, and it with all older ones to open with."""

    current: str
    ciphers: Mapping[str, AESGCM] = field(repr=False)


@define(eq=False)
class SealingHasher:
    """Implements ``PasswordHasher`` around an argon2 hasher: nothing it stores opens without a key.

    ``secrets`` are SECRET_KEY and, behind it, older ones.
    """

    argon2: Argon2Hasher
    _secrets: Sequence[bytes] = field(repr=False)
    _found: _Keys | None = field(init=False, default=None, repr=False)

    def hash(self, password: str) -> str:
        return self._seal(self.argon2.hash(normalised(password)), "nfc")

    def verify(self, password: str, stored: str) -> Verdict:
        # Every way costs one argon2 hash, and the loading of the ciphers where it is the first.
        opened = self._open(stored)
        if len(password) > LONGEST_TYPED:
            return self.argon2.verify("", "")
        if opened.wrapping is Wrapping.FOREIGN:
            _LOG.error(
                "SECRET_KEY does not fit a stored password: its envelope names the key %s. "
                "Set the SECRET_KEY of before, or add it to old_secret_keys.",
                opened.key,
            )
        elif opened.wrapping is Wrapping.DAMAGED:
            _LOG.error("the envelope of a stored password is damaged (key %s)", opened.key)
        composed = normalised(password)
        verdict = self.argon2.verify(composed if opened.form == "nfc" else password, opened.text)
        if not verdict.fits:
            return verdict
        stale = opened.wrapping is not Wrapping.CURRENT or verdict.stale
        # A raw hash of a text that has but one form is as good as a composed one.
        return Verdict(True, stale=stale or (opened.form == "raw" and not password.isascii()))

    def wrapping(self, stored: str) -> Wrapping:
        return self._open(stored).wrapping

    def rewrap(self, stored: str) -> str:
        opened = self._open(stored)
        if opened.wrapping is Wrapping.CURRENT:
            return stored
        if opened.wrapping in {Wrapping.FOREIGN, Wrapping.DAMAGED}:
            text = f"secret_key: it does not open a stored password (sealed by {opened.key})"
            raise Misconfigured(text, code="secret_key_differs")
        return self._seal(opened.text, opened.form)

    def _seal(self, text: str, form: str) -> str:
        keys = self._keys()
        head = f"$campuscore$v=1,k={keys.current},p={form}$"
        nonce = secrets.token_bytes(_NONCE)
        sealed = keys.ciphers[keys.current].encrypt(nonce, text.encode(), head.encode())
        return head + base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii")

    def _open(self, stored: str) -> _Opened:
        keys = self._keys()
        match = _ENVELOPE.fullmatch(stored)
        if match is None:
            return _Opened(Wrapping.BARE, stored, "raw")
        head, key, form, sealed = match.groups()
        if key not in keys.ciphers:
            return _Opened(Wrapping.FOREIGN, "", form, key)
        text = _opened(keys.ciphers[key], head, sealed)
        if text is None:
            return _Opened(Wrapping.DAMAGED, "", form, key)
        wrapping = Wrapping.CURRENT if key == keys.current else Wrapping.OLDER
        return _Opened(wrapping, text, form, key)

    def _keys(self) -> _Keys:
        if self._found is None:
            names = [derive(secret, _NAME_INFO, 6) for secret in self._secrets]
            self._found = _Keys(_text(names[0]), dict(map(_cipher, names, self._secrets)))
        return self._found


def _cipher(name: bytes, secret: bytes) -> tuple[str, AESGCM]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - slow to load

    return _text(name), AESGCM(derive(secret, _KEY_INFO))


def _opened(cipher: AESGCM, head: str, sealed: str) -> str | None:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415

    try:
        octets = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        text = cipher.decrypt(octets[:_NONCE], octets[_NONCE:], head.encode())
    except (InvalidTag, ValueError, binascii.Error):
        return None
    return text.decode()


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii")


def open_hasher(
    secret: bytes,
    old: Sequence[bytes] = (),
    *,
    slots: int = 1,
    patience: float = 5.0,
    memory_kib: int = 19_456,
    rounds: int = 2,
) -> PasswordHasher:
    """Return the hasher with today's parameters, its hashes sealed under SECRET_KEY.

    ``old`` are earlier ones, whose envelopes still open. ``slots`` is how many hashes are made at
    one time, and ``patience`` how many seconds others wait for one. Shorter secrets than 32 bytes
    are refused.
    """
    require_long((secret, *old))
    argon2 = Argon2Hasher(memory_kib=memory_kib, rounds=rounds, slots=slots, patience=patience)
    return SealingHasher(argon2, (secret, *old))

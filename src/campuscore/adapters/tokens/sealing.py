"""What is derived from SECRET_KEY, and what is sealed with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from attrs import field, frozen

from campuscore.errors import Misconfigured

__all__ = ["LEAST_SECRET", "Seal", "derived"]

LEAST_SECRET: Final = 32
_NONCE: Final = 12
_INFO: Final = b"campuscore signing keys v1"


def derived(secret: bytes, info: bytes) -> bytes:
    """Derive a key of 32 bytes for one purpose (HKDF, RFC 5869, with SHA-256 and no salt)."""
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


@frozen
class Seal:
    """Seals private keys with AES-256-GCM, each bound to the name that it is stored under.

    What an older key sealed still opens.
    """

    _key: bytes = field(repr=False)
    _older: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, secret: bytes, old: Sequence[bytes] = ()) -> Seal:
        """Derive the seal from SECRET_KEY and earlier ones; shorter than 32 bytes is refused."""
        if any(len(each) < LEAST_SECRET for each in (secret, *old)):
            message = f"SECRET_KEY must have at least {LEAST_SECRET} bytes."
            raise Misconfigured(message, code="secret_key_too_short")
        return cls(derived(secret, _INFO), tuple(derived(each, _INFO) for each in old))

    def close(self, private: bytes, name: str) -> bytes:
        """Seal a private key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - slow to load

        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._key).encrypt(nonce, private, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """Open what was sealed; Misconfigured where SECRET_KEY is another one by now."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        nonce, text = sealed[:_NONCE], sealed[_NONCE:]
        for key in (self._key, *self._older):
            with suppress(InvalidTag, ValueError):
                return AESGCM(key).decrypt(nonce, text, name.encode())
        words = (
            f"secret_key: it does not open the signing key {name}; set the one of before, "
            "name it in old_secret_keys, or run `campuscore keys rotate` to sign with a new key"
        )
        raise Misconfigured(words, code="secret_key_differs")

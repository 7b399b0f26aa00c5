"""What is sealed with a key that SECRET_KEY gives."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from attrs import field, frozen

from campuscore.errors import Misconfigured
from campuscore.home import derive, require_long

__all__ = ["Seal"]

_NONCE: Final = 12
_INFO: Final = b"campuscore signing keys v1"


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
        require_long((secret, *old))
        return cls(derive(secret, _INFO), tuple(derive(each, _INFO) for each in old))

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

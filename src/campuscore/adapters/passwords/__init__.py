"""Passwords: hashed by argon2id, sealed under SECRET_KEY, and looked up in lists of known ones."""

from __future__ import annotations

from campuscore.adapters.passwords.argon import Argon2Hasher
from campuscore.adapters.passwords.breached import PackedPasswords, open_breached
from campuscore.adapters.passwords.envelope import SealingHasher, open_hasher
from campuscore.adapters.passwords.packing import pack

__all__ = [
    "Argon2Hasher",
    "PackedPasswords",
    "SealingHasher",
    "open_breached",
    "open_hasher",
    "pack",
]

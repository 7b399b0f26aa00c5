"""The secret of a campus: where it is kept, how it is made, and what is derived from it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from campuscore.errors import Misconfigured
from campuscore.settings import Settings

__all__ = [
    "LEAST_SECRET",
    "SECRET_FILE",
    "derive",
    "find_secret",
    "given_secret",
    "old_secrets",
    "prepare_home",
    "require_long",
]

LEAST_SECRET: Final = 32
"""How many bytes a secret has at least."""

SECRET_FILE = "secret.key"  # noqa: S105 - the name of the file, not what is in it


def prepare_home(folder: Path) -> bytes:
    """Return the secret of a home folder, making folder and secret (mode 0600) where needed."""
    path = folder / SECRET_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_secret(path)
        secret = path.read_bytes().strip()
    except OSError as error:
        raise Misconfigured(f"home: {path}: {error.strerror}") from error
    if len(secret) < LEAST_SECRET:
        raise Misconfigured(f"{path}: has {len(secret)} bytes, needs at least {LEAST_SECRET}")
    return secret


def _write_secret(path: Path) -> None:
    """Write a fresh secret so that of several processes exactly one wins, and none sees half."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(48) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def find_secret(settings: Settings) -> bytes:
    """Return the secret of a campus without making one; empty where none can be read."""
    try:
        return given_secret(settings) or (settings.folder / SECRET_FILE).read_bytes().strip()
    except OSError:
        return b""


def given_secret(settings: Settings) -> bytes:
    """Return the secret of the settings as the environment has it, which need not be text."""
    return settings.secret_key.reveal.encode(errors="surrogateescape")


def old_secrets(settings: Settings) -> list[bytes]:
    """Return the earlier secrets, whose envelopes still open."""
    return [each.reveal.encode() for each in settings.old_secret_keys if each.reveal]


def require_long(secrets_given: Iterable[bytes]) -> None:
    """Raise Misconfigured where a secret is shorter than 32 bytes."""
    if any(len(each) < LEAST_SECRET for each in secrets_given):
        text = f"SECRET_KEY must have at least {LEAST_SECRET} bytes."
        raise Misconfigured(text, code="secret_key_too_short")


def derive(secret: bytes, purpose: bytes, size: int = 32) -> bytes:
    """Derive up to 32 bytes for one purpose (HKDF, RFC 5869, with SHA-256 and no salt)."""
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")[:size]

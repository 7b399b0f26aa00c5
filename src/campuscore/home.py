"""The secret of a campus: where it is kept, and how it is made."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from campuscore.errors import Misconfigured
from campuscore.settings import Settings

__all__ = ["SECRET_FILE", "find_secret", "given_secret", "old_secrets", "prepare_home"]

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
    if len(secret) < 32:  # noqa: PLR2004 - the sentence names it
        raise Misconfigured(f"{path}: has {len(secret)} bytes, needs at least 32")
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

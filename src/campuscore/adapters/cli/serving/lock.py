"""One server for each home: a lock that the system takes back however the server ends.

Forked workers share the lock, so that it is free only when the last of them is gone.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from campuscore.errors import Conflict, Unavailable

__all__ = ["LOCK_FILE", "hold"]

LOCK_FILE = "serve.lock"
_PATIENCE = 3.0
_PAUSE = 0.05


@contextmanager
def hold(folder: Path, address: str) -> Generator[None]:
    """Hold the lock of a home folder; Conflict names the process that serves it."""
    path = folder / LOCK_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error
    try:
        _take(descriptor, folder)
        _write(descriptor, f"{os.getpid()} {address}\n")
        yield
        _write(descriptor, "")
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    """Take the lock, waiting only for the workers of a server that is already dead."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
            if _lives(holder) or time.monotonic() > give_up:
                raise _held(folder, holder) from None
            time.sleep(_PAUSE)
        except OSError as error:
            raise Unavailable(f"{folder}: cannot be locked: {error.strerror}") from error
        else:
            return


def _held(folder: Path, holder: str) -> Conflict:
    pid, _, address = holder.partition(" ")
    who = f"process {pid} at {address}" if address else "a process that is just starting or ending"
    return Conflict(f"{folder} is already served by {who}", code="already_served")


def _lives(holder: str) -> bool:
    pid = holder.partition(" ")[0]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)

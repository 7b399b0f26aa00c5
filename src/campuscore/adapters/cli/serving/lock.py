"""One server for each home: a lock that the system takes back however the server ends.

Forked workers share the lock, so that it is free only when the last of them is gone.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define

from campuscore.errors import Conflict, Unavailable
from campuscore.upkeep import absent_folders

__all__ = ["LOCK_FILE", "Held", "hold"]

LOCK_FILE = "serve.lock"
_PATIENCE = 3.0
_PAUSE = 0.05


@define
class Held:
    """The lock of a home folder; unless it is kept, a refusal takes away what it made."""

    kept: bool = False

    def keep(self) -> None:
        """Leave the lock's file in the folder, whatever comes."""
        self.kept = True


@contextmanager
def hold(folder: Path, address: str) -> Generator[Held]:
    """Hold the lock of a home folder; Conflict names the process that serves it."""
    path = folder / LOCK_FILE
    made = [] if path.exists() else [path, *absent_folders(folder)]
    held = Held()
    descriptor = _lock(path)
    try:
        _write(descriptor, f"{os.getpid()} {address}\n")
        yield held
        _write(descriptor, "")
    except BaseException:
        if not held.kept:
            _take_away(made)
        raise
    finally:
        os.close(descriptor)


def _take_away(made: list[Path]) -> None:
    """Remove, while the lock is held, its file and the folders that are empty then."""
    with suppress(OSError):
        for path in made:
            if path.name == LOCK_FILE:
                path.unlink()
            else:
                path.rmdir()


def _lock(path: Path) -> int:
    """Open and lock the file; anew where whoever held it took it away."""
    while True:
        descriptor = _open(path)
        try:
            _take(descriptor, path.parent)
            if _is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


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

"""Blobs in a folder: ``root/ab/cdef...``, written in ``root/tmp`` and moved into place."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from attrs import field, frozen

from campuscore.domain.files import Blob
from campuscore.errors import NotFound, TooLarge, Unavailable

if sys.platform != "win32":
    import fcntl

__all__ = ["FileTree", "open_files"]

_BLOCK = 256 * 1024
_NAME = re.compile(r"[0-9a-f]{64}")
_FOLDER = re.compile(r"[0-9a-f]{2}")
_REST = re.compile(r"[0-9a-f]{62}")


@frozen
class FileTree:
    """Implements ``BlobStore``; ``grace`` is the age below which no partial file is swept."""

    root: Path
    grace: timedelta = field(default=timedelta(hours=1), kw_only=True)

    @property
    def _partial(self) -> Path:
        return self.root / "tmp"

    def put(self, chunks: Iterable[bytes], limit: int) -> Blob:
        with self._temporary() as path:
            blob = _written(path, chunks, limit)
            with _reachable():
                self._place(path, blob)
        return blob

    def open(self, sha256: str) -> Iterator[bytes]:
        path = self._path(sha256)
        if path is None:
            raise _not_found()
        blocks = _blocks(path)
        # The first step opens the file and yields nothing of it: a missing blob is told by this
        # call, and closing a generator that has started always closes the file.
        next(blocks)
        return blocks

    def size(self, sha256: str) -> int | None:
        path = self._path(sha256)
        with _reachable():
            return None if path is None else _size(path)

    def remove(self, sha256: str) -> None:
        path = self._path(sha256)
        with _reachable():
            if path is not None and _size(path) is not None:
                path.unlink(missing_ok=True)
                _sync_folder(path.parent)

    def names(self) -> Iterator[str]:
        for folder in self._entries(self.root):
            if _FOLDER.fullmatch(folder):
                rests = self._entries(self.root / folder)
                yield from (folder + rest for rest in rests if _REST.fullmatch(rest))

    def sweep_partial(self) -> int:
        """Remove what crashed writers left, and return how many files that were.

        A writer holds a lock on its file, which the system takes from it when it dies. The grace
        covers the moments without a lock (just created, about to be moved) and systems without one.
        """
        with _reachable():
            oldest = time.time() - self.grace.total_seconds()
            entries = [self._partial / name for name in self._entries(self._partial)]
            return sum(_swept(path, oldest) for path in entries)

    def _path(self, sha256: str) -> Path | None:
        # Names come from addresses: whatever is not a hash must never reach the file system.
        return self.root / sha256[:2] / sha256[2:] if _NAME.fullmatch(sha256) else None

    def _entries(self, folder: Path) -> list[str]:
        with _reachable():
            return [path.name for path in folder.iterdir()] if folder.is_dir() else []

    @contextmanager
    def _temporary(self) -> Generator[Path]:
        with _reachable():
            self._partial.mkdir(parents=True, exist_ok=True)
        path = self._partial / secrets.token_hex(16)
        try:
            yield path
        finally:
            # What cannot be removed now is swept later, and must not hide why the writing failed.
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _place(self, path: Path, blob: Blob) -> None:
        target = self.root / blob.sha256[:2] / blob.sha256[2:]
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
        _sync_folder(self.root)
        if _size(target) != blob.size:
            path.replace(target)
        # Also where another writer was first: it may not have got to this yet.
        _sync_folder(target.parent)


def _written(path: Path, chunks: Iterable[bytes], limit: int) -> Blob:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    with _reachable():
        descriptor = os.open(path, flags, 0o640)
    try:
        _lock(descriptor)
        blob = _stream(descriptor, chunks, limit)
        with _reachable():
            os.fsync(descriptor)
            # The lock ends here: the grace starts anew, however long the stream was silent.
            os.utime(path)
    finally:
        os.close(descriptor)
    return blob


def _stream(descriptor: int, chunks: Iterable[bytes], limit: int) -> Blob:
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"More than {limit} bytes came.")
        digest.update(chunk)
        with _reachable():
            _write_all(descriptor, chunk)
    return Blob(digest.hexdigest(), size)


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _blocks(path: Path) -> Generator[bytes]:
    with _reachable():
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise _not_found() from error
    with file:
        yield b""
        while True:
            with _reachable():
                block = file.read(_BLOCK)
            if not block:
                return
            yield block


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _swept(path: Path, oldest: float) -> bool:
    try:
        if path.stat().st_mtime > oldest:
            return False
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        if not _lock(descriptor):
            return False
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
    return True


def _lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # File systems without locks (some network mounts) have the grace alone.
        return error.errno not in {errno.EWOULDBLOCK, errno.EACCES}
    return True


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _reachable() -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "unknown"
        message = f"The file store cannot be used: {reason}."
        raise Unavailable(message, code="files_unavailable") from error


def _not_found() -> NotFound:
    return NotFound("There is no such file.", code="blob_not_found")


def open_files(root: Path) -> FileTree:
    """Return the store in a folder; folders are made when the first blob is written."""
    return FileTree(root)

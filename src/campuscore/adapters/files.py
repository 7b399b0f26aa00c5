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
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from attrs import define, field, frozen

from campuscore.domain.files import Blob
from campuscore.errors import NotFound, TooLarge, Unavailable
from campuscore.settings import Settings

if sys.platform != "win32":
    import fcntl

__all__ = ["FileDraft", "FileTree", "blobs_of", "open_files"]

_BLOCK = 256 * 1024
_NAME = re.compile(r"[0-9a-f]{64}")
_FOLDER = re.compile(r"[0-9a-f]{2}")
_REST = re.compile(r"[0-9a-f]{62}")


@define(eq=False)
class FileDraft:
    """Implements ``Draft``: a temporary file, locked for as long as it has its temporary name."""

    _root: Path
    _path: Path
    content: BinaryIO
    blob: Blob

    def keep(self) -> None:
        if sys.platform == "win32":  # where no open file can be moved
            self.content.close()
        with _reachable():
            _place(self._root, self._path, self.blob)
        self.content.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _drop(self._path)
        self.content.close()


@frozen
class FileTree:
    """Implements ``BlobStore``.

    ``grace`` is the age from which a partial file is tidied away where files cannot be locked.
    """

    root: Path
    grace: timedelta = field(default=timedelta(hours=1), kw_only=True)

    @property
    def _partial(self) -> Path:
        return self.root / "tmp"

    def draft(self, chunks: Iterable[bytes], limit: int) -> FileDraft:
        with _reachable():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._partial.mkdir(exist_ok=True)
            path, descriptor = self._create()
        content = os.fdopen(descriptor, "rb")
        try:
            blob = _stream(descriptor, chunks, limit)
            with _reachable():
                os.fsync(descriptor)
                content.seek(0)
        except BaseException:
            _drop(path)
            content.close()
            raise
        return FileDraft(self.root, path, content, blob)

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        path = self._path(sha256)
        if path is None:
            raise _not_found()
        blocks = _blocks(path, start, length)
        # The first step opens the file and yields nothing of it: a missing blob is told by this
        # call, and closing a generator that has started always closes the file.
        next(blocks)
        return blocks

    def size(self, sha256: str) -> int | None:
        path = self._path(sha256)
        with _reachable():
            return None if path is None else _size(path)

    def address(self, sha256: str, filename: str, media_type: str) -> str | None:  # noqa: ARG002 - the port's
        return None

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

    def tidy(self) -> int:
        with _reachable():
            oldest = time.time() - self.grace.total_seconds()
            entries = [self._partial / name for name in self._entries(self._partial)]
            return sum(_tidied(path, oldest) for path in entries)

    def _create(self) -> tuple[Path, int]:
        """Make a temporary file that is locked, which the system undoes when the writer dies."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
        while True:
            path = self._partial / secrets.token_hex(16)
            descriptor = os.open(path, flags, 0o640)
            # It may have been tidied away before it was locked: then it has no name any more.
            if _lock(descriptor) is not _Lock.HELD and os.fstat(descriptor).st_nlink:
                return path, descriptor
            os.close(descriptor)

    def _path(self, sha256: str) -> Path | None:
        # Names come from addresses: whatever is not a hash must never reach the file system.
        return self.root / sha256[:2] / sha256[2:] if _NAME.fullmatch(sha256) else None

    def _entries(self, folder: Path) -> list[str]:
        with _reachable():
            return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _place(root: Path, path: Path, blob: Blob) -> None:
    target = root / blob.sha256[:2] / blob.sha256[2:]
    if not target.parent.is_dir():
        target.parent.mkdir(exist_ok=True)
    _sync_folder(root)
    if _size(target) != blob.size:
        path.replace(target)
    # Also where another writer was first: it may not have got to this yet.
    _sync_folder(target.parent)


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


def _blocks(path: Path, start: int, length: int | None) -> Generator[bytes]:
    with _reachable():
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise _not_found() from error
    with file:
        file.seek(start)
        yield b""
        left = sys.maxsize if length is None else length
        while left > 0:
            with _reachable():
                block = file.read(min(_BLOCK, left))
            if not block:
                return
            left -= len(block)
            yield block


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _drop(path: Path) -> None:
    # What cannot be removed now is tidied away later, and must not hide why the writing failed.
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _tidied(path: Path, oldest: float) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        lock = _lock(descriptor)
        if lock is _Lock.HELD or (lock is _Lock.NONE and os.fstat(descriptor).st_mtime > oldest):
            return False
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
    return True


class _Lock(Enum):
    """What came of locking a file: some file systems (network mounts) have no locks."""

    TAKEN = 1
    HELD = 2
    NONE = 3


def _lock(descriptor: int) -> _Lock:
    if sys.platform == "win32":
        return _Lock.NONE
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held = error.errno in {errno.EWOULDBLOCK, errno.EACCES}
        return _Lock.HELD if held else _Lock.NONE
    return _Lock.TAKEN


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


def blobs_of(settings: Settings) -> FileTree:
    """Return the store in the home folder."""
    return open_files(settings.folder / "files")

"""Writing a backup while others go on writing to the campus.

First the database is copied, then the blobs that the copy names. Blobs never change, but one may be
freed in between: then both are done again, with a copy that names it no more.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from attrs import define, field, frozen

import campuscore
from campuscore.adapters.backups.archive import DATABASE, MANIFEST, SECRET, encode, member_of
from campuscore.domain.days import utc_now
from campuscore.domain.operations import BACKUP_FORMAT, Manifest, Member
from campuscore.errors import Conflict, NotFound, Unavailable
from campuscore.ports.files import BlobStore
from campuscore.ports.operations import StoreCopy, StoreKeeper

__all__ = ["TarBackups", "open_backups"]

_TRIES = 5
_COMPRESSED = (".gz", ".tgz")


@frozen
class TarBackups:
    """Implements ``Backups``; ``secret`` is the file of the secret, where there is one."""

    secret: Path
    now: Callable[[], datetime]

    def write(
        self, keeper: StoreKeeper, blobs: BlobStore, target: Path, *, replace: bool = False
    ) -> Manifest:
        if target.exists() and not replace:
            raise Conflict(f"{target} is there already", code="backup_exists")
        with _writable(target), tempfile.TemporaryDirectory(dir=target.parent) as name:
            for number in range(_TRIES):
                database = Path(name) / f"{number}.db"
                copied = keeper.copy(database)
                try:
                    return self._write(copied, database, blobs, target)
                except NotFound:
                    database.unlink()
        text = "a file that a record names is missing; campuscore doctor --deep tells more"
        raise Unavailable(text, code="blob_missing")

    def _write(self, copied: StoreCopy, database: Path, blobs: BlobStore, target: Path) -> Manifest:
        files = {DATABASE: database}
        if self.secret.exists():
            files[SECRET] = self.secret
        manifest = Manifest(
            format=BACKUP_FORMAT,
            version=campuscore.__version__,
            revision=copied.revision,
            made_at=self.now(),
            counts=copied.counts,
            audit=copied.audit,
            members={name: _member(path) for name, path in files.items()}
            | {member_of(blob): Member(_size(blobs, blob), blob) for blob in copied.blobs},
        )
        with _archive(target) as archive:
            text = encode(manifest)
            _add(archive, MANIFEST, len(text), io.BytesIO(text), manifest)
            for name, path in files.items():
                with path.open("rb") as source:
                    _add(archive, name, manifest.members[name].size, source, manifest)
            for blob in copied.blobs:
                member = member_of(blob)
                content = _Checked(blobs.open(blob), blob)
                _add(archive, member, manifest.members[member].size, content, manifest)
                content.check()
        return manifest


@define
class _Checked:
    """Blocks read as a file, which must have the hash that names them."""

    _blocks: Iterator[bytes]
    _name: str
    _rest: bytes = b""
    _digest: Any = field(factory=hashlib.sha256)

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        left = size
        while left:
            block = self._rest or next(self._blocks, b"")
            if not block:
                break
            taken, self._rest = block[:left], block[left:]
            parts.append(taken)
            left -= len(taken)
        data = b"".join(parts)
        self._digest.update(data)
        return data

    def check(self) -> None:
        if self._digest.hexdigest() != self._name:
            text = f"the file {self._name} is damaged; restore it from an earlier backup"
            raise Unavailable(text, code="blob_damaged")


def _add(
    archive: tarfile.TarFile, name: str, size: int, source: object, manifest: Manifest
) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    info.mtime = int(manifest.made_at.timestamp())
    archive.addfile(info, cast("IO[bytes]", source))


@contextmanager
def _archive(target: Path) -> Generator[tarfile.TarFile]:
    """Open an archive that appears under its name when it is whole and on the disk."""
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            with (
                _packed(out, target) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
            ):
                yield archive
            out.flush()
            os.fsync(out.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _packed(out: IO[bytes], target: Path) -> Generator[IO[bytes]]:
    if target.suffix not in _COMPRESSED:
        yield out
        return
    with gzip.GzipFile("", "wb", 6, out, mtime=0) as packed:
        yield cast("IO[bytes]", packed)


@contextmanager
def _writable(target: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror or error}") from error


def _member(path: Path) -> Member:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Member(path.stat().st_size, digest)


def _size(blobs: BlobStore, blob: str) -> int:
    size = blobs.size(blob)
    if size is None:
        raise NotFound(f"there is no blob {blob}", code="blob_not_found")
    return size


def open_backups(home: Path, now: Callable[[], datetime] = utc_now) -> TarBackups:
    """Return the backups of the campus in a folder."""
    return TarBackups(home / SECRET, now)

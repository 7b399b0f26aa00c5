"""Restoring a backup: everything is verified before anything is changed.

The new files go beside those that are there, which harms nobody as they are named by their content;
then the database takes its place in one step. Until that step the old campus is whole.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from campuscore.adapters.backups.archive import (
    DATABASE,
    MANIFEST,
    SECRET,
    blob_of,
    blocks,
    decode,
    refuse,
)
from campuscore.domain.operations import Level, Manifest
from campuscore.errors import Conflict, Unavailable
from campuscore.ports.files import BlobStore
from campuscore.ports.operations import StoreKeeper

__all__ = ["Place", "restore"]


@frozen(kw_only=True)
class Place:
    """Where to restore to, and how to open and to install a database there."""

    home: Path
    database: Path
    blobs: BlobStore
    open_keeper: Callable[[Path], StoreKeeper]
    install: Callable[[Path, Path], None]


def restore(source: Path, place: Place, *, replace: bool = False) -> Manifest:
    """Put a backup into an empty home, or into the place of the campus that is there.

    Raises
    ------
    Conflict
        There is a campus, or somebody uses it; or a newer release made the backup.
    Invalid
        The archive is not a whole backup.
    Unavailable
        The archive, the disk or the file store cannot be used.
    """
    if place.database.exists() and not replace:
        text = f"{place.home} has a campus; --replace puts the backup into its place"
        raise Conflict(text, code="home_not_empty")
    with _readable(source):
        manifest = _verify(source)
        for folder in (place.home, place.database.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for remains in place.database.parent.glob(".restore-*"):
            shutil.rmtree(remains)  # of one that was killed
        stage = place.database.parent / f".restore-{secrets.token_hex(4)}"
        stage.mkdir(0o700)
        try:
            _extract(source, stage)
            _ready(place, stage / DATABASE)
            _install(source, place, stage)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    if replace:
        _clear(place, manifest)
    return manifest


def _verify(source: Path) -> Manifest:
    """Read the whole archive, and return its manifest when everything is as it says."""
    manifest: Manifest | None = None
    left: set[str] = set()
    for name, content in _members(source):
        if manifest is None:
            if name != MANIFEST:
                raise refuse("it does not begin with a manifest")
            manifest = decode(b"".join(content))
            left = set(manifest.members)
            continue
        if name not in left:
            raise refuse(f"it holds {name!r}, which its manifest does not name once")
        left.remove(name)
        digest = hashlib.sha256()
        for block in content:
            digest.update(block)
        if digest.hexdigest() != manifest.members[name].sha256:
            raise refuse(f"{name} is damaged")
    if manifest is None or left:
        raise refuse("it is not whole")
    return manifest


def _members(source: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    with tarfile.open(source, "r:*") as archive:
        for info in archive:
            content = archive.extractfile(info) if info.isreg() else None
            if content is None:
                raise refuse(f"{info.name!r} is not a file")
            yield info.name, blocks(content)


def _extract(source: Path, stage: Path) -> None:
    """Write database and secret into the stage."""
    for name, content in _members(source):
        if name in {DATABASE, SECRET}:
            descriptor = os.open(stage / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.writelines(content)
                out.flush()
                os.fsync(out.fileno())


def _ready(place: Place, database: Path) -> None:
    """Migrate the staged database, and see that it is sound."""
    keeper = place.open_keeper(database)
    try:
        keeper.upgrade()
        bad = [each for each in keeper.examine() if each.level is Level.FAILURE]
    finally:
        keeper.close()
    if bad:
        raise refuse(f"its database is damaged: {bad[0].detail}")


def _install(source: Path, place: Place, stage: Path) -> None:
    added: list[str] = []
    try:
        for name, content in _members(source):
            blob = blob_of(name)
            if blob is not None and not _is_there(place.blobs, blob):
                with place.blobs.draft(content, 1 << 62) as draft:
                    draft.keep()
                added.append(blob)
        _move(place, stage)
    except BaseException:
        for blob in added:
            place.blobs.remove(blob)
        raise


def _is_there(blobs: BlobStore, blob: str) -> bool:
    """Say whether a blob is there and whole; a damaged one is removed, to be restored."""
    if blobs.size(blob) is None:
        return False
    digest = hashlib.sha256()
    for block in blobs.open(blob):
        digest.update(block)
    if digest.hexdigest() != blob:
        blobs.remove(blob)
    return digest.hexdigest() == blob


def _move(place: Place, stage: Path) -> None:
    """Put the secret and the database in place, or neither."""
    secret, new = place.home / SECRET, stage / SECRET
    old = secret.read_bytes() if secret.exists() else None
    if new.exists():
        _put(secret, new.read_bytes())
    try:
        place.install(stage / DATABASE, place.database)
    except BaseException:
        if old is not None:
            _put(secret, old)
        elif new.exists():
            secret.unlink()
        raise
    _sync(place.database.parent)


def _put(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(place: Place, manifest: Manifest) -> None:
    """Remove the files of the campus that was replaced."""
    kept = {member.sha256 for name, member in manifest.members.items() if blob_of(name)}
    for blob in list(place.blobs.names()):
        if blob not in kept:
            place.blobs.remove(blob)


@contextmanager
def _readable(source: Path) -> Generator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        first = str(error).partition("\n")[0].partition(":")[0]
        raise refuse(first or "it breaks off") from error
    except OSError as error:
        if error.errno is None:  # what gzip says of bytes that are none of its own
            raise refuse(str(error)) from error
        raise Unavailable(f"{error.filename or source}: {error.strerror}") from error

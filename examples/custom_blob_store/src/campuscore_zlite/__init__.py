"""Files of a campus, compressed, in one SQLite database; found by URLs like ``zlite:///PATH``."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from campuscore.domain.files import Blob
from campuscore.errors import Misconfigured, NotFound, TooLarge, Unavailable
from campuscore.ports.files import BlobStore
from campuscore.settings import Settings

__all__ = ["ZliteBlobs", "ZliteDraft", "blobs_of"]

BLOCK = 256 * 1024
IN_MEMORY = 1024 * 1024
SCHEME = "zlite://"

SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    sha256 TEXT NOT NULL REFERENCES blobs ON DELETE CASCADE,
    number INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (sha256, number)
) WITHOUT ROWID;
"""


class ZliteDraft:
    """Implements ``Draft``: the bytes wait in a temporary file that nobody else sees."""

    def __init__(self, store: ZliteBlobs, content: BinaryIO, blob: Blob) -> None:
        self.store = store
        self.content = content
        self.blob = blob

    def keep(self) -> None:
        self.content.seek(0)
        with self.store.transaction() as database:
            found = database.execute("SELECT 1 FROM blobs WHERE sha256 = ?", [self.blob.sha256])
            if found.fetchone():
                return
            row = [self.blob.sha256, self.blob.size]
            database.execute("INSERT INTO blobs VALUES (?, ?)", row)
            number = 0
            while data := self.content.read(BLOCK):
                row = [self.blob.sha256, number, zlib.compress(data)]
                database.execute("INSERT INTO blocks VALUES (?, ?, ?)", row)
                number += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.content.close()


class ZliteBlobs:
    """Implements ``BlobStore``.

    SQLite makes each blob whole and durable at once: its transaction ends with an fsync. Blocks are
    compressed one by one, so that a part can be read without what is before it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.connection() as database:
            database.executescript(SCHEMA)

    def draft(self, chunks: Iterable[bytes], limit: int) -> ZliteDraft:
        content = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the draft closes it
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in _limited(chunks, limit):
                size += len(chunk)
                digest.update(chunk)
                content.write(chunk)
            content.seek(0)
        except BaseException:
            content.close()
            raise
        return ZliteDraft(self, content, Blob(digest.hexdigest(), size))

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        size = self.size(sha256)
        if size is None:
            raise NotFound(f"there is no blob {sha256}", code="blob_not_found")
        end = size if length is None else min(start + length, size)
        return self._read(sha256, start, end)

    def size(self, sha256: str) -> int | None:
        with self.connection() as database:
            found = database.execute("SELECT size FROM blobs WHERE sha256 = ?", [sha256]).fetchone()
        return None if found is None else int(found[0])

    def address(self, sha256: str, filename: str, media_type: str) -> str | None:  # noqa: ARG002
        return None

    def remove(self, sha256: str) -> None:
        with self.transaction() as database:
            database.execute("DELETE FROM blobs WHERE sha256 = ?", [sha256])

    def names(self) -> Iterator[str]:
        with self.connection() as database:
            rows = database.execute("SELECT sha256 FROM blobs").fetchall()
        return (row[0] for row in rows)

    def tidy(self) -> int:
        # A writer that died has left a transaction, which SQLite itself rolls back.
        return 0

    @contextmanager
    def connection(self) -> Generator[sqlite3.Connection]:
        """Open a connection; what SQLite raises becomes the port's word for it."""
        try:
            with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as database:
                database.execute("PRAGMA foreign_keys = ON")
                database.execute("PRAGMA synchronous = EXTRA")
                yield database
        except sqlite3.Error as error:
            raise Unavailable(f"{self.path}: {error}") from error

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Write all of the block, or nothing where it raises."""
        with self.connection() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    def _read(self, sha256: str, start: int, end: int) -> Iterator[bytes]:
        for number in range(start // BLOCK, -(-end // BLOCK)):
            with self.connection() as database:
                found = database.execute(
                    "SELECT data FROM blocks WHERE sha256 = ? AND number = ?", [sha256, number]
                ).fetchone()
            if found is None:
                raise Unavailable(f"blob {sha256} was removed while it was read")
            first = number * BLOCK
            part = zlib.decompress(found[0])[max(start - first, 0) : end - first]
            if part:
                yield part


def _limited(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise TooLarge(f"the file has more than {limit} bytes")
        yield chunk


def blobs_of(settings: Settings) -> BlobStore:
    """Open the store that ``blob_url`` names; the entry point in pyproject.toml leads here."""
    path = settings.blob_url.removeprefix(f"{SCHEME}/")
    if path in {"", settings.blob_url}:
        raise Misconfigured("blob_url: must be zlite:///PATH")
    return ZliteBlobs(settings.folder / path)

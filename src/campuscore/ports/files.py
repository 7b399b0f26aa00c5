"""The port of the blob store: bytes named by their SHA-256."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from campuscore.domain.files import Blob

__all__ = ["BlobStore"]


class BlobStore(Protocol):
    """Content-addressed bytes. What ``put`` returned survives a power cut."""

    def put(self, chunks: Iterable[bytes], limit: int) -> Blob:
        """Store bytes as they stream in, in constant memory; the same bytes twice are one blob.

        A stream that breaks or is too long leaves nothing behind.

        Raises
        ------
        TooLarge
            More than ``limit`` bytes came.
        """
        ...

    def open(self, sha256: str) -> Iterator[bytes]:
        """Return the bytes in blocks of at most 256 KiB.

        Raises
        ------
        NotFound
            There is no such blob.
        """
        ...

    def size(self, sha256: str) -> int | None:
        """Return the number of bytes, or None where there is no such blob."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove a blob; nothing happens where there is none."""
        ...

    def names(self) -> Iterator[str]:
        """Yield the SHA-256 of every blob, in no order."""
        ...

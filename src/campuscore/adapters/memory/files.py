"""Blobs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from types import TracebackType
from typing import BinaryIO, Self

from attrs import define, field, frozen

from campuscore.domain.files import Blob
from campuscore.errors import NotFound, TooLarge
from campuscore.settings import Settings

__all__ = ["MemoryBlobs", "MemoryDraft", "blobs_of", "open_blobs"]

_BLOCK = 256 * 1024


@frozen
class MemoryDraft:
    """Implements ``Draft``."""

    _blobs: dict[str, bytes]
    content: BinaryIO
    blob: Blob

    def keep(self) -> None:
        self.content.seek(0)
        self._blobs[self.blob.sha256] = self.content.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop nothing: the bytes go with the draft."""


@define(eq=False)
class MemoryBlobs:
    """Implements ``BlobStore``."""

    _blobs: dict[str, bytes] = field(factory=dict[str, bytes], init=False)

    def draft(self, chunks: Iterable[bytes], limit: int) -> MemoryDraft:
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > limit:
                raise TooLarge(f"the file has more than {limit} bytes")
        blob = Blob(hashlib.sha256(data).hexdigest(), len(data))
        return MemoryDraft(self._blobs, BytesIO(data), blob)

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        data = self._blobs.get(sha256)
        if data is None:
            raise NotFound(f"there is no blob {sha256}", code="blob_not_found")
        end = len(data) if length is None else min(start + length, len(data))
        return (data[at : min(at + _BLOCK, end)] for at in range(start, end, _BLOCK))

    def size(self, sha256: str) -> int | None:
        data = self._blobs.get(sha256)
        return None if data is None else len(data)

    def address(self, sha256: str, filename: str, media_type: str) -> str | None:  # noqa: ARG002 - the port's
        return None

    def remove(self, sha256: str) -> None:
        self._blobs.pop(sha256, None)

    def names(self) -> Iterator[str]:
        return iter(list(self._blobs))

    def tidy(self) -> int:
        return 0


def open_blobs() -> MemoryBlobs:
    """Return an empty blob store."""
    return MemoryBlobs()


def blobs_of(settings: Settings) -> MemoryBlobs:  # noqa: ARG001 - the form of every factory
    """Return an empty blob store for the URL ``memory://``."""
    return open_blobs()

"""Blobs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from attrs import define, field

from campuscore.domain.files import Blob
from campuscore.errors import NotFound, TooLarge

__all__ = ["MemoryBlobs", "open_blobs"]

_BLOCK = 256 * 1024


@define(eq=False)
class MemoryBlobs:
    """The port ``BlobStore``."""

    _blobs: dict[str, bytes] = field(factory=dict[str, bytes], init=False)

    def put(self, chunks: Iterable[bytes], limit: int) -> Blob:
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > limit:
                raise TooLarge(f"the file has more than {limit} bytes")
        name = hashlib.sha256(data).hexdigest()
        self._blobs[name] = bytes(data)
        return Blob(name, len(data))

    def open(self, sha256: str) -> Iterator[bytes]:
        data = self._blobs.get(sha256)
        if data is None:
            raise NotFound(f"there is no blob {sha256}", code="blob_not_found")
        return (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))

    def size(self, sha256: str) -> int | None:
        data = self._blobs.get(sha256)
        return None if data is None else len(data)

    def remove(self, sha256: str) -> None:
        self._blobs.pop(sha256, None)

    def names(self) -> Iterator[str]:
        return iter(list(self._blobs))


def open_blobs() -> MemoryBlobs:
    """Return an empty blob store."""
    return MemoryBlobs()

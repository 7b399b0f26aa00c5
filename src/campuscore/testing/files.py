"""The contract of the blob store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from campuscore.domain.files import Blob
from campuscore.errors import NotFound, TooLarge
from campuscore.ports.files import BlobStore
from campuscore.testing.contract import Contract

__all__ = ["BlobStoreContract"]

_BLOCK = 256 * 1024
_ABSENT = hashlib.sha256(b"absent").hexdigest()


class BlobStoreContract(Contract):
    """What ``BlobStore`` promises. The fixture ``blobs`` is an empty BlobStore."""

    @pytest.mark.parametrize("size", [0, 1, _BLOCK - 1, _BLOCK, _BLOCK + 1, 3 * _BLOCK])
    def test_bytes_come_back_under_their_digest(self, blobs: BlobStore, size: int) -> None:
        data = bytes(i * 31 % 251 for i in range(size))
        blob = blobs.put(_chunks(data, 40_000), size)
        assert blob == Blob(hashlib.sha256(data).hexdigest(), size)
        blocks = list(blobs.open(blob.sha256))
        assert b"".join(blocks) == data
        assert all(0 < len(block) <= _BLOCK for block in blocks)
        assert blobs.size(blob.sha256) == size
        assert list(blobs.names()) == [blob.sha256]

    def test_the_same_bytes_twice_are_one_blob(self, blobs: BlobStore) -> None:
        first, second = blobs.put([b"twi", b"ce"], 10), blobs.put([b"", b"twice"], 10)
        assert first == second
        assert list(blobs.names()) == [first.sha256]

    def test_too_long_a_stream_leaves_nothing(self, blobs: BlobStore) -> None:
        with pytest.raises(TooLarge):
            blobs.put([b"123", b"456"], 5)
        assert list(blobs.names()) == []
        assert blobs.put([b"123", b"45"], 5).size == 5

    def test_too_long_a_stream_is_not_read_to_its_end(self, blobs: BlobStore) -> None:
        def endless() -> Iterator[bytes]:
            while True:
                yield b"x" * 1000

        with pytest.raises(TooLarge):
            blobs.put(endless(), 10_000)

    def test_a_stream_that_breaks_leaves_nothing(self, blobs: BlobStore) -> None:
        def broken() -> Iterator[bytes]:
            yield b"begin"
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            blobs.put(broken(), 100)
        assert list(blobs.names()) == []

    @pytest.mark.parametrize("name", [_ABSENT, "", "..", "../../etc/passwd", _ABSENT.upper(), "\0"])
    def test_what_is_not_there_is_not_found(self, blobs: BlobStore, name: str) -> None:
        blobs.put([b"absent"], 10)
        blobs.remove(_ABSENT)
        with pytest.raises(NotFound) as caught:
            blobs.open(name)
        assert caught.value.code == "blob_not_found"
        assert blobs.size(name) is None
        blobs.remove(name)

    def test_removed_blob_is_gone_and_others_stay(self, blobs: BlobStore) -> None:
        gone, kept = blobs.put([b"gone"], 10), blobs.put([b"kept"], 10)
        blobs.remove(gone.sha256)
        assert blobs.size(gone.sha256) is None
        assert list(blobs.names()) == [kept.sha256]
        assert blobs.put([b"gone"], 10) == gone
        assert b"".join(blobs.open(gone.sha256)) == b"gone"

    def test_threads_may_put_the_same_bytes_at_once(self, blobs: BlobStore) -> None:
        self.need("concurrent_writers")
        limits = [1 << 20] * 12

        def put(limit: int) -> Blob:
            return blobs.put([b"x" * 1000] * 100, limit)

        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(put, limits))
        assert len(found) == 1
        assert list(blobs.names()) == [blob.sha256 for blob in found]


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))

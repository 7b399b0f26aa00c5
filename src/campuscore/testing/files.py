"""The contract of the blob store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import pytest

from campuscore.domain.files import Blob
from campuscore.errors import NotFound, TooLarge
from campuscore.ports.files import BlobStore
from campuscore.testing.contract import Contract

__all__ = ["BlobStoreContract", "put"]

_BLOCK = 256 * 1024
_LONGEST_BLOCK = 1 << 20
_ABSENT = hashlib.sha256(b"absent").hexdigest()


def put(blobs: BlobStore, chunks: Iterable[bytes], limit: int = 1 << 20) -> Blob:
    """Take bytes in and keep them."""
    with blobs.draft(chunks, limit) as draft:
        draft.keep()
        return draft.blob


class BlobStoreContract(Contract):
    """What ``BlobStore`` promises. The fixture ``blobs`` is an empty BlobStore."""

    @pytest.mark.parametrize("size", [0, 1, _BLOCK - 1, _BLOCK, _BLOCK + 1, 3 * _BLOCK])
    def test_bytes_come_back_under_their_digest(self, blobs: BlobStore, size: int) -> None:
        data = bytes(i * 31 % 251 for i in range(size))
        blob = put(blobs, _chunks(data, 40_000), size)
        assert blob == Blob(hashlib.sha256(data).hexdigest(), size)
        blocks = list(blobs.open(blob.sha256))
        assert b"".join(blocks) == data
        assert all(0 < len(block) <= _LONGEST_BLOCK for block in blocks)
        assert blobs.size(blob.sha256) == size
        assert list(blobs.names()) == [blob.sha256]

    @pytest.mark.parametrize("start", [0, 1, _BLOCK - 1, _BLOCK, 2 * _BLOCK, 2 * _BLOCK + 1])
    @pytest.mark.parametrize("length", [None, 0, 1, _BLOCK, 1 << 40])
    def test_a_part_is_read_without_the_rest(
        self, blobs: BlobStore, start: int, length: int | None
    ) -> None:
        data = bytes(i * 31 % 251 for i in range(2 * _BLOCK + 1))
        blob = put(blobs, [data])
        end = None if length is None else start + length
        assert b"".join(blobs.open(blob.sha256, start, length)) == data[start:end]

    def test_a_draft_can_be_read_and_is_in_no_list(self, blobs: BlobStore) -> None:
        with blobs.draft([b"dra", b"ft"], 10) as draft:
            draft.content.seek(3)
            assert draft.content.read() == b"ft"
            draft.content.seek(0)
            assert draft.content.read(3) == b"dra"
            assert list(blobs.names()) == []
            assert blobs.size(draft.blob.sha256) is None
            draft.keep()
            assert list(blobs.names()) == [draft.blob.sha256]
        assert b"".join(blobs.open(draft.blob.sha256)) == b"draft"

    def test_a_draft_that_is_not_kept_is_gone(self, blobs: BlobStore) -> None:
        with blobs.draft([b"draft"], 10) as draft:
            name = draft.blob.sha256
        assert blobs.size(name) is None
        assert list(blobs.names()) == []
        assert blobs.tidy() == 0

    def test_a_draft_of_what_is_there_harms_nothing(self, blobs: BlobStore) -> None:
        blob = put(blobs, [b"same"])
        with blobs.draft([b"sa", b"me"], 10) as draft:
            assert draft.blob == blob
        assert b"".join(blobs.open(blob.sha256)) == b"same"

    def test_a_living_draft_is_not_tidied_away(self, blobs: BlobStore) -> None:
        with blobs.draft([b"alive"], 10) as draft:
            assert blobs.tidy() == 0
            draft.keep()
        assert b"".join(blobs.open(draft.blob.sha256)) == b"alive"

    def test_nothing_that_is_not_there_has_an_address(self, blobs: BlobStore) -> None:
        assert blobs.address(_ABSENT, "a.whl", "application/zip") is None

    def test_clients_can_fetch_a_blob_exactly_where_that_is_declared(
        self, blobs: BlobStore
    ) -> None:
        blob = put(blobs, [b"fetched"])
        address = blobs.address(blob.sha256, 'Spi\u0161ek "1".csv', "text/csv")
        assert (address is not None) == self.addresses
        if address is not None:
            content, media_type, named = _fetched(address)
            assert (content, media_type) == (b"fetched", "text/csv")
            assert named.startswith('attachment; filename="Spi_ek _1_.csv"; ')
            assert named.endswith("filename*=UTF-8''Spi%C5%A1ek%20%221%22.csv")

    def test_two_drafts_of_the_same_bytes_are_one_blob(self, blobs: BlobStore) -> None:
        with blobs.draft([b"same"], 10) as first, blobs.draft([b"same"], 10) as second:
            first.keep()
            assert second.content.read() == b"same"
            second.keep()
        assert list(blobs.names()) == [first.blob.sha256]
        assert b"".join(blobs.open(first.blob.sha256)) == b"same"

    def test_a_draft_is_kept_from_its_beginning_wherever_it_was_read_to(
        self, blobs: BlobStore
    ) -> None:
        with blobs.draft([b"header", b"body"], 20) as draft:
            assert draft.content.read(6) == b"header"
            draft.keep()
        assert b"".join(blobs.open(draft.blob.sha256)) == b"headerbody"

    def test_a_draft_whose_block_fails_is_gone(self, blobs: BlobStore) -> None:
        with pytest.raises(ZeroDivisionError), blobs.draft([b"never"], 10) as draft:
            raise ZeroDivisionError
        assert blobs.size(draft.blob.sha256) is None

    def test_reading_can_end_early_and_begin_again(self, blobs: BlobStore) -> None:
        data = bytes(i * 31 % 251 for i in range(3 * _BLOCK))
        name = put(blobs, [data]).sha256
        for _ in range(40):
            assert data.startswith(next(blobs.open(name)))
        first, second = blobs.open(name), blobs.open(name, 1)
        begun = next(first)
        assert b"".join(second) == data[1:]
        assert begun + b"".join(first) == data

    def test_the_same_bytes_twice_are_one_blob(self, blobs: BlobStore) -> None:
        first, second = put(blobs, [b"twi", b"ce"], 10), put(blobs, [b"", b"twice"], 10)
        assert first == second
        assert list(blobs.names()) == [first.sha256]

    def test_too_long_a_stream_leaves_nothing(self, blobs: BlobStore) -> None:
        with pytest.raises(TooLarge):
            put(blobs, [b"123", b"456"], 5)
        assert list(blobs.names()) == []
        assert put(blobs, [b"123", b"45"], 5).size == 5

    def test_too_long_a_stream_is_not_read_to_its_end(self, blobs: BlobStore) -> None:
        def endless() -> Iterator[bytes]:
            while True:
                yield b"x" * 1000

        with pytest.raises(TooLarge):
            put(blobs, endless(), 10_000)

    def test_a_stream_that_breaks_leaves_nothing(self, blobs: BlobStore) -> None:
        def broken() -> Iterator[bytes]:
            yield b"begin"
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            put(blobs, broken(), 100)
        assert list(blobs.names()) == []

    @pytest.mark.parametrize("name", [_ABSENT, "", "..", "../../etc/passwd", _ABSENT.upper(), "\0"])
    def test_what_is_not_there_is_not_found(self, blobs: BlobStore, name: str) -> None:
        put(blobs, [b"absent"], 10)
        blobs.remove(_ABSENT)
        with pytest.raises(NotFound) as caught:
            blobs.open(name)
        assert caught.value.code == "blob_not_found"
        assert blobs.size(name) is None
        blobs.remove(name)

    def test_removed_blob_is_gone_and_others_stay(self, blobs: BlobStore) -> None:
        gone, kept = put(blobs, [b"gone"], 10), put(blobs, [b"kept"], 10)
        blobs.remove(gone.sha256)
        assert blobs.size(gone.sha256) is None
        assert list(blobs.names()) == [kept.sha256]
        assert put(blobs, [b"gone"], 10) == gone
        assert b"".join(blobs.open(gone.sha256)) == b"gone"

    def test_threads_may_put_the_same_bytes_at_once(self, blobs: BlobStore) -> None:
        self.need("concurrent_writers")
        limits = [1 << 20] * 12

        def put_one(limit: int) -> Blob:
            return put(blobs, [b"x" * 1000] * 100, limit)

        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(put_one, limits))
        assert len(found) == 1
        assert list(blobs.names()) == [blob.sha256 for blob in found]


def _fetched(address: str) -> tuple[bytes, str, str]:
    with urlopen(address, timeout=30) as answer:  # noqa: S310 - the adapter under test made it
        headers = answer.headers
        return answer.read(), headers["Content-Type"], headers["Content-Disposition"]


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))

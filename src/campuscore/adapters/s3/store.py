"""The store: objects are put once, read in ranges, and never changed."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast

import obstore
from attrs import field, frozen
from obstore.exceptions import GenericError

from campuscore.adapters.s3.address import sign
from campuscore.adapters.s3.bucket import Bucket, key_of
from campuscore.adapters.s3.draft import DRAFTS, PART, S3Draft, read_in
from campuscore.adapters.s3.errors import bucket_is_missing, not_found, reachable
from campuscore.domain.files import disposition
from campuscore.settings import Secret

if TYPE_CHECKING:
    from obstore import GetOptions

__all__ = ["S3Blobs"]

_BLOCK = 256 * 1024
_LONGEST_BLOCK = 1024 * 1024
_PAGE = 1000
_NAME = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")


@frozen
class S3Blobs:
    """Implements ``BlobStore``.

    ``secret`` is the key that signs addresses, where it was given to us; ``folder`` is where drafts
    wait, by default the system's.
    """

    _bucket: Bucket
    secret: Secret = field(default=Secret(), kw_only=True)
    redirects: bool = field(default=False, kw_only=True)
    folder: Path | None = field(default=None, kw_only=True)
    part: int = field(default=PART, kw_only=True)

    def draft(self, chunks: Iterable[bytes], limit: int) -> S3Draft:
        with reachable(DRAFTS):
            content = cast("BinaryIO", TemporaryFile(dir=self.folder))  # noqa: SIM115 - the draft closes it
        try:
            blob = read_in(content, chunks, limit)
        except BaseException:
            with suppress(
                OSError
            ):  # a full disk is full once more when what was buffered is written
                content.close()
            raise
        return S3Draft(self._bucket, content, blob, part=self.part)

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if not _NAME.fullmatch(sha256):
            raise not_found()
        blocks = self._blocks(sha256, start, length)
        # The first step asks for the object and yields nothing of it: a missing blob is told by
        # this call, and closing a generator that has started gives back the connection.
        next(blocks)
        return blocks

    def size(self, sha256: str) -> int | None:
        return self._bucket.size(sha256) if _NAME.fullmatch(sha256) else None

    def address(self, sha256: str, filename: str, media_type: str) -> str | None:
        if not self.redirects or self.size(sha256) is None:
            return None
        answer = {
            "response-content-disposition": disposition(filename),
            "response-content-type": media_type,
        }
        with reachable():
            return sign(self._bucket.reader, key_of(sha256), self.secret, answer)

    def remove(self, sha256: str) -> None:
        if not _NAME.fullmatch(sha256):
            return
        with reachable():
            try:
                obstore.delete(self._bucket.reader, key_of(sha256))
            except FileNotFoundError as error:
                if bucket_is_missing(error):
                    raise

    def names(self) -> Iterator[str]:
        with reachable():
            # pyright: ignore - its other form returns tables of a library that is optional
            pages = obstore.list(self._bucket.reader, chunk_size=_PAGE)  # pyright: ignore[reportUnknownMemberType]
        while True:
            with reachable():
                page = next(pages, None)
            if page is None:
                return
            keys = (item["path"] for item in page)
            yield from (key.replace("/", "") for key in keys if _KEY.fullmatch(key))

    def tidy(self) -> int:
        # Drafts have no names, and uploads in parts that nobody will complete cannot be listed with
        # obstore: a rule of the bucket removes those (docs/how-to/deploy-with-serve.md).
        return 0

    def _blocks(self, sha256: str, start: int, length: int | None) -> Generator[bytes]:
        stream = self._stream(sha256, start, length)
        yield b""
        while True:
            with reachable():
                chunk = next(stream, None)
            if chunk is None:
                return
            for at in range(0, len(chunk), _LONGEST_BLOCK):
                yield bytes(chunk[at : at + _LONGEST_BLOCK])

    def _stream(self, sha256: str, start: int, length: int | None) -> Iterator[bytes]:
        if length == 0:
            return self._nothing(sha256)
        wanted = _range(start, length)
        with reachable():
            try:
                got = obstore.get(self._bucket.reader, key_of(sha256), options=wanted)
            except FileNotFoundError as error:
                if bucket_is_missing(error):
                    raise
                raise not_found() from error
            except GenericError:
                # S3 answers 416 to a range that holds nothing, and obstore has no error for it.
                if wanted and start >= (self._bucket.size(sha256) or 0):
                    return self._nothing(sha256)
                raise
        return iter(got.stream(min_chunk_size=_BLOCK))

    def _nothing(self, sha256: str) -> Iterator[bytes]:
        if self._bucket.size(sha256) is None:
            raise not_found()
        return iter(())


def _range(start: int, length: int | None) -> GetOptions | None:
    if length is not None:
        return {"range": (start, start + length)}
    return {"range": {"offset": start}} if start else None

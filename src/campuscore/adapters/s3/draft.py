"""Bytes on their way into the bucket: first an unnamed local file, then one object."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from types import TracebackType
from typing import BinaryIO, Self

import obstore
from attrs import define, field
from obstore.exceptions import AlreadyExistsError

from campuscore.adapters.s3.bucket import Bucket, key_of
from campuscore.adapters.s3.errors import reachable
from campuscore.domain.files import Blob
from campuscore.errors import TooLarge

__all__ = ["DRAFTS", "PART", "S3Draft", "read_in"]

PART = 8 * 1024 * 1024
"""Up to so many bytes are one request; more are sent in parts of this size."""

DRAFTS = "The folder of drafts"
_AT_ONCE = 2
_MOST_PARTS = 9_000  # S3 takes 10,000
# Whoever fetches an object by its bare address gets a download, and never a page to run.
_ATTRIBUTES = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}


@define(eq=False)
class S3Draft:
    """Implements ``Draft``: the file has no name, so that it is gone even when we are killed."""

    _bucket: Bucket
    content: BinaryIO
    blob: Blob
    part: int = field(default=PART, kw_only=True)

    def keep(self) -> None:
        found = self._bucket.size(self.blob.sha256)
        if found is None and self.blob.size <= self.part:
            found = self._create()
        if found != self.blob.size:
            self._send()

    def _create(self) -> int | None:
        """Send the bytes unless somebody was first, and return how many there are then."""
        self.content.seek(0)
        with reachable():
            try:
                obstore.put(
                    self._bucket.writer,
                    key_of(self.blob.sha256),
                    self.content,
                    mode="create",
                    use_multipart=False,
                    attributes=_ATTRIBUTES,
                )
            except AlreadyExistsError:
                # Also said while another writer is not done yet, who may still fail.
                return self._bucket.size(self.blob.sha256)
        return self.blob.size

    def _send(self) -> None:
        self.content.seek(0)
        with reachable():
            obstore.put(
                self._bucket.writer,
                key_of(self.blob.sha256),
                self.content,
                mode="overwrite",
                use_multipart=self.blob.size > self.part,
                chunk_size=max(self.part, -(-self.blob.size // _MOST_PARTS)),
                max_concurrency=_AT_ONCE,
                attributes=_ATTRIBUTES,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.content.close()


def read_in(content: BinaryIO, chunks: Iterable[bytes], limit: int) -> Blob:
    """Write chunks into a file as they come, and return their name and size."""
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"More than {limit} bytes came.")
        digest.update(chunk)
        with reachable(DRAFTS):
            content.write(chunk)
    with reachable(DRAFTS):
        content.seek(0)
    return Blob(digest.hexdigest(), size)

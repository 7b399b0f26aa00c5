"""A place in a bucket, and where in it a blob lies."""

from __future__ import annotations

import obstore
from attrs import frozen
from obstore.store import S3Store

from campuscore.adapters.s3.errors import reachable

__all__ = ["Bucket", "key_of"]


@frozen
class Bucket:
    """Two clients of one place, because the limit to silence runs on while bytes are sent.

    What is sent over a slow line takes longer than anything that is asked.
    """

    reader: S3Store
    writer: S3Store

    def size(self, sha256: str) -> int | None:
        with reachable():
            try:
                return obstore.head(self.reader, key_of(sha256))["size"]
            except FileNotFoundError:
                return None


def key_of(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:]}"

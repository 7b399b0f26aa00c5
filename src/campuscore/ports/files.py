"""The ports of the blob store, bytes named by their SHA-256, and of the claims on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from campuscore.domain.files import Blob

__all__ = ["BlobClaims", "BlobStore", "Draft"]


class Draft(Protocol):
    """Bytes that came in whole and are not in the store yet.

    Leaving the ``with`` block drops what was not kept, and nothing of it stays anywhere.
    """

    @property
    def blob(self) -> Blob:
        """The name and the size that the bytes have."""
        ...

    @property
    def content(self) -> BinaryIO:
        """The bytes, to be read and sought in until they are kept or dropped."""
        ...

    def keep(self) -> None:
        """Put the bytes into the store, at once whole and durable; the same bytes stay one blob."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class BlobStore(Protocol):
    """Content-addressed bytes. What was kept survives a power cut."""

    def draft(self, chunks: Iterable[bytes], limit: int) -> Draft:
        """Take bytes in as they stream, in constant memory, without putting them into the store.

        A stream that breaks or is too long leaves nothing behind.

        Raises
        ------
        TooLarge
            More than ``limit`` bytes came.
        """
        ...

    def open(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return bytes in blocks of at most 1 MiB.

        Parameters
        ----------
        sha256
            The blob's name.
        start
            How many bytes to leave out, at most as many as there are.
        length
            How many bytes to return at the most; None for all that follow.

        Raises
        ------
        NotFound
            There is no such blob.
        """
        ...

    def size(self, sha256: str) -> int | None:
        """Return the number of bytes, or None where there is no such blob."""
        ...

    def address(self, sha256: str, filename: str, media_type: str) -> str | None:
        """Return where clients can fetch the blob themselves for some minutes, signed.

        None where the store cannot be reached by clients, or there is no such blob.
        """
        ...

    def remove(self, sha256: str) -> None:
        """Remove a blob; nothing happens where there is none."""
        ...

    def names(self) -> Iterator[str]:
        """Yield the SHA-256 of every blob, in no order."""
        ...

    def tidy(self) -> int:
        """Remove what writers that have died left half done, and return how much that was."""
        ...


class BlobClaims(Protocol):
    """Which blobs are on their way in or out, so that none is lost to a record, and none orphaned.

    A blob is put into the store only under a running claim, and removed only where ``is_used`` said
    no in the same Work. Works that claim or ask for the same name wait for one another.
    """

    def add(self, sha256: str, until: datetime) -> int:
        """Claim a blob until an instant, and return the id of the claim."""
        ...

    def remove(self, claim_id: int) -> bool:
        """Give a claim back; say whether it was still there."""
        ...

    def is_used(self, sha256: str, at: datetime) -> bool:
        """Say whether a record names the blob, or a claim on it runs beyond an instant."""
        ...

    def named(self, after: str, limit: int) -> list[str]:
        """Return the names of blobs that records name, in order, those above ``after``."""
        ...

    def ended(self, at: datetime, limit: int) -> list[str]:
        """Return the names of blobs whose claims ended by an instant, longest ended first."""
        ...

    def forget(self, sha256: str, at: datetime) -> None:
        """Remove the claims on a blob that ended by an instant."""
        ...

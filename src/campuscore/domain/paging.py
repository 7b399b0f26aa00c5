"""Keyset paging: a page of rows, and an opaque cursor that says where the next begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from attrs import frozen

from campuscore.errors import Invalid

__all__ = ["MAX_LIMIT", "Page", "PageRequest", "Slice", "cut_page"]

T = TypeVar("T")

MAX_LIMIT = 1000
"""The most rows a client may ask for in one page."""


@frozen
class Slice:
    """What a repository reads: at most ``limit`` rows that come after the key."""

    limit: int
    after: tuple[int, ...] | None = None


@frozen
class PageRequest:
    """What a caller asks for: how many rows (None for the list's own default) and from where."""

    limit: int | None = None
    cursor: str | None = None

    def slice(self, *, default: int, width: int) -> Slice:
        """Return the slice to read, one row longer than the page.

        Parameters
        ----------
        default
            Rows in a page when the caller named no limit.
        width
            How many numbers the list's key has.

        Raises
        ------
        Invalid
            The limit is out of range, or the cursor is not one that this list gave.
        """
        if self.limit is not None and not 1 <= self.limit <= MAX_LIMIT:
            raise Invalid.at("/limit", f"must be from 1 to {MAX_LIMIT}")
        after = None if self.cursor is None else _decode(self.cursor, width)
        return Slice((self.limit or default) + 1, after)


@frozen
class Page(Generic[T]):
    """Rows, and the cursor of the next page or None at the end."""

    items: list[T]
    next: str | None = None


def cut_page(rows: Sequence[T], part: Slice, key: Callable[[T], tuple[int, ...]]) -> Page[T]:
    """Cut the one row too many that tells whether there is a next page."""
    if len(rows) < part.limit:
        return Page(list(rows))
    kept = list(rows[: part.limit - 1])
    return Page(kept, _encode(key(kept[-1])))


def _encode(key: tuple[int, ...]) -> str:
    text = ".".join(str(part) for part in key)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, width: int) -> tuple[int, ...]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        key = tuple(int(part) for part in text.split("."))
    except (ValueError, binascii.Error) as error:
        raise Invalid.at("/cursor", "is not a cursor of this list") from error
    if len(key) != width or any(abs(part) >= 1 << 63 for part in key):
        raise Invalid.at("/cursor", "is not a cursor of this list")
    return key

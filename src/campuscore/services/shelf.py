"""A shelf for answers about days that are over, which stay the same until the past is revised."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable

from attrs import define, field, frozen

__all__ = ["LARGEST", "Kept", "Shelf"]

LARGEST = 4 * 1024 * 1024
"""The longest answer that is kept, in bytes."""

_ROOM = 32 * 1024 * 1024


@frozen
class Kept:
    """An answer in bytes, with a strong validator (RFC 9110, section 8.8.3)."""

    body: bytes
    tag: str


@define
class Shelf:
    """The answers that were asked for last, up to 32 MiB of them, for all threads of a process."""

    _rows: OrderedDict[Hashable, tuple[int, Kept]] = field(
        init=False, factory=OrderedDict[Hashable, tuple[int, Kept]]
    )
    _size: int = field(init=False, default=0)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def find(self, key: Hashable, revision: int) -> Kept | None:
        """Return what is kept under the key, if it was made at this revision."""
        with self._lock:
            found = self._rows.get(key)
            if found is None or found[0] != revision:
                return None
            self._rows.move_to_end(key)
            return found[1]

    def keep(self, key: Hashable, revision: int, body: bytes) -> Kept:
        """Keep an answer, in place of the oldest ones, and return it with its validator."""
        kept = Kept(body, hashlib.sha256(body).hexdigest()[:32])
        if len(body) <= LARGEST:
            with self._lock:
                self._drop(key)
                self._rows[key] = (revision, kept)
                self._size += len(body)
                while self._size > _ROOM:
                    self._drop(next(iter(self._rows)))
        return kept

    def _drop(self, key: Hashable) -> None:
        old = self._rows.pop(key, None)
        if old is not None:
            self._size -= len(old[1].body)

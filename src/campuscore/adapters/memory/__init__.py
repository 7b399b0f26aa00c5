"""The reference implementation of every port, in memory: for tests, documentation, a first try."""

from __future__ import annotations

from campuscore.adapters.memory.files import MemoryBlobs, blobs_of, open_blobs
from campuscore.adapters.memory.passwords import MemoryBreachedPasswords, open_breached
from campuscore.adapters.memory.work import MemoryStore, MemoryWork, open_store, store_of

__all__ = [
    "MemoryBlobs",
    "MemoryBreachedPasswords",
    "MemoryStore",
    "MemoryWork",
    "blobs_of",
    "open_blobs",
    "open_breached",
    "open_store",
    "store_of",
]

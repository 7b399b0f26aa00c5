"""Blobs: bytes that are named by their content."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Blob"]


@frozen
class Blob:
    """Stored bytes: their SHA-256 in lower-case hexadecimal, and their number."""

    sha256: str
    size: int

"""Blobs: bytes that are named by their content."""

from __future__ import annotations

from urllib.parse import quote

from attrs import frozen

__all__ = ["Blob", "disposition"]


@frozen
class Blob:
    """Stored bytes: their SHA-256 in lower-case hexadecimal, and their number."""

    sha256: str
    size: int


def disposition(filename: str) -> str:
    """Name a download for every client (RFC 6266, RFC 8187)."""
    plain = "".join(ch if " " <= ch <= "~" and ch not in '"\\' else "_" for ch in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"

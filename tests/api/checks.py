"""Checks of answers: no text of the far side is in them that the caller may not know."""

from __future__ import annotations

import io
import re
import zipfile
from urllib.parse import unquote_to_bytes

import schemathesis

from .sides import FAR, FAR_BEGIN, FAR_MICROSECOND, KINDS

__all__ = ["KEPT", "said_of"]

_TEXTS = (
    rf"{FAR}[-_](?P<kind>\w+?)[-_]\d+",
    rf"{FAR_BEGIN}",  # of memberships, and the moments of check-ins: rows that have no other text
    rf"\.{FAR_MICROSECOND}Z",
)
_TEXT = re.compile("|".join(_TEXTS).encode())


def said_of(kind: str, asked: bytes, answered: bytes) -> set[bytes]:
    """Return the texts of a kind in an answer, without those that are repeated from the request."""
    told = {found[0]: found["kind"] or b"own" for found in _TEXT.finditer(_unpacked(answered))}
    repeated = {found[0] for found in _TEXT.finditer(unquote_to_bytes(asked))}
    return {text for text, its in told.items() if its == kind.encode()} - repeated


def _unpacked(data: bytes) -> bytes:
    """Return the bytes with what is packed in them: sheets are ZIP archives."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = (name.encode() + b"\n" + archive.read(name) for name in archive.namelist())
            return b"\n".join([data, *members])
    return data


def _keeping(kind: str) -> schemathesis.CheckFunction:
    """Register the check that texts of a kind are not told."""

    def check(ctx, response, case) -> None:
        request = response.request
        sent = request.body or b""
        asked = f"{request.url}\n".encode() + (sent.encode() if isinstance(sent, str) else sent)
        headers = "\n".join(f"{n}: {v}" for n, vs in response.headers.items() for v in vs).encode()
        told = said_of(kind, asked, response.content) | said_of(kind, asked, headers)
        assert not told, f"{case.operation.label} tells {sorted(told)}"

    check.__name__ = f"keeps_what_is_of_the_{kind}"
    return schemathesis.check(check)


KEPT = {kind: _keeping(kind) for kind in KINDS}
"""The checks, by kind of text."""

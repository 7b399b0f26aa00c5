"""Signed texts (JWS compact serialization, RFC 7515), as strictly as they can be read.

The header of every text is known before it comes. Comparing it as text leaves nothing of it to
be believed: no algorithm to choose, no key to fetch, and no JSON of a stranger to parse before the
signature is known to be ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import jwt
from attrs import field, frozen

from campuscore.adapters.tokens.material import Material, base64url, unbase64url

__all__ = ["LONGEST", "Signer", "Verifier", "header_text"]

LONGEST: Final = 4096
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+")


def header_text(algorithm: str, **members: str) -> str:
    """Return the one way in which we write a header, as it stands in a token."""
    header = {"alg": str(algorithm), **members}
    return base64url(json.dumps(header, separators=(",", ":"), sort_keys=True).encode())


@frozen
class Verifier:
    """Verifies texts whose header is one of those that are known, each by its own key."""

    _keys: Mapping[str, Material] = field(repr=False)

    def payload(self, text: str) -> bytes | None:
        """Return what was signed; None where it is not, or is written in another way."""
        if len(text) > LONGEST or not text.isascii():
            return None
        header, _, rest = text.partition(".")
        key = self._keys.get(header)
        payload, _, signature = rest.partition(".")
        if key is None or not _is_canonical(payload) or not _is_canonical(signature):
            return None
        algorithm = str(key.algorithm)
        try:
            signed: bytes = _jws(algorithm).decode(text, key.verifying, algorithms=[algorithm])
        except jwt.PyJWTError:
            return None
        return signed

    def knows(self, text: str) -> bool:
        """Say whether the header of a text is known."""
        return text.partition(".")[0] in self._keys


@frozen
class Signer:
    """Signs payloads under one header."""

    _key: Material = field(repr=False)
    _members: Mapping[str, str]

    def sign(self, payload: bytes) -> str:
        """Return the signed text."""
        algorithm = str(self._key.algorithm)
        members: dict[str, Any] = dict(self._members)
        return _jws(algorithm).encode(
            payload, self._key.signing, algorithm=algorithm, headers=members, sort_headers=True
        )


@cache
def _jws(algorithm: str) -> jwt.PyJWS:
    return jwt.PyJWS(algorithms=[algorithm], options={"enforce_minimum_key_length": True})


def _is_canonical(segment: str) -> bool:
    if not _SEGMENT.fullmatch(segment):
        return False
    try:
        unbase64url(segment)
    except ValueError:
        return False
    return True

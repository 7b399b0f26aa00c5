"""Password hashes that Django made by PBKDF2: read, and never made."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode

__all__ = ["fits_django"]

_STORED = re.compile(r"pbkdf2_sha256\$([1-9][0-9]{0,6})\$([!-#%-~]{1,128})\$([A-Za-z0-9+/]{43}=)")
# A stored text that asks for more than this must not eat the machine.
_MOST_ITERATIONS = 5_000_000


def fits_django(octets: bytes, stored: str) -> bool:
    """Say whether this is a hash of Django's, and the password fits it."""
    match = _STORED.fullmatch(stored)
    if match is None or int(match[1]) > _MOST_ITERATIONS:
        return False
    made = hashlib.pbkdf2_hmac("sha256", octets, match[2].encode("ascii"), int(match[1]))
    return hmac.compare_digest(made, b64decode(match[3]))

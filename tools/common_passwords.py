"""Rebuild the list of common passwords that is shipped.

``pip install zxcvbn==4.5.0``, then ``python tools/common_passwords.py`` writes
src/campuscore/adapters/passwords/common.words, which common.md beside it describes. The same source
gives the same bytes; a test says so.
"""

from __future__ import annotations

from pathlib import Path

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from campuscore.adapters.passwords.packed import digest_of
from campuscore.adapters.passwords.packing import pack_digests

__all__ = ["TARGET", "WIDTH", "build", "common"]

TARGET = Path(__file__).parent.parent / "src/campuscore/adapters/passwords/common.words"
SHORTEST = 6  # shorter ones are less than half of the shortest password that can be asked for
WIDTH = 5


def common() -> list[str]:
    """Return the passwords, most frequent first."""
    return [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST]


def build(target: Path) -> int:
    """Write the list, and return how many passwords it has."""
    return pack_digests(map(digest_of, common()), target, width=WIDTH)


if __name__ == "__main__":
    print(f"{build(TARGET)} passwords, {TARGET.stat().st_size} bytes")

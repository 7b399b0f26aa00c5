"""Packed lists of passwords: a head of 32 bytes, then the sorted beginnings of their SHA-1.

The head is the magic ``CCWORDS`` and a zero, the version of the form (1), the bytes that are kept
of each digest, six zeros, the number of digests as 64 bits, and eight zeros; numbers are
big-endian. A password that is on the list is always found. Of those that are not, one in
256**width / count is taken for one that is.

SHA-1 because the published dumps of breached passwords have nothing else; nothing here rests on
its strength.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final

from attrs import frozen

from campuscore.errors import Invalid

if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["HEAD", "WIDEST", "Head", "Packed", "digest_of"]

HEAD: Final = struct.Struct(">8sBB6xQ8x")
WIDEST: Final = 8
_MAGIC: Final = b"CCWORDS\0"
_VERSION: Final = 1
_NARROWEST: Final = 4
_PROBES: Final = 64


def digest_of(password: str) -> bytes:
    """Return the whole digest of a password."""
    octets = password.encode("utf-8", "surrogatepass")
    return hashlib.sha1(octets, usedforsecurity=False).digest()


@frozen
class Head:
    """What the beginning of a packed list says."""

    width: int
    count: int

    def encode(self) -> bytes:
        return HEAD.pack(_MAGIC, _VERSION, self.width, self.count)

    @classmethod
    def read(cls, octets: bytes) -> Head:
        """Read a head, or raise Invalid with what is wrong with it."""
        if len(octets) < HEAD.size:
            raise Invalid.at("", "is too short for a packed list")
        magic, version, width, count = HEAD.unpack(octets[: HEAD.size])
        if magic != _MAGIC:
            raise Invalid.at("", "is no packed list; campuscore passwords pack makes one")
        if version != _VERSION:
            raise Invalid.at("", f"is a packed list of version {version}, not of {_VERSION}")
        if not _NARROWEST <= width <= WIDEST:
            raise Invalid.at("", f"has digests of {width} bytes, not of {_NARROWEST} to {WIDEST}")
        return cls(width, count)


@frozen
class Packed:
    """A packed list that is looked up where it lies."""

    octets: bytes | mmap
    width: int
    count: int

    @classmethod
    def of(cls, octets: bytes | mmap) -> Packed:
        """Take a list, or raise Invalid with what is wrong with it."""
        head = Head.read(octets[: HEAD.size])
        size = HEAD.size + head.width * head.count
        if len(octets) != size:
            raise Invalid.at("", f"has {len(octets)} bytes, and should have {size}")
        packed = cls(octets, head.width, head.count)
        packed._check_order()
        return packed

    def has(self, digest: bytes) -> bool:
        """Say whether a digest, or one that begins alike, is on the list.

        Digests are spread evenly, so that the place is guessed from the value; each second step
        halves what is left, whatever the list looks like.
        """
        wanted = int.from_bytes(digest[: self.width], "big")
        low, high = 0, self.count
        floor, ceiling = 0, 1 << (8 * self.width)
        guess = True
        while low < high and floor <= wanted < ceiling:
            skip = (wanted - floor) * (high - low) // (ceiling - floor) if guess else 0
            at = low + skip if guess else (low + high) // 2
            found = self._at(at)
            if found == wanted:
                return True
            if found < wanted:
                low, floor = at + 1, found + 1
            else:
                high, ceiling = at, found
            guess = not guess
        return False

    def _at(self, index: int) -> int:
        begin = HEAD.size + index * self.width
        return int.from_bytes(self.octets[begin : begin + self.width], "big")

    def _check_order(self) -> None:
        """Look at some of the digests: a list that is not sorted would miss passwords."""
        if not self.count:
            return
        last = self.count - 1
        seen = [self._at(last * probe // _PROBES) for probe in range(_PROBES + 1)]
        if seen != sorted(seen):
            raise Invalid.at("", "is not sorted; pack it anew")

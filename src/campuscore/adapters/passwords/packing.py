"""Packing of dumps: lines ``SHA1`` or ``SHA1:COUNT`` in hexadecimal, best sorted by the hash.

A sorted dump streams through in constant memory. Any other is sorted in runs, which lie in a
temporary file and are merged; memory is bounded by the size of a run.
"""

from __future__ import annotations

import heapq
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Final

from attrs import define, field, frozen

from campuscore.adapters.passwords.packed import HEAD, WIDEST, Head
from campuscore.errors import Conflict, Invalid, Unavailable

__all__ = ["Packing", "pack", "pack_digests"]

_LINE: Final = re.compile(rb"([0-9A-Fa-f]{40})(?::([0-9]{1,18}))?\s*")
_LONGEST_LINE: Final = 200
_BLOCK: Final = 1 << 16
_RUN = 1 << 18


@frozen(kw_only=True)
class Packing:
    """What packing did: lines that were read, and digests that were kept."""

    lines: int
    kept: int


def pack(
    dump: IO[bytes],
    target: Path,
    *,
    least: int = 1,
    replace: bool = False,
    said: Callable[[int], object] = lambda _: None,
) -> Packing:
    """Pack the passwords of a dump that were seen at least so often.

    ``said`` is told how many bytes were read, now and then. Raises Conflict where the target is
    there, Invalid at the first line that cannot be read, Unavailable where the disk is full.
    """
    if target.exists() and not replace:
        raise Conflict(f"{target} is there already", code="target_exists")
    lines = _Lines(dump, least, said)
    kept = pack_digests(lines.digests(), target)
    return Packing(lines=lines.read, kept=kept)


def pack_digests(
    digests: Iterable[bytes], target: Path, *, width: int = WIDEST, run: int | None = None
) -> int:
    """Write digests into a packed list, which appears under its name when it is whole.

    Where they do not come in order, so many at one time are sorted in memory. Returns how many
    there are.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            draft = Path(folder) / "list"
            with draft.open("w+b") as out, (Path(folder) / "runs").open("w+b") as runs:
                ordered = _Sorter(runs, width, run or _RUN).sorted(each[:width] for each in digests)
                count = _write(ordered, out, width)
            draft.replace(target)
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror}", code="cannot_pack") from error
    return count


@define
class _Lines:
    """A dump, line by line."""

    dump: IO[bytes]
    least: int
    said: Callable[[int], object]
    read: int = 0

    def digests(self) -> Iterator[bytes]:
        size = 0
        for line in iter(partial(self.dump.readline, _LONGEST_LINE), b""):
            self.read += 1
            size += len(line)
            if size > _BLOCK:
                self.said(size)
                size = 0
            match = _LINE.fullmatch(line)
            if match is None:
                raise Invalid.at(f"/{self.read}", "is no line of the form SHA1:COUNT")
            if int(match[2] or self.least) >= self.least:
                yield bytes.fromhex(match[1].decode("ascii"))
        self.said(size)


@define
class _Sorter:
    """Sorts digests of one width in a file: runs that are in order, which are then merged."""

    file: IO[bytes]
    width: int
    size: int
    _begins: list[int] = field(init=False, factory=list[int])
    _end: int = field(init=False, default=0)
    _last: bytes = field(init=False, default=b"")

    def sorted(self, digests: Iterable[bytes]) -> Iterator[bytes]:
        """Return the digests in order; at one time a run of them is in memory."""
        rest = iter(digests)
        while held := sorted(islice(rest, self.size)):
            if not self._begins or held[0] < self._last:
                self._begins.append(self._end)
            self._end += self.file.write(b"".join(held))
            self._last = held[-1]
        self.file.flush()
        return heapq.merge(*map(self._read, self._begins, [*self._begins[1:], self._end]))

    def _read(self, begin: int, end: int) -> Iterator[bytes]:
        block = _BLOCK // 8 // self.width * self.width
        for at in range(begin, end, block):
            octets = os.pread(self.file.fileno(), min(block, end - at), at)
            for place in range(0, len(octets), self.width):
                yield octets[place : place + self.width]


def _write(digests: Iterable[bytes], out: IO[bytes], width: int) -> int:
    """Write a list and return how many digests it has, each once."""
    out.write(bytes(HEAD.size))
    count, last = 0, b""
    for digest in digests:
        if digest != last:
            out.write(digest)
            count, last = count + 1, digest
    out.seek(0)
    out.write(Head(width, count).encode())
    out.flush()
    os.fsync(out.fileno())
    return count

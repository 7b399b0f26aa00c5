"""Files below MEDIA_ROOT, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from campuscore.errors import NotFound

__all__ = ["Media"]

_BLOCK = 256 * 1024


@frozen
class Media:
    """The folder in which Django kept uploads; None where nobody gave it."""

    root: Path | None

    def open(self, name: str) -> Iterator[bytes]:
        """Return the bytes of a file in blocks, or raise NotFound before the first."""
        if self.root is None:
            raise NotFound(f"{name}: the folder of files was not given (--media)")
        root = self.root.resolve()
        path = (root / name).resolve()
        if root not in path.parents or not path.is_file():
            raise NotFound(f"{name}: there is no such file under the folder of files")
        return _blocks(path)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while block := source.read(_BLOCK):
            yield block

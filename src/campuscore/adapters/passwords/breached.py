"""Passwords that are known: the list that is shipped, and a file of the campus's own."""

from __future__ import annotations

import mmap
from importlib.resources import files
from pathlib import Path
from typing import Final

from attrs import frozen

from campuscore.adapters.passwords.packed import Packed, digest_of
from campuscore.errors import Invalid, Misconfigured
from campuscore.ports.passwords import BreachedPasswords

__all__ = ["COMMON", "PackedPasswords", "open_breached"]

COMMON: Final = "common.words"
"""The file with the list that is shipped; ``common.md`` beside it tells where it is from."""


@frozen
class PackedPasswords:
    """Implements ``BreachedPasswords`` on packed lists."""

    lists: tuple[Packed, ...]

    def contains(self, password: str) -> bool:
        digest = digest_of(password)
        return any(each.has(digest) for each in self.lists)


def open_breached(path: str = "") -> BreachedPasswords:
    """Return the list that is shipped, joined with a packed file where one is named.

    Misconfigured names the setting ``breached_passwords`` where the file cannot be used.
    """
    lists = [Packed.of(files("campuscore.adapters.passwords").joinpath(COMMON).read_bytes())]
    if path:
        try:
            lists.append(_mapped(Path(path).expanduser()))
        except OSError as error:
            raise Misconfigured(f"breached_passwords: {path}: {error.strerror}") from error
        except Invalid as error:
            words = f"breached_passwords: {path} {error.problems[0].detail}"
            raise Misconfigured(words) from error
    return PackedPasswords(tuple(lists))


def _mapped(path: Path) -> Packed:
    with path.open("rb") as file:
        if not path.stat().st_size:  # what is empty cannot be mapped
            return Packed.of(b"")
        return Packed.of(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

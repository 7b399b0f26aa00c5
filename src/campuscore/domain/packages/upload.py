"""What an upload says of its file, and whether that holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

from campuscore.domain.packages.index import DistKind
from campuscore.domain.packages.metadata import Description
from campuscore.domain.packages.names import DistName, parse_filename, project_key, version_key
from campuscore.errors import Invalid, Problem

__all__ = ["Digests", "NewUpload"]

_DIGESTS: dict[str, Callable[[], Any]] = {
    "sha256": hashlib.sha256,
    "blake2_256": lambda: hashlib.blake2b(digest_size=32),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}


@frozen(kw_only=True)
class NewUpload:
    """A file to publish, as the upload API describes it.

    Empty fields say nothing and are read from the file. ``digests`` are in hexadecimal under
    ``sha256``, ``blake2_256`` or ``md5``.
    """

    filename: str
    name: str = ""
    version: str = ""
    kind: DistKind | None = None
    requires_python: str = ""
    digests: Mapping[str, str] = field(factory=dict[str, str])

    def check(self) -> DistName:
        """Return what the file name says, or raise Invalid where the fields contradict it."""
        found = parse_filename(self.filename)
        problems: list[Problem] = []
        if self.name and project_key(self.name) != found.project:
            problems.append(
                Problem("/name", f"is {self.name!r}, but the file's is {found.project}")
            )
        if self.version and version_key(self.version) != version_key(found.version):
            text = f"is {self.version!r}, but the file's is {found.version}"
            problems.append(Problem("/version", text))
        if self.kind is not None and self.kind is not self.real_kind:
            problems.append(
                Problem("/filetype", f"is {self.kind}, but the file is {self.real_kind}")
            )
        problems += [
            Problem(f"/{name}_digest", "is not a digest in hexadecimal")
            for name, value in self.digests.items()
            if not _is_hexadecimal(value)
        ]
        if problems:
            raise Invalid(*problems)
        return found

    @property
    def real_kind(self) -> DistKind:
        """What the file is by its name."""
        return DistKind.WHEEL if self.filename.endswith(".whl") else DistKind.SDIST

    def check_metadata(self, name: DistName, found: Description) -> None:
        """Raise Invalid where the file's own metadata contradicts its name or the fields."""
        problems: list[Problem] = []
        same = version_key(found.version) == version_key(name.version)
        if found.project != name.project or not same:
            inside = f"{found.project} {found.version}"
            problems.append(Problem("/content", f"has the metadata of {inside}"))
        given = self.requires_python.replace(" ", "")
        if given and given != found.requires_python.replace(" ", ""):
            text = f"is {self.requires_python!r}, but the file's is {found.requires_python!r}"
            problems.append(Problem("/requires_python", text))
        if problems:
            raise Invalid(*problems)


@define
class Digests:
    """Computes, while bytes stream by, the digests that an upload names."""

    expected: Mapping[str, str]

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the bytes on, and raise Invalid behind them where a digest does not fit."""
        known = {name: made() for name, made in _DIGESTS.items() if name in self.expected}
        for chunk in chunks:
            for digest in known.values():
                digest.update(chunk)
            yield chunk
        problems = [
            Problem(f"/{name}_digest", "does not fit the file: it was changed on its way")
            for name, digest in known.items()
            if digest.hexdigest() != self.expected[name].lower()
        ]
        if problems:
            raise Invalid(*problems)


def _is_hexadecimal(text: str) -> bool:
    return text.isascii() and text.isalnum() and all(ch in "0123456789abcdefABCDEF" for ch in text)

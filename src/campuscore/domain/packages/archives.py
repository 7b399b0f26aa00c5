"""Reading the metadata out of a wheel or a source distribution, without unpacking it."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from campuscore.domain.packages.names import project_key, version_key
from campuscore.errors import Invalid

__all__ = ["read_metadata"]

_LONGEST_METADATA = 8 * 1024 * 1024
_EXPANSION, _SLACK = 200, 64 * 1024 * 1024
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, NotImplementedError)
_NEEDED = ("METADATA", "RECORD", "WHEEL")


def read_metadata(filename: str, content: BinaryIO, size: int) -> bytes:
    """Return the METADATA of a wheel, or the PKG-INFO of a source distribution.

    Parameters
    ----------
    filename
        The name of the file, which says what it is.
    content
        Its bytes, at their beginning.
    size
        How many they are.

    Raises
    ------
    Invalid
        It is not an archive, is unsafe to unpack, or lacks what the standards ask for.
    """
    try:
        if filename.endswith(".whl"):
            return _of_wheel(filename, content)
        if filename.endswith(".zip"):
            return _of_zip(content)
        return _of_tar(content, size)
    except _BROKEN as error:
        raise Invalid.at("/content", f"{filename} cannot be read: {error}") from error


def _of_wheel(filename: str, content: BinaryIO) -> bytes:
    with zipfile.ZipFile(content) as archive:
        names = _checked(archive)
        folder = _dist_info(filename, names)
        missing = [name for name in _NEEDED if f"{folder}/{name}" not in names]
        if missing:
            raise Invalid.at("/content", f"the wheel has no {folder}/{missing[0]}")
        return _read(archive, f"{folder}/METADATA")


def _of_zip(content: BinaryIO) -> bytes:
    with zipfile.ZipFile(content) as archive:
        found = [name for name in _checked(archive) if _is_top_pkg_info(name)]
        if not found:
            raise _without_pkg_info()
        return _read(archive, found[0])


def _of_tar(content: BinaryIO, size: int) -> bytes:
    with tarfile.open(fileobj=content, mode="r|gz") as archive:
        for member in archive:
            if member.offset > size * _EXPANSION + _SLACK:
                raise Invalid.at("/content", "unpacks to far more than its size")
            _check_path(member.name)
            if _is_top_pkg_info(member.name) and member.isfile():
                source = archive.extractfile(member)
                return _limited(source.read(_LONGEST_METADATA + 1) if source else b"")
    raise _without_pkg_info()


def _checked(archive: zipfile.ZipFile) -> set[str]:
    """Return the names in a zip file, each of which must be there once and stay inside."""
    names: set[str] = set()
    for info in archive.infolist():
        _check_path(info.filename)
        if info.filename in names:
            raise Invalid.at("/content", f"has {info.filename!r} twice")
        names.add(info.filename)
    return names


def _check_path(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise Invalid.at("/content", f"has the unsafe path {name!r}")


def _dist_info(filename: str, names: set[str]) -> str:
    tops = {name.partition("/")[0] for name in names}
    folders = [top for top in tops if top.endswith(".dist-info")]
    if len(folders) != 1:
        raise Invalid.at("/content", f"has {len(folders)} .dist-info folders, needs one")
    wanted, found = filename.split("-")[:2], folders[0].removesuffix(".dist-info").split("-")
    if len(found) != len(wanted) or not _same(wanted, found):
        raise Invalid.at("/content", f"has {folders[0]}, which is another release's")
    return folders[0]


def _same(one: list[str], other: list[str]) -> bool:
    return project_key(one[0]) == project_key(other[0]) and version_key(one[1]) == version_key(
        other[1]
    )


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).flag_bits & 1:
        raise Invalid.at("/content", "is encrypted")
    with archive.open(name) as source:
        return _limited(b"".join(_pieces(source)))


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    left = _LONGEST_METADATA + 1
    while left > 0 and (piece := source.read(min(left, 1 << 16))):
        left -= len(piece)
        yield piece


def _limited(metadata: bytes) -> bytes:
    if len(metadata) > _LONGEST_METADATA:
        raise Invalid.at("/content", f"its metadata is longer than {_LONGEST_METADATA} bytes")
    return metadata


def _is_top_pkg_info(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[1] == "PKG-INFO"


def _without_pkg_info() -> Invalid:
    return Invalid.at("/content", "has no PKG-INFO in its top folder (PEP 643)")

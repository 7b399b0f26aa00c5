"""Reading the metadata out of a wheel or a source distribution, without unpacking it."""

from __future__ import annotations

import gzip
import lzma
import posixpath
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, cast

from attrs import define

from campuscore.domain.packages.names import project_key, version_key
from campuscore.errors import Invalid

__all__ = ["read_metadata"]

_LONGEST_READ = 8 * 1024 * 1024
_EXPANSION, _SLACK = 50, 64 * 1024 * 1024
_MOST_MEMBERS = 100_000
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,  # also what nests without end, and compression that is not known
    ValueError,  # also names in bad UTF-8
)
_NEEDED = ("METADATA", "RECORD", "WHEEL")

# Parts of a zip file (APPNOTE 6.3.10, 4.3): the head of a file, what may follow a file that was
# written as a stream, and the end of the directory.
_HEAD, _HEAD_SIZE = b"PK\x03\x04", 30
_STREAMED, _TRAILERS = 1 << 3, (12, 16, 20, 24)
_UTF_8 = 1 << 11
_END, _END_SIZE = b"PK\x05\x06", 22


@define
class _Sparing:
    """Bytes of an archive, of which no reader takes much at once or from far behind the end.

    The readers of the standard library believe what headers say of lengths, and would read them
    into memory.
    """

    source: IO[bytes]
    end: int

    def read(self, size: int = -1, /) -> bytes:
        wanted = _LONGEST_READ + 1 if size < 0 else min(size, _LONGEST_READ + 1)
        data = self.source.read(wanted)
        if len(data) > _LONGEST_READ:
            raise Invalid.at("/content", f"has a part that is longer than {_LONGEST_READ} bytes")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == 0 and offset > self.end:
            raise _bomb()
        return self.source.seek(offset, whence)

    def tell(self) -> int:
        return self.source.tell()

    def seekable(self) -> bool:
        return True


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
        if filename.endswith((".whl", ".zip")):
            with zipfile.ZipFile(cast("BinaryIO", _Sparing(content, size))) as archive:
                _check_layout(archive, content, size)
                if filename.endswith(".whl"):
                    return _of_wheel(filename, archive, size)
                return _of_zip(archive, size)
        with gzip.GzipFile(fileobj=content) as plain:
            return _of_tar(_Sparing(cast("IO[bytes]", plain), _most(size)))
    except _BROKEN as error:
        raise Invalid.at("/content", f"{filename} cannot be read: {error}") from error


def _of_wheel(filename: str, archive: zipfile.ZipFile, size: int) -> bytes:
    names = _checked(archive, size)
    folder = _dist_info(filename, names)
    missing = [name for name in _NEEDED if f"{folder}/{name}" not in names]
    if missing:
        raise Invalid.at("/content", f"the wheel has no {folder}/{missing[0]}")
    return _read(archive, f"{folder}/METADATA")


def _of_zip(archive: zipfile.ZipFile, size: int) -> bytes:
    return _read(archive, _only([name for name in _checked(archive, size) if _is_top(name)]))


def _of_tar(content: _Sparing) -> bytes:
    found: dict[str, bytes] = {}
    names: set[str] = set()
    with tarfile.TarFile(fileobj=cast("IO[bytes]", content)) as archive:
        while (member := archive.next()) is not None:
            cast("Any", archive).members.clear()  # which would grow with all there are
            _check_member(member)
            _add(names, member.name, once=member.isfile())
            if member.isfile() and _is_top(member.name):
                found[member.name] = _member(archive, member)
    return found[_only(list(found))]


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = archive.extractfile(member)
    return _limited(b"".join(_pieces(source)) if source else b"")


def _checked(archive: zipfile.ZipFile, size: int) -> set[str]:
    """Return the names in a zip file, each of which must be there once and stay inside."""
    names: set[str] = set()
    for info in archive.infolist():
        _check_path(info.filename)
        _add(names, info.filename)
    if sum(info.file_size for info in archive.infolist()) > _most(size):
        raise _bomb()
    return names


def _check_layout(archive: zipfile.ZipFile, content: BinaryIO, size: int) -> None:
    """See that the files lie one behind the other, and nothing lies around or between them.

    Some readers begin at the front and others at the end: they must not find two archives.
    """
    ends = {0}
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset not in ends:
            raise _confusing(f"something in front of {info.filename!r}")
        ends = _ends(info, content)
    if archive.start_dir not in ends:
        raise _confusing("something behind its last file")
    content.seek(max(size - _END_SIZE - len(archive.comment), 0))
    if content.read(len(_END)) != _END:
        raise _confusing("something behind its end")


def _ends(info: zipfile.ZipInfo, content: BinaryIO) -> set[int]:
    """Return where a file in a zip file may end; its own head says what the directory says."""
    content.seek(info.header_offset)
    head = content.read(_HEAD_SIZE)
    name, extra = (int.from_bytes(head[at : at + 2], "little") for at in (26, 28))
    written = content.read(name).decode("utf-8" if info.flag_bits & _UTF_8 else "cp437")
    if not head.startswith(_HEAD) or written != info.orig_filename:
        raise _confusing(f"{info.filename!r} under another name")
    end = info.header_offset + _HEAD_SIZE + name + extra + info.compress_size
    return {end + more for more in _TRAILERS} if info.flag_bits & _STREAMED else {end}


def _confusing(what: str) -> Invalid:
    return Invalid.at("/content", f"has {what}, which not every reader would see")


def _add(names: set[str], name: str, *, once: bool = True) -> None:
    if once and name in names:
        raise Invalid.at("/content", f"has {name!r} twice")
    if len(names) == _MOST_MEMBERS:
        raise Invalid.at("/content", f"has more than {_MOST_MEMBERS} files")
    names.add(name)


def _check_member(member: tarfile.TarInfo) -> None:
    _check_path(member.name)
    if member.isdev():
        raise Invalid.at("/content", f"has the device {member.name!r}")
    if member.islnk() or member.issym():
        above = posixpath.dirname(member.name) if member.issym() else ""
        _check_path(posixpath.normpath(posixpath.join(above, member.linkname)))


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
    try:
        return (project_key(one[0]), version_key(one[1])) == (
            project_key(other[0]),
            version_key(other[1]),
        )
    except Invalid:
        return False


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).flag_bits & 1:
        raise Invalid.at("/content", "is encrypted")
    with archive.open(name) as source:
        return _limited(b"".join(_pieces(source)))


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    left = _LONGEST_READ + 1
    while left > 0 and (piece := source.read(min(left, 1 << 16))):
        left -= len(piece)
        yield piece


def _limited(metadata: bytes) -> bytes:
    if len(metadata) > _LONGEST_READ:
        raise Invalid.at("/content", f"its metadata is longer than {_LONGEST_READ} bytes")
    return metadata


def _is_top(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[1] == "PKG-INFO"


def _only(found: list[str]) -> str:
    """Return the one PKG-INFO of a source distribution."""
    if not found:
        raise Invalid.at("/content", "has no PKG-INFO in its top folder (PEP 643)")
    if len(found) > 1:
        raise Invalid.at("/content", "has more than one PKG-INFO, in several top folders")
    return found[0]


def _most(size: int) -> int:
    """Return how many bytes an archive of this size may unpack to."""
    return size * _EXPANSION + _SLACK


def _bomb() -> Invalid:
    return Invalid.at("/content", "unpacks to far more than its size")

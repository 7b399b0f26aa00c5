"""Files of the index: they never change, and are read whole or from any byte on (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import falcon
from attrs import frozen

from campuscore.adapters.http.packages.simple import file_path
from campuscore.adapters.http.route import Ask, Elsewhere, Stream
from campuscore.domain.packages import DistKind
from campuscore.errors import NotFound

__all__ = ["download", "redirect"]

_FOREVER = "max-age=31536000, immutable"
_SIDECAR = ".metadata"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_OCTETS = "application/octet-stream"


def redirect(ask: Ask, name: str, filename: str) -> None:
    """Send the seed's address of a file to the one that names its content."""
    file = ask.campus.packages.file(ask.principal, filename)
    page = ask.campus.packages.page(ask.principal, name)
    if file.project != page.project.id:
        raise NotFound(f"{name} has no file {filename!r}", code="file_not_found")
    raise falcon.HTTPFound(ask.req.root_path + file_path(file))


def download(ask: Ask, first: str, second: str, rest: str, filename: str) -> Stream | Elsewhere:
    """Send a file, its metadata, or a part of either."""
    service = ask.campus.packages
    file = service.file(ask.principal, filename.removesuffix(_SIDECAR))
    beside = filename.endswith(_SIDECAR)
    offered = file.kind is DistKind.WHEEL or not beside
    if file.sha256 != first + second + rest or not offered:
        raise NotFound(f"there is no file {filename!r}", code="file_not_found")
    name, size = (file.metadata, file.metadata_size) if beside else (file.sha256, file.size)
    ask.unless_tagged(name, _cache(ask))
    elsewhere = service.address(ask.principal, name, filename)
    if elsewhere is not None and ask.req.method == "GET":
        return Elsewhere(elsewhere)
    part = _part(ask.req, name, size)
    headers = {"Accept-Ranges": "bytes"}
    if part.asked:
        ask.resp.status = falcon.HTTP_206
        headers["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{size}"
    return Stream(_OCTETS, _Lazy(ask, name, part), part.length, headers)


@frozen
class _Part:
    """Some of the bytes of a file."""

    start: int
    length: int
    asked: bool = True


@frozen
class _Lazy:
    """Bytes that are fetched when the first is asked for, which a HEAD request never does."""

    ask: Ask
    name: str
    part: _Part

    def __iter__(self) -> Iterator[bytes]:
        part = self.part
        yield from self.ask.campus.packages.open(
            self.ask.principal, self.name, part.start, part.length
        )


def _cache(ask: Ask) -> str:
    shared = ask.campus.settings.index_anonymous_read
    return f"{'public' if shared else 'private'}, {_FOREVER}"


def _part(req: falcon.Request, tag: str, size: int) -> _Part:
    """Return what the Range header of a GET asks for; all where it is absent, odd or outdated."""
    whole = _Part(0, size, asked=False)
    if req.method != "GET":
        return whole
    match = _RANGE.fullmatch((req.get_header("Range") or "").replace(" ", ""))
    condition = req.get_header("If-Range")
    if match is None or (condition is not None and condition != f'"{tag}"'):
        return whole
    first, last = match.groups()
    if not first:
        return whole if not last else _last(int(last), size)
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return whole
    if start >= size:
        raise falcon.HTTPRangeNotSatisfiable(size)
    return _Part(start, end - start + 1)


def _last(count: int, size: int) -> _Part:
    if count == 0:
        raise falcon.HTTPRangeNotSatisfiable(size)
    length = min(count, size)
    return _Part(size - length, length)

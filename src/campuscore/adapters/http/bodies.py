"""Request bodies: read whole or in blocks, with or without Content-Length (RFC 9112, section 6).

Falcon's own bounded stream is empty when Content-Length is missing, which would store nothing in
silence. Here such a body is read to its end where the server marks it (``wsgi.input_terminated``),
and refused with 411 where it does not.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import falcon
from attrs import define, field, frozen
from falcon.media.multipart import (
    MultipartFormHandler,
    MultipartParseError,
    MultipartParseOptions,
)

from campuscore.adapters.wire import Malformed, pointer
from campuscore.domain.attendance import clean_filename
from campuscore.errors import CampusError, Invalid, TooLarge

__all__ = [
    "Form",
    "LengthRequired",
    "Upload",
    "body_stream",
    "drain",
    "let_go",
    "read_body",
    "read_form",
]

_BLOCK = 256 * 1024
_LONGEST_FIELD = 64 * 1024
_SPOOL = 1024 * 1024
_DRAINED = 16 * 1024 * 1024
_SLACK = 16 * 1024 * 1024
_MOST_PARTS = 10_000
_INCOMPLETE = "body_incomplete"


class LengthRequired(CampusError):
    """The body's length is unknown, and the server does not mark its end."""

    default_code = "length_required"


@define
class BodyStream:
    """The bytes of a body and not one more; a body that ends early is an error, not a short one."""

    source: Any
    left: int | None

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes; nothing at the end."""
        wanted = _BLOCK if size is None or size < 0 else size
        if self.left is not None:
            wanted = min(wanted, self.left)
        if wanted == 0:
            return b""
        data: bytes = self.source.read(wanted)
        if self.left is not None:
            if not data:
                raise Malformed("the body ended before its Content-Length", code=_INCOMPLETE)
            self.left -= len(data)
        return data


@frozen
class Form:
    """A multipart form with one file.

    The file is read while it is used once the ``needed`` fields have come. Where ``wanted`` fields
    are named, all others are passed over, and may be repeated or follow the file.
    """

    file: str
    needed: frozenset[str]
    wanted: frozenset[str] | None = None


@define
class Upload:
    """A file part of a form; ``rest`` is what follows it, where that was not read yet."""

    filename: str
    content_type: str
    source: Any
    rest: Iterator[Any] = field(factory=lambda: iter(()))
    known: frozenset[str] | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in blocks, and raise where the form breaks off or goes on behind them.

        A part that is cut off looks like a short one: only the closing boundary tells.
        """
        while block := self.source.read(_BLOCK):
            yield block
        with _readable():
            for part in self.rest:
                if self.known is not None and part.name not in self.known:
                    continue
                raise Invalid.at(pointer(part.name), "comes after the file, or is given twice")


def body_stream(req: falcon.Request) -> BodyStream:
    """Return the request's body, always the same stream, or raise LengthRequired."""
    known: BodyStream | None = getattr(req.context, "body", None)
    if known is None:
        known = req.context.body = _make_stream(req)
    return known


def drain(req: falcon.Request) -> None:
    """Take in what is left of a refused body, if it is not much.

    Many clients read no answer before all is sent; but one that asked first is not told to go on.
    """
    if req.expect:
        return
    with suppress(CampusError, OSError):
        stream = body_stream(req)
        if stream.left is not None and stream.left <= _DRAINED:
            while stream.read():
                pass


def _make_stream(req: falcon.Request) -> BodyStream:
    chunked = "HTTP_TRANSFER_ENCODING" in req.env
    if req.env.get("wsgi.input_terminated") and (chunked or req.content_length is None):
        return BodyStream(req.env["wsgi.input"], None)
    if chunked:
        raise LengthRequired("send the body with a Content-Length")
    return BodyStream(req.env["wsgi.input"], req.content_length or 0)


def read_body(req: falcon.Request, limit: int) -> bytes:
    """Return the whole body, or raise TooLarge when it is longer than ``limit`` bytes."""
    stream = body_stream(req)
    if stream.left is not None and stream.left > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while block := stream.read():
        size += len(block)
        if size > limit:
            raise _too_large(limit)
        parts.append(block)
    return b"".join(parts)


def read_form(req: falcon.Request, limit: int, form: Form) -> tuple[dict[str, str], Upload | None]:
    """Return the fields of a multipart form, and its file.

    A file that comes after all fields is read while it is used; one that comes before them is kept
    in a temporary file until ``let_go``.

    Raises
    ------
    Invalid, Malformed, TooLarge
        It is not a form, it breaks off, or it is longer than ``limit`` bytes.
    """
    stream = body_stream(req)
    if stream.left is not None and stream.left > limit + _SLACK:
        raise _too_large(limit)
    if not (req.content_type or "").lower().startswith("multipart/form-data"):
        raise Invalid.at("", "must be multipart/form-data")
    length = sys.maxsize if stream.left is None else stream.left
    with _readable():
        parts = _handler().deserialize(stream, req.content_type, length)
        return _read_parts(req, iter(parts), limit, form)


def let_go(req: falcon.Request) -> None:
    """Close the temporary file of a form, if there is one."""
    kept: IO[bytes] | None = getattr(req.context, "kept", None)
    if kept is not None:
        kept.close()


@contextmanager
def _readable() -> Generator[None]:
    try:
        yield
    except (MultipartParseError, falcon.HTTPError) as error:
        raise _malformed(str(error.description or error.title)) from error
    except (UnicodeError, LookupError) as error:
        raise _malformed("its headers are not text") from error


def _malformed(why: str) -> Malformed:
    return Malformed(f"the form cannot be read: {why}", code="malformed_form")


def _handler() -> MultipartFormHandler:
    options = MultipartParseOptions()
    options.max_body_part_count = _MOST_PARTS
    return MultipartFormHandler(options)


def _read_parts(
    req: falcon.Request, parts: Iterator[Any], limit: int, form: Form
) -> tuple[dict[str, str], Upload | None]:
    fields: dict[str, str] = {}
    upload: Upload | None = None
    for part in parts:
        if part.name != form.file:
            _note(fields, part, form)
            continue
        if upload is not None:
            raise Invalid.at(f"/{form.file}", "is given more than once")
        upload = _upload(part, form)
        if fields.keys() >= form.needed:
            upload.rest = parts
            break
        upload.source = _spool(req, upload, limit)
    return fields, upload


def _note(fields: dict[str, str], part: Any, form: Form) -> None:
    """Keep a field that is wanted; only those that are passed over may come more than once."""
    name = part.name or ""
    if form.wanted is not None and name not in form.wanted:
        return
    if name in fields:
        raise Invalid.at(pointer(name), "is given more than once")
    fields[name] = _field(part)


def _upload(part: Any, form: Form) -> Upload:
    name = clean_filename(part.filename or "")
    kind = part.content_type or "application/octet-stream"
    known = None if form.wanted is None else form.wanted | {form.file}
    return Upload(name, kind, part.stream, known=known)


def _field(part: Any) -> str:
    data: bytes = part.stream.read(_LONGEST_FIELD + 1)
    if len(data) > _LONGEST_FIELD:
        raise Invalid.at(pointer(part.name), f"is longer than {_LONGEST_FIELD} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid.at(pointer(part.name), f"is not UTF-8: byte {error.start}") from error


def _spool(req: falcon.Request, upload: Upload, limit: int) -> IO[bytes]:
    kept: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 - outlives this
    req.context.kept = kept
    size = 0
    for block in upload.chunks():
        size += len(block)
        if size > limit:
            raise _too_large(limit)
        kept.write(block)
    kept.seek(0)
    return kept


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is longer than {limit} bytes")

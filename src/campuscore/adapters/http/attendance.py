"""Attendance over HTTP: check-ins, the aggregate, its sheets, and files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import Any

from campuscore.adapters import wire
from campuscore.adapters.http.bodies import Form, read_form
from campuscore.adapters.http.origin import origin_of
from campuscore.adapters.http.route import PAGING, Ask, Elsewhere, Param, Route, Stream
from campuscore.domain.attendance import (
    AttachedFile,
    Attachment,
    CheckIn,
    CheckInQuery,
    DayQuery,
    DayRow,
    NewAttachment,
    NewCheckIn,
)
from campuscore.domain.files import disposition
from campuscore.domain.users import Role
from campuscore.errors import Invalid, Problem
from campuscore.services.shelf import Kept

__all__ = ["ROUTES"]

_FILES = "/attendance/files"
_WHOLE = 2 * 1024 * 1024
"""An aggregate up to so many bytes is sent in one piece, with its length."""

_FORM = Form(file="file", needed=frozenset({"user_id", "date"}))
_DAYS = (
    Param("user", str, "A username, or an id in digits."),
    Param("date", date, "One local day; the same as from and to."),
    Param("from", date, "The first local day."),
    Param("to", date, "The last local day."),
    Param("group", int, "Only who was a member of this group on the day."),
)
_ROLE = Param("role", Role, "Only users with this campus role.")


def list_check_ins(ask: Ask) -> list[CheckIn]:
    values = ask.values()
    page = ask.page(values)
    query = CheckInQuery(has_files=values.pop("has_files", None), **_day_filter(values))
    return ask.rows(ask.campus.attendance.list(ask.principal, query, page))


def check_in(ask: Ask) -> CheckIn | list[CheckIn]:
    given = ask.json()
    service, origin = ask.campus.attendance, origin_of(ask.req)
    if wire.is_array(given):
        news = wire.structure(given, list[NewCheckIn])
        return service.check_in_many(ask.principal, news, origin=origin)
    return service.check_in(ask.principal, wire.structure(given, NewCheckIn), origin=origin)


def attach_file(ask: Ask) -> AttachedFile:
    fields, upload = read_form(ask.req, ask.campus.settings.max_upload, _FORM)
    problems = [
        Problem(f"/{name}", "is missing") for name in ("user_id", "date") if name not in fields
    ]
    problems += [
        Problem(f"/{name}", "is not a known field")
        for name in sorted(fields.keys() - {"user_id", "date"})
    ]
    if upload is None:
        problems.append(Problem("/file", "is missing"))
    if problems or upload is None:
        raise Invalid(*problems)
    loose = {"user": _digits(fields["user_id"]), "date": fields["date"]}
    new = _new_attachment(loose, upload.filename, upload.content_type)
    row = ask.campus.attendance.attach_file(ask.principal, new, upload.chunks())
    return _attached(ask, row)


def list_files(ask: Ask) -> list[AttachedFile]:
    values = ask.values()
    missing = [Problem(f"/{name}", "is missing") for name in ("user", "date") if name not in values]
    if missing:
        raise Invalid(*missing)
    rows = ask.campus.attendance.files(ask.principal, values["user"], values["date"])
    return [_attached(ask, row) for row in rows]


def download_file(ask: Ask, file_id: int) -> Stream | Elsewhere:
    row, found = ask.campus.attendance.fetch_file(ask.principal, file_id)
    if isinstance(found, str):
        return Elsewhere(found)
    headers = {
        "Content-Disposition": disposition(row.filename),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{row.sha256}"',
    }
    return Stream(row.content_type, found, row.size, headers)


def withdraw_file(ask: Ask, file_id: int) -> None:
    ask.campus.attendance.withdraw_file(ask.principal, file_id)


def aggregate(ask: Ask) -> list[DayRow] | Stream | bytes:
    values = ask.values()
    page = ask.page(values)
    query, files = _day_query(values), ask.address(_FILES)
    service = ask.campus.attendance
    if page.limit is not None or page.cursor is not None:
        return ask.rows(service.aggregate(ask.principal, query, page, files=files))
    found = service.aggregate_json(ask.principal, query, files=files)
    if isinstance(found, Kept):
        return ask.unless_known(found, "private, no-cache")
    return _whole_or_stream(found)


def download_sheet(ask: Ask) -> Stream:
    values = ask.values()
    form = str(values.pop("format", "xlsx"))
    query, files = _day_query(values), ask.address(_FILES)
    sheet = ask.campus.attendance.sheet(ask.principal, query, form=form, files=files)
    headers = {"Content-Disposition": disposition(sheet.filename)}
    return Stream(sheet.media_type, sheet.chunks, None, headers)


def _day_query(values: dict[str, Any]) -> DayQuery:
    return DayQuery(role=values.pop("role", None), **_day_filter(values))


def _day_filter(values: dict[str, Any]) -> dict[str, Any]:
    """Turn the parameters of lists of days into the fields of their queries."""
    named: dict[str, Any] = {"since": values.get("from"), "until": values.get("to")}
    if "date" in values:
        if "from" in values or "to" in values:
            raise Invalid.at("/date", "goes without from and to")
        named = {"since": values["date"], "until": values["date"]}
    named["group"] = values.get("group")
    user = values.get("user")
    if user is not None:
        known = _digits(user)
        named["username" if isinstance(known, str) else "user"] = known
    return named


def _new_attachment(loose: dict[str, Any], filename: str, content_type: str) -> NewAttachment:
    try:
        return wire.structure(
            {**loose, "filename": filename, "content_type": content_type}, NewAttachment
        )
    except Invalid as error:
        named = {"/user": "/user_id", "/filename": "/file", "/content_type": "/file"}
        problems = (Problem(named.get(p.path, p.path), p.detail) for p in error.problems)
        raise Invalid(*problems) from error


def _digits(text: str) -> int | str:
    """Read an id; digits that are too many for one stay a text."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(1 << 62))
    return int(text) if plain and int(text) < 1 << 63 else text


def _attached(ask: Ask, row: Attachment) -> AttachedFile:
    return AttachedFile.of(row, ask.address(_FILES))


def _whole_or_stream(chunks: Iterator[bytes]) -> Stream | bytes:
    """Send a short list with its length, and a long one as it is read."""
    read: list[bytes] = []
    size = 0
    for chunk in chunks:
        read.append(chunk)
        size += len(chunk)
        if size > _WHOLE:
            return Stream("application/json", chain(read, chunks))
    return b"".join(read)


_READ = "attendance.read"

ROUTES = (
    Route(
        method="GET",
        path="/attendance/",
        action=_READ,
        handler=list_check_ins,
        summary="List check-ins, newest first.",
        answer=list[CheckIn],
        params=(*_DAYS, Param("has_files", bool, "Only days with, or without, a file."), *PAGING),
    ),
    Route(
        method="POST",
        path="/attendance/",
        action="attendance.record",
        or_action="attendance.record_for",
        handler=check_in,
        summary="Check in: oneself now by default; an array of up to 10,000 is all or nothing.",
        body=NewCheckIn | list[NewCheckIn],
        answer=CheckIn | list[CheckIn],
        status=201,
    ),
    Route(
        method="POST",
        path="/attendance/attach_file/",
        action="attendance.attach",
        handler=attach_file,
        summary="Attach a file to a user's local day.",
        form="file",
        answer=AttachedFile,
        status=201,
    ),
    Route(
        method="GET",
        path="/attendance/files/",
        action=_READ,
        handler=list_files,
        summary="List the files of a user's local day.",
        answer=list[AttachedFile],
        params=(Param("user", int, "The user's id."), Param("date", date, "The local day.")),
        refusals=(404,),
    ),
    Route(
        method="GET",
        path="/attendance/files/{file_id}/",
        action=_READ,
        handler=download_file,
        summary="Download a file.",
        also=(302,),
        answer=bytes,
        media_type="application/octet-stream",
        forms=("*/*",),
    ),
    Route(
        method="DELETE",
        path="/attendance/files/{file_id}/",
        action="attendance.withdraw",
        handler=withdraw_file,
        summary="Withdraw a file.",
        status=204,
    ),
    Route(
        method="GET",
        path="/attendance/aggregated/",
        action=_READ,
        handler=aggregate,
        summary="One row a user and local day: first entry of the morning and of the afternoon.",
        answer=list[DayRow],
        also=(304,),
        params=(*_DAYS, _ROLE, *PAGING),
    ),
    Route(
        method="GET",
        path="/attendance/aggregated/download/",
        action=_READ,
        handler=download_sheet,
        summary="The aggregate as a spreadsheet.",
        answer=bytes,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        forms=("text/csv",),
        params=(*_DAYS, _ROLE, Param("format", str, "xlsx (the default) or csv.")),
    ),
)

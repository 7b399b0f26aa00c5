"""``campuscore attendance``."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from mimetypes import guess_type
from pathlib import Path
from typing import IO, Any, BinaryIO

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import every, show, show_pages, show_rows, writing
from campuscore.adapters.cli.reading import DAY, ID, INSTANT, one_of, span_options, user_id_of
from campuscore.bootstrap import Campus
from campuscore.domain.attendance import (
    AttachedFile,
    Attachment,
    CheckInMethod,
    CheckInQuery,
    DayQuery,
    NewAttachment,
    NewCheckIn,
    clean_filename,
)
from campuscore.domain.users import Role
from campuscore.errors import Unavailable
from campuscore.services.shelf import Kept

__all__ = ["attendance"]

_BLOCK = 256 * 1024
_SHOWN = 100
_DAY_COLUMNS = ("date", "username", "full_name", "group", "morning_entry", "afternoon_entry")
_FILE_COLUMNS = ("id", "filename", "size", "content_type", "url")


@click.group(cls=Group)
def attendance() -> None:
    """Check-ins, days, sheets and files."""


def _filters(command: Any) -> Any:
    options = (
        click.option("--user", help="Only this user, by id or username."),
        span_options,
        click.option("--group", type=ID, help="Only members, on the day, of this group's id."),
    )
    for option in options:
        command = option(command)
    return command


@attendance.command()
@click.argument("user")
@click.option("--at", type=INSTANT, help="When, with its offset; now by default.")
@pass_invocation
def check_in(invocation: Invocation, user: str, at: datetime | None) -> None:
    """Record that USER is, or was, here."""
    campus = invocation.campus()
    new = NewCheckIn(user=user_id_of(campus, user), timestamp=at)
    row = campus.attendance.check_in(campus.operator, new, method=CheckInMethod.MANUAL)
    show(invocation, row)


@attendance.command(name="list")
@_filters
@click.option("--has-files/--no-files", default=None, help="Only days with, or without, a file.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="How many at the most; by default 100 in a table, and all in JSON.",
)
@pass_invocation
def list_check_ins(
    invocation: Invocation,
    /,
    user: str | None,
    limit: int | None,
    *,
    has_files: bool | None,
    **filters: Any,
) -> None:
    """List check-ins, newest first."""
    campus = invocation.campus()
    who = user_id_of(campus, user) if user else None
    query = CheckInQuery(user=who, has_files=has_files, **filters)
    most = limit or (None if invocation.as_json else _SHOWN)
    pages = every(lambda page: campus.attendance.list(campus.operator, query, page), most)
    show_pages(invocation, pages, ("id", "user", "timestamp", "method", "ip_address"))


@attendance.command()
@click.argument("day", type=DAY, required=False)
@click.option("--group", type=ID, help="Only members, on the day, of this group's id.")
@pass_invocation
def day(invocation: Invocation, day: date | None, group: int | None) -> None:
    """Show who was there on DAY, today by default."""
    campus = invocation.campus()
    wanted = day or campus.policy.days.today()
    _show_days(invocation, campus, DayQuery(since=wanted, until=wanted, group=group))


@attendance.command()
@_filters
@click.option("--role", type=one_of(*Role), help="Only users with this campus role.")
@pass_invocation
def report(invocation: Invocation, /, user: str | None, role: str | None, **filters: Any) -> None:
    """Show one row a user and local day."""
    campus = invocation.campus()
    _show_days(invocation, campus, _day_query(campus, user, role, filters))


@attendance.command()
@_filters
@click.option("--role", type=one_of(*Role), help="Only users with this campus role.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["xlsx", "csv"]),
    help="Kind of sheet; by default that of the file's ending, else xlsx.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False), default="-", help="File to write; - for stdout."
)
@pass_invocation
def export(
    invocation: Invocation,
    /,
    user: str | None,
    role: str | None,
    form: str | None,
    output: str,
    **filters: Any,
) -> None:
    """Write the rows of ``report`` as a sheet."""
    form = form or ("csv" if output.lower().endswith(".csv") else "xlsx")
    if form == "xlsx" and output == "-" and sys.stdout.isatty():
        raise click.UsageError("an XLSX file is nothing for a terminal: name one with --output")
    campus = invocation.campus()
    query = _day_query(campus, user, role, filters)
    sheet = campus.attendance.sheet(campus.operator, query, form=form, files=_files(campus))
    with _writer(output) as out:
        for chunk in sheet.chunks:
            out.write(chunk)


@attendance.command()
@click.argument("user")
@click.argument("day", type=DAY)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_invocation
def attach(invocation: Invocation, user: str, day: date, file: Path) -> None:
    """Attach FILE to the local DAY of USER."""
    campus = invocation.campus()
    new = NewAttachment(
        user=user_id_of(campus, user),
        date=day,
        filename=clean_filename(file.name),
        content_type=guess_type(file.name)[0] or "application/octet-stream",
    )
    with file.open("rb") as source:
        row = campus.attendance.attach_file(campus.operator, new, _blocks(source))
    show(invocation, _attached(campus, row))


@attendance.command()
@click.argument("user")
@click.argument("day", type=DAY)
@pass_invocation
def files(invocation: Invocation, user: str, day: date) -> None:
    """List the files of the local DAY of USER."""
    campus = invocation.campus()
    rows = campus.attendance.files(campus.operator, user_id_of(campus, user), day)
    show_rows(invocation, [_attached(campus, row) for row in rows], _FILE_COLUMNS)


@attendance.command()
@pass_invocation
def rebuild(invocation: Invocation) -> None:
    """Compute every local day anew, as after a change of the campus time zone."""
    campus = invocation.campus()
    count = campus.attendance.rebuild(campus.operator)
    click.echo(f"{count} check-ins in {campus.policy.days.zone.key}", err=True)


def _day_query(
    campus: Campus, user: str | None, role: str | None, filters: dict[str, Any]
) -> DayQuery:
    who = user_id_of(campus, user) if user else None
    return DayQuery(user=who, role=Role(role) if role else None, **filters)


def _show_days(invocation: Invocation, campus: Campus, query: DayQuery) -> None:
    """Print the aggregate; its JSON streams, however long it is."""
    files = _files(campus)
    if invocation.as_json:
        found = campus.attendance.aggregate_json(campus.operator, query, files=files)
        out = writing()
        for chunk in (found.body,) if isinstance(found, Kept) else found:
            out.write(chunk)
        out.write(b"\n")
        out.flush()
        return
    service = campus.attendance
    pages = every(lambda page: service.aggregate(campus.operator, query, page, files=files))
    show_pages(invocation, pages, _DAY_COLUMNS)


def _files(campus: Campus) -> str:
    return f"{campus.settings.public_url.rstrip('/')}/attendance/files"


def _attached(campus: Campus, row: Attachment) -> AttachedFile:
    return AttachedFile.of(row, _files(campus))


@contextmanager
def _writer(output: str) -> Generator[BinaryIO]:
    """Open what is written to; a sheet that breaks off does not take the place of the last one."""
    if output == "-":
        yield writing()
        return
    target = Path(output)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    if not target.parent.is_dir():
        raise Unavailable(f"{target.parent}: there is no such folder")
    out = _opened(draft, target)
    try:
        with out:
            yield out
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _opened(draft: Path, target: Path) -> BinaryIO:
    """Open the draft of a file; what cannot be written is named as it was given."""
    try:
        return draft.open("wb")
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror}") from error


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block

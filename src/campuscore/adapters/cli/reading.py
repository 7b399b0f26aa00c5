"""What commands are given: days, users by id or name, passwords that are never arguments."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from campuscore.bootstrap import Campus
from campuscore.domain.checks import check_span
from campuscore.domain.unset import UNSET, Unset
from campuscore.errors import Conflict, Invalid, NotFound

__all__ = [
    "CLOCK",
    "DAY",
    "ID",
    "INSTANT",
    "one_of",
    "or_unset",
    "password_options",
    "read_password",
    "span_options",
    "user_id_of",
]


if TYPE_CHECKING:
    _Days = click.ParamType[date]
    _Clocks = click.ParamType[time]
    _Instants = click.ParamType[datetime]
    _Ids = click.ParamType[int]
else:
    # The class has parameters since click 8.4.
    _Days = _Clocks = _Instants = _Ids = click.ParamType


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if found.isoformat() != text:  # an ISO week date, which the API refuses as well
        raise ValueError(text)
    return found


class _Day(_Days):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else _day(value)
        except ValueError:
            self.fail(f"{value!r} is not a date, such as 2026-09-01", param, ctx)


class _Clock(_Clocks):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> time:
        try:
            return value if isinstance(value, time) else time.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a local time, such as 09:30", param, ctx)


class _Instant(_Instants):
    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an instant, such as 2026-09-01T08:10+03:00", param, ctx)
        if found.tzinfo is None:
            self.fail(f"{value!r} needs an offset, such as Z or +03:00", param, ctx)
        try:
            return found.astimezone(UTC)
        except OverflowError:
            self.fail(f"{value!r} lies outside of the years 1 to 9999", param, ctx)


class _Id(_Ids):
    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        plain = text.isascii() and text.isdigit() and len(text) <= len(str(1 << 62))
        if not plain or int(text) >= 1 << 63:
            self.fail(f"{value!r} is not an id", param, ctx)
        return int(text)


DAY, CLOCK, INSTANT, ID = _Day(), _Clock(), _Instant(), _Id()


def span_options(command: Any) -> Any:
    """Add the first and the last local day of what is asked for."""
    first = click.option(
        "--from", "since", type=DAY, callback=_in_order, help="The first local day."
    )
    last = click.option("--to", "until", type=DAY, callback=_in_order, help="The last local day.")
    return first(last(command))


def _in_order(ctx: click.Context, param: click.Parameter, value: date | None) -> date | None:
    """Compare the two days when the second of them is read."""
    days = {**ctx.params, str(param.name): value}
    try:
        check_span(days.get("since"), days.get("until"), "")
    except Invalid as error:
        raise click.BadParameter(error.problems[0].detail, ctx, param_hint="'--to'") from error
    return value


def one_of(*kinds: StrEnum) -> click.Choice[str]:
    """Return the type of an option that takes one of these words."""
    return click.Choice([kind.value for kind in kinds], case_sensitive=False)


def user_id_of(campus: Campus, text: str) -> int:
    """Return the id of a user who is named by id or username.

    Departments use numbers as usernames: where one is the id of somebody else, ``id:`` or ``name:``
    before it must tell which is meant.
    """
    kind, _, rest = text.partition(":")
    name = rest if kind in {"id", "name"} and rest else text
    by_id = _with_id(campus, name) if kind != "name" else None
    by_name = _with_name(campus, name) if kind != "id" else None
    if by_id is not None and by_name is not None and by_id != by_name:
        words = f"{text} is the id of one user and the username of another"
        raise Conflict(f"{words}: write id:{text} or name:{text}", code="ambiguous_user")
    found = by_id or by_name
    if found is None:
        raise NotFound(f"there is no user {text!r}", code="user_not_found")
    return found


def _with_id(campus: Campus, text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < len(str(1 << 63))):
        return None
    try:
        return campus.users.get(campus.operator, int(text)).id
    except NotFound:
        return None


def _with_name(campus: Campus, text: str) -> int | None:
    try:
        return campus.users.find_named(campus.operator, text).id
    except NotFound:
        return None


def password_options(command: Any) -> Any:
    """Add the two ways to give a password: a prompt, or the first line of stdin."""
    from_stdin = click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input."
    )
    prompt = click.option("--password-prompt", is_flag=True, help="Ask for the password.")
    return prompt(from_stdin(command))


def read_password(*, prompt: bool, stdin: bool) -> str | None:
    """Return the password, or None where none of the two ways was chosen."""
    if stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise Invalid.at("/password", "standard input is empty")
        return line
    if prompt:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return None


def or_unset(value: Any) -> Any | Unset:
    """Return what an option was given, or the mark that it was not."""
    return UNSET if value is None else value

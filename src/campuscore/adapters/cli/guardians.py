"""``campuscore users guardians``."""

from __future__ import annotations

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show_rows
from campuscore.adapters.cli.reading import user_id_of

__all__ = ["guardians"]

_COLUMNS = ("id", "username", "first_name", "last_name", "role")


@click.group(cls=Group)
def guardians() -> None:
    """Who sees the days of a student for whom they care."""


@guardians.command(name="list")
@click.argument("student")
@pass_invocation
def list_guardians(invocation: Invocation, student: str) -> None:
    """List the guardians of STUDENT, given by id or username."""
    campus = invocation.campus()
    rows = campus.users.guardians.of(campus.operator, user_id_of(campus, student))
    show_rows(invocation, rows, _COLUMNS)


@guardians.command()
@click.argument("student")
@click.argument("guardian")
@pass_invocation
def add(invocation: Invocation, student: str, guardian: str) -> None:
    """Let GUARDIAN see the attendance and the timetable of STUDENT."""
    campus = invocation.campus()
    users = (user_id_of(campus, student), user_id_of(campus, guardian))
    campus.users.guardians.link(campus.operator, *users)


@guardians.command()
@click.argument("student")
@click.argument("guardian")
@pass_invocation
def remove(invocation: Invocation, student: str, guardian: str) -> None:
    """Undo that, in the very next request."""
    campus = invocation.campus()
    users = (user_id_of(campus, student), user_id_of(campus, guardian))
    campus.users.guardians.unlink(campus.operator, *users)

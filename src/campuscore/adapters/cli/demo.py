"""``campuscore demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from campuscore.adapters.cli.invocation import Command, Invocation, pass_invocation
from campuscore.adapters.cli.output import show
from campuscore.domain.passwords import Holder
from campuscore.domain.users import Role
from campuscore.errors import Conflict
from campuscore.plugins import load

if TYPE_CHECKING:
    from campuscore.bootstrap import Campus

__all__ = ["demo", "fill_once"]


@click.command(cls=Command)
@click.option("--seed", type=int, default=1, show_default=True, help="Another one, other people.")
@click.option("--yes", is_flag=True, help="Do it on a campus that has people already.")
@click.option("--with-logins", is_flag=True, help="Give all of them one password, printed once.")
@click.option("--remove", is_flag=True, help="Take it all away again.")
@pass_invocation
def demo(
    invocation: Invocation, /, *, seed: int, yes: bool, with_logins: bool, remove: bool
) -> None:
    """Fill in a small believable campus, or remove it.

    120 people with departments, courses and labs, a timetable, two months of attendance up to
    today, files and packages: the same for the same seed and day.
    """
    if remove and (yes or with_logins):
        raise click.UsageError("--remove goes with no other option")
    if remove:
        campus = invocation.campus()
        show(invocation, campus.demo.remove(campus.operator))
        return
    campus = invocation.any_campus()
    fill: Any = load("campuscore.adapters.demo:fill")
    try:
        filled = fill(campus, seed=seed, among_others=yes)
    except Conflict as error:
        if error.code == "campus_not_empty":
            raise Conflict(
                f"{error.detail}; --yes fills in all the same", code=error.code
            ) from error
        raise
    show(invocation, filled)
    if with_logins:
        _let_in(campus)


def fill_once(campus: Campus) -> None:
    """Fill in the demonstration where none stands; refuse among people who are real."""
    if not campus.demo.standing(campus.operator).is_there:
        load("campuscore.adapters.demo:fill")(campus)


def _let_in(campus: Campus) -> None:
    password = campus.demo.rules.invent(Holder(Role.TEACHER))
    count = campus.demo.let_in(campus.operator, password)
    click.echo(f"Password of all {count}: {password}\nIt is shown this once.", err=True)

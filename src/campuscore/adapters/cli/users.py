"""``campuscore users``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from click.termui import progressbar

from campuscore.adapters.cli.guardians import guardians
from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import every, show, show_pages, write_json
from campuscore.adapters.cli.reading import (
    one_of,
    or_unset,
    password_options,
    read_password,
    user_id_of,
)
from campuscore.adapters.cli.reports import print_report
from campuscore.domain.users import NewUser, Role, UserChange, UserQuery
from campuscore.plugins import load

__all__ = ["users"]

_ROLE = one_of(*Role)
_ACTIVE = {"true": True, "false": False, "all": None}
_COLUMNS = ("id", "username", "first_name", "last_name", "role", "email", "active")
_LONG = 5


@click.group(cls=Group)
def users() -> None:
    """People and devices."""


def _fields(command: Any) -> Any:
    for name in ("locale", "email", "last-name", "first-name"):
        command = click.option(f"--{name}", help=f"The user's {name.replace('-', ' ')}.")(command)
    return command


@users.command()
@click.argument("username")
@click.option("--role", type=_ROLE, default=Role.STUDENT, show_default=True, help="Campus role.")
@_fields
@password_options
@pass_invocation
def create(
    invocation: Invocation,
    /,
    username: str,
    role: str,
    *,
    password_prompt: bool,
    password_stdin: bool,
    **fields: str | None,
) -> None:
    """Create a user; without a password nobody can log in as them yet."""
    password = read_password(prompt=password_prompt, stdin=password_stdin)
    given = {name: value for name, value in fields.items() if value is not None}
    new = NewUser(username=username, role=Role(role), password=password, **given)
    campus = invocation.any_campus()
    show(invocation, campus.users.create(campus.operator, new))


@users.command(name="list")
@click.option("--active", type=click.Choice(list(_ACTIVE)), default="true", show_default=True)
@click.option("--role", type=_ROLE, help="Only users with this campus role.")
@click.option("--search", default="", help="Only users whose username or name contains this.")
@pass_invocation
def list_users(invocation: Invocation, active: str, role: str | None, search: str) -> None:
    """List users by id."""
    query = UserQuery(active=_ACTIVE[active], role=Role(role) if role else None, search=search)
    campus = invocation.campus()
    pages = every(lambda page: campus.users.list(campus.operator, query, page))
    show_pages(invocation, pages, _COLUMNS)


@users.command(name="show")
@click.argument("user")
@pass_invocation
def show_user(invocation: Invocation, user: str) -> None:
    """Show USER, given by id or username."""
    campus = invocation.campus()
    show(invocation, campus.users.get(campus.operator, user_id_of(campus, user)))


@users.command()
@click.argument("user")
@click.option("--username", help="Another username.")
@click.option("--role", type=_ROLE, help="Another campus role.")
@click.option("--active/--inactive", default=None, help="Let the user in again, or shut them out.")
@_fields
@pass_invocation
def update(
    invocation: Invocation, /, user: str, role: str | None, *, active: bool | None, **fields: Any
) -> None:
    """Change fields of USER, given by id or username."""
    change = UserChange(
        role=or_unset(role and Role(role)),
        active=or_unset(active),
        **{name: or_unset(value) for name, value in fields.items()},
    )
    campus = invocation.campus()
    show(invocation, campus.users.update(campus.operator, user_id_of(campus, user), change))


@users.command()
@click.argument("user")
@pass_invocation
def deactivate(invocation: Invocation, user: str) -> None:
    """Shut USER out in the very next request; what they did stays on record."""
    campus = invocation.campus()
    campus.users.deactivate(campus.operator, user_id_of(campus, user))


@users.command()
@click.argument("user")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@pass_invocation
def passwd(invocation: Invocation, user: str, *, password_stdin: bool) -> None:
    """Set the password of USER, and end their sessions."""
    campus = invocation.campus()
    user_id = user_id_of(campus, user)
    password = read_password(prompt=not password_stdin, stdin=password_stdin) or ""
    campus.users.set_password(campus.operator, user_id, password)


@users.command()
@click.argument("user")
@pass_invocation
def unlock(invocation: Invocation, user: str) -> None:
    """Let USER try passwords again at once, after too many wrong ones."""
    campus = invocation.campus()
    campus.auth.unlock(campus.operator, user_id_of(campus, user))


@users.command(name="import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Report what would change, and change nothing.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of CSV files.")
@click.option("--source", help="Name of where the roster comes from; memberships remember it.")
@click.option("--allow-removals", is_flag=True, help="End more than a tenth of the memberships.")
@click.option("--verbose", is_flag=True, help="Show unchanged rows as well.")
@pass_invocation
def import_roster(
    invocation: Invocation,
    /,
    path: Path,
    encoding: str,
    source: str | None,
    *,
    dry_run: bool,
    allow_removals: bool,
    verbose: bool,
) -> None:
    """Import a roster from PATH: a CSV or XLSX file of people, or an SDS folder.

    All of it is imported or nothing; what stands already is left as it is.
    """
    read_roster: Any = load("campuscore.adapters.rosters:read_roster")
    with _progress() as bar:
        roster = read_roster(path, encoding=encoding, source=source)
        bar.update(1)
        campus = invocation.any_campus(dry_run=dry_run)
        bar.update(1)
        report = campus.rosters.import_(
            campus.operator, roster, dry_run=dry_run, allow_removals=allow_removals
        )
        bar.update(1)
    if invocation.as_json:
        write_json(report)
    else:
        print_report(report, verbose=verbose)


def _progress() -> Any:
    hidden = not sys.stderr.isatty()
    return progressbar(length=3, label="Importing", file=sys.stderr, hidden=hidden)


users.add_command(guardians)

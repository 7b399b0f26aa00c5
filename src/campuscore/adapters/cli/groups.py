"""``campuscore groups``."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import every, show, show_pages, show_rows, write_json
from campuscore.adapters.cli.reading import DAY, ID, one_of, or_unset, user_id_of
from campuscore.domain.groups import MEMBER_ROLES, GroupChange, GroupKind, NewGroup
from campuscore.domain.users import Role

__all__ = ["groups"]

_KIND = one_of(*GroupKind)
_ROLE = one_of(*sorted(MEMBER_ROLES))


@click.group(cls=Group)
def groups() -> None:
    """Groups and who belongs to them."""


@groups.command()
@click.argument("name")
@click.option("--kind", type=_KIND, default=GroupKind.CLASS, show_default=True, help="Its kind.")
@click.option("--parent", type=ID, help="Id of the group that it hangs under.")
@click.option("--code", default="", help="A code of the department's own.")
@click.option("--term", type=ID, help="Id of its term.")
@pass_invocation
def create(invocation: Invocation, /, name: str, kind: str, **fields: Any) -> None:
    """Create a group called NAME."""
    campus = invocation.any_campus()
    new = NewGroup(name=name, kind=GroupKind(kind), **fields)
    show(invocation, campus.groups.create(campus.operator, new))


@groups.command(name="list")
@pass_invocation
def list_groups(invocation: Invocation) -> None:
    """List groups by id."""
    campus = invocation.campus()
    columns = ("id", "name", "kind", "parent", "code", "term", "teachers")
    pages = every(lambda page: campus.groups.list(campus.operator, page))
    show_pages(invocation, pages, columns)


@groups.command(name="show")
@click.argument("group", type=ID)
@pass_invocation
def show_group(invocation: Invocation, group: int) -> None:
    """Show the group with the id GROUP."""
    campus = invocation.campus()
    show(invocation, campus.groups.get(campus.operator, group))


@groups.command()
@click.argument("group", type=ID)
@click.option("--name", help="Another name.")
@click.option("--kind", type=_KIND, help="Another kind.")
@click.option("--parent", type=ID, help="Id of the group to hang it under; 0 for none.")
@click.option("--code", help="Another code.")
@click.option("--term", type=ID, help="Id of another term; 0 for none.")
@pass_invocation
def update(
    invocation: Invocation,
    /,
    group: int,
    kind: str | None,
    parent: int | None,
    term: int | None,
    **fields: Any,
) -> None:
    """Change fields of the group with the id GROUP."""
    change = GroupChange(
        kind=or_unset(kind and GroupKind(kind)),
        parent=_cleared(parent),
        term=_cleared(term),
        **{name: or_unset(value) for name, value in fields.items()},
    )
    campus = invocation.campus()
    show(invocation, campus.groups.update(campus.operator, group, change))


@groups.command()
@click.argument("group", type=ID)
@pass_invocation
def archive(invocation: Invocation, group: int) -> None:
    """Take the group with the id GROUP out of use; past attendance keeps its name."""
    campus = invocation.campus()
    campus.groups.archive(campus.operator, group)


@groups.command()
@click.argument("group", type=ID)
@click.argument("user")
@click.option("--role", type=_ROLE, default=Role.STUDENT, show_default=True, help="As what.")
@pass_invocation
def add_user(invocation: Invocation, group: int, user: str, role: str) -> None:
    """Make USER a member of GROUP from today on; twice is the same as once."""
    campus = invocation.campus()
    user_id = user_id_of(campus, user)
    changed = campus.groups.add_user(campus.operator, group, user_id, Role(role))
    click.echo("added" if changed else "was a member already", err=True)
    _answer(invocation, f"user {user_id} is {role} in group {group}")


@groups.command()
@click.argument("group", type=ID)
@click.argument("user")
@click.option("--role", type=_ROLE, help="In this role only.")
@pass_invocation
def remove_user(invocation: Invocation, group: int, user: str, role: str | None) -> None:
    """End USER's membership of GROUP as of today."""
    campus = invocation.campus()
    user_id = user_id_of(campus, user)
    held = Role(role) if role else None
    changed = campus.groups.remove_user(campus.operator, group, user_id, held)
    click.echo("removed" if changed else "was no member", err=True)
    _answer(invocation, f"user {user_id} is no longer in group {group}")


@groups.command()
@click.argument("group", type=ID)
@click.option("--date", "day", type=DAY, help="On this local day; today by default.")
@pass_invocation
def members(invocation: Invocation, group: int, day: date | None) -> None:
    """List who belongs to GROUP."""
    campus = invocation.campus()
    columns = ("id", "username", "first_name", "last_name", "role", "begin", "end")
    show_rows(invocation, campus.groups.members(campus.operator, group, day), columns)


def _answer(invocation: Invocation, message: str) -> None:
    """Give a program what the API answers; people were told what happened."""
    if invocation.as_json:
        write_json({"message": message})


def _cleared(value: int | None) -> Any:
    """Read 0 as the wish to clear."""
    return None if value == 0 else or_unset(value)

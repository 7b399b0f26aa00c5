"""``campuscore terms`` and ``campuscore rooms``."""

from __future__ import annotations

from datetime import date
from typing import Any

import click
from attrs import evolve

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show, show_rows
from campuscore.adapters.cli.reading import DAY, ID
from campuscore.domain.schedule import NewRoom, NewTerm

__all__ = ["rooms", "terms"]


@click.group(cls=Group)
def terms() -> None:
    """Named spans of dates."""


@terms.command(name="create")
@click.argument("name")
@click.argument("first_day", type=DAY)
@click.argument("last_day", type=DAY)
@click.option("--code", default="", help="A code of the department's own.")
@pass_invocation
def create_term(
    invocation: Invocation, name: str, first_day: date, last_day: date, code: str
) -> None:
    """Create a term called NAME, from FIRST_DAY to LAST_DAY."""
    campus = invocation.any_campus()
    new = NewTerm(name=name, first_day=first_day, last_day=last_day, code=code)
    show(invocation, campus.schedule.terms.create(campus.operator, new))


@terms.command(name="list")
@pass_invocation
def list_terms(invocation: Invocation) -> None:
    """List terms by first day."""
    campus = invocation.campus()
    columns = ("id", "name", "first_day", "last_day", "code")
    show_rows(invocation, campus.schedule.terms.list(campus.operator), columns)


@terms.command(name="show")
@click.argument("term", type=ID)
@pass_invocation
def show_term(invocation: Invocation, term: int) -> None:
    """Show the term with the id TERM."""
    campus = invocation.campus()
    show(invocation, campus.schedule.terms.get(campus.operator, term))


@terms.command(name="update")
@click.argument("term", type=ID)
@click.option("--name", help="Another name.")
@click.option("--first-day", type=DAY, help="Another first day.")
@click.option("--last-day", type=DAY, help="Another last day.")
@click.option("--code", help="Another code.")
@pass_invocation
def update_term(invocation: Invocation, /, term: int, **fields: Any) -> None:
    """Change fields of the term with the id TERM."""
    campus = invocation.campus()
    found = campus.schedule.terms.get(campus.operator, term)
    new = evolve(
        NewTerm(
            name=found.name, first_day=found.first_day, last_day=found.last_day, code=found.code
        ),
        **_given(fields),
    )
    show(invocation, campus.schedule.terms.replace(campus.operator, term, new))


@terms.command(name="remove")
@click.argument("term", type=ID)
@pass_invocation
def remove_term(invocation: Invocation, term: int) -> None:
    """Remove the term with the id TERM."""
    campus = invocation.campus()
    campus.schedule.terms.remove(campus.operator, term)


@click.group(cls=Group)
def rooms() -> None:
    """Bookable places."""


@rooms.command(name="create")
@click.argument("name")
@click.option("--capacity", type=int, help="How many people it holds.")
@pass_invocation
def create_room(invocation: Invocation, name: str, capacity: int | None) -> None:
    """Create a room called NAME."""
    campus = invocation.any_campus()
    new = NewRoom(name=name, capacity=capacity)
    show(invocation, campus.schedule.rooms.create(campus.operator, new))


@rooms.command(name="list")
@pass_invocation
def list_rooms(invocation: Invocation) -> None:
    """List rooms by name."""
    campus = invocation.campus()
    rows = campus.schedule.rooms.list(campus.operator)
    show_rows(invocation, rows, ("id", "name", "capacity"))


@rooms.command(name="show")
@click.argument("room", type=ID)
@pass_invocation
def show_room(invocation: Invocation, room: int) -> None:
    """Show the room with the id ROOM."""
    campus = invocation.campus()
    show(invocation, campus.schedule.rooms.get(campus.operator, room))


@rooms.command(name="update")
@click.argument("room", type=ID)
@click.option("--name", help="Another name.")
@click.option("--capacity", type=int, help="How many people it holds.")
@pass_invocation
def update_room(invocation: Invocation, /, room: int, **fields: Any) -> None:
    """Change fields of the room with the id ROOM."""
    campus = invocation.campus()
    found = campus.schedule.rooms.get(campus.operator, room)
    new = evolve(NewRoom(name=found.name, capacity=found.capacity), **_given(fields))
    show(invocation, campus.schedule.rooms.replace(campus.operator, room, new))


@rooms.command(name="remove")
@click.argument("room", type=ID)
@pass_invocation
def remove_room(invocation: Invocation, room: int) -> None:
    """Remove the room with the id ROOM."""
    campus = invocation.campus()
    campus.schedule.rooms.remove(campus.operator, room)


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}

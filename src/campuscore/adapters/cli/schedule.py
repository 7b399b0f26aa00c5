"""``campuscore schedule``."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import every, show, show_pages
from campuscore.adapters.cli.reading import CLOCK, DAY, ID, or_unset, span_options
from campuscore.domain.schedule import EntryChange, EntryQuery, NewEntry

__all__ = ["schedule"]

_COLUMNS = ("id", "date", "start", "end", "title", "group", "room")


@click.group(cls=Group)
def schedule() -> None:
    """The timetable."""


@schedule.command()
@click.argument("group", type=ID)
@click.argument("title")
@click.argument("day", type=DAY)
@click.option("--start", type=CLOCK, help="Local time at which it begins.")
@click.option("--end", type=CLOCK, help="Local time at which it ends.")
@click.option("--room", type=ID, help="Id of the room.")
@pass_invocation
def add(invocation: Invocation, /, group: int, title: str, day: date, **fields: Any) -> None:
    """Put TITLE on the timetable of GROUP for the local DAY."""
    campus = invocation.campus()
    new = NewEntry(group=group, title=title, date=day, **fields)
    show(invocation, campus.schedule.create(campus.operator, new))


@schedule.command(name="list")
@click.option("--group", type=ID, help="Only entries of this group's id.")
@span_options
@pass_invocation
def list_entries(invocation: Invocation, /, **filters: Any) -> None:
    """List entries by date."""
    campus = invocation.campus()
    query = EntryQuery(**filters)
    pages = every(lambda page: campus.schedule.list(campus.operator, query, page))
    show_pages(invocation, pages, _COLUMNS)


@schedule.command(name="show")
@click.argument("entry", type=ID)
@pass_invocation
def show_entry(invocation: Invocation, entry: int) -> None:
    """Show the entry with the id ENTRY."""
    campus = invocation.campus()
    show(invocation, campus.schedule.get(campus.operator, entry))


@schedule.command()
@click.argument("entry", type=ID)
@click.option("--group", type=ID, help="Id of another group.")
@click.option("--title", help="Another title.")
@click.option("--date", type=DAY, help="Another local day.")
@click.option("--start", type=CLOCK, help="Another local time of beginning.")
@click.option("--end", type=CLOCK, help="Another local time of ending.")
@click.option("--room", type=ID, help="Id of another room; 0 for none.")
@pass_invocation
def update(invocation: Invocation, /, entry: int, room: int | None, **fields: Any) -> None:
    """Change fields of the entry with the id ENTRY."""
    change = EntryChange(
        room=None if room == 0 else or_unset(room),
        **{name: or_unset(value) for name, value in fields.items()},
    )
    campus = invocation.campus()
    show(invocation, campus.schedule.update(campus.operator, entry, change))


@schedule.command()
@click.argument("entry", type=ID)
@pass_invocation
def remove(invocation: Invocation, entry: int) -> None:
    """Take the entry with the id ENTRY off the timetable."""
    campus = invocation.campus()
    campus.schedule.remove(campus.operator, entry)

"""``campuscore db``, ``events`` and ``worker``."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import click

from campuscore.adapters.cli.delivery import deliver
from campuscore.adapters.cli.invocation import Command, Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show, show_pages, write_json
from campuscore.adapters.cli.reading import ID, one_of
from campuscore.adapters.cli.upkeep import backup, restore
from campuscore.bootstrap import Campus
from campuscore.domain.days import utc_now
from campuscore.domain.events import Message, MessageState
from campuscore.plugins import find_store
from campuscore.ports.operations import StoreKeeper
from campuscore.upkeep import require_database

__all__ = ["db", "events", "worker"]

_PAUSE = 1.0
_COLUMNS = ("id", "created_at", "topic", "key", "state", "attempts", "last_error")


@click.group(cls=Group)
def db() -> None:
    """The database: migrations and backups."""


db.add_command(backup)
db.add_command(restore)


@db.command()
@pass_invocation
def upgrade(invocation: Invocation) -> None:
    """Apply the missing migrations."""
    show(invocation, _keeper(invocation).upgrade())


@db.command()
@pass_invocation
def status(invocation: Invocation) -> None:
    """Say which revision the database is at, and which this release needs."""
    require_database(invocation.settings())
    found = _keeper(invocation).status()
    show(invocation, found)
    if not found.up_to_date:
        click.echo("Migrations are missing; apply them with: campuscore db upgrade", err=True)
        click.get_current_context().exit(1)


@click.group(cls=Group)
def events() -> None:
    """What happened, as the outbox has it."""


@events.command()
@click.option("--state", type=one_of(*MessageState), help="Only messages so far along.")
@click.option("--after", type=ID, default=0, show_default=True, help="Only ids above this.")
@click.option("--follow", is_flag=True, help="Wait for more, until interrupted.")
@pass_invocation
def tail(invocation: Invocation, state: str | None, after: int, *, follow: bool) -> None:
    """Print events, oldest first; followed ones as a JSON document each."""
    campus = invocation.campus()
    wanted = MessageState(state) if state else None
    if not follow:
        show_pages(invocation, _events(campus, wanted, after), _COLUMNS)
        return
    while True:
        for rows in _events(campus, wanted, after):
            _print_followed(invocation, rows)
            after = rows[-1].id
        time.sleep(_PAUSE)


@events.command()
@click.argument("message", type=ID)
@pass_invocation
def retry(invocation: Invocation, message: int) -> None:
    """Deliver the dead letter with the id MESSAGE again."""
    campus = invocation.campus()
    campus.operations.retry(campus.operator, message)


@click.command(cls=Command)
@pass_invocation
def worker(invocation: Invocation) -> None:
    """Deliver messages and run due jobs until SIGTERM or SIGINT.

    The server does this itself; a worker of its own is for programs that embed the library.
    """
    campus = invocation.campus()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stop.set())
    click.echo("delivering; Ctrl+C ends it", err=True)
    deliver(campus, stop)


def _events(campus: Campus, state: MessageState | None, after: int) -> Iterator[list[Message]]:
    while rows := campus.operations.events(campus.operator, state=state, after=after):
        yield rows
        after = rows[-1].id


def _print_followed(invocation: Invocation, rows: list[Message]) -> None:
    if not invocation.as_json:
        show_pages(invocation, [rows], _COLUMNS, head=False)
        return
    for row in rows:
        write_json(row)


def _keeper(invocation: Invocation) -> StoreKeeper:
    """Open the store alone: opening the campus would migrate it."""
    settings = invocation.settings()
    keeper = find_store(settings.database)(settings, utc_now).keeper
    click.get_current_context().call_on_close(keeper.close)
    return keeper

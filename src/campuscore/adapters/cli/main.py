"""``campuscore``: the group of all commands, each loaded when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from campuscore import __version__
from campuscore.adapters.cli.invocation import Group

__all__ = ["COMMANDS", "LazyCommand", "main"]


class LazyCommand(NamedTuple):
    """Where a command is, and the line that help shows of it."""

    where: str
    help: str


_HERE = "campuscore.adapters.cli"

COMMANDS = {
    "serve": LazyCommand(f"{_HERE}.serve:serve", "Serve the API and create what is missing."),
    "users": LazyCommand(f"{_HERE}.users:users", "People and devices."),
    "groups": LazyCommand(f"{_HERE}.groups:groups", "Groups and who belongs to them."),
    "attendance": LazyCommand(
        f"{_HERE}.attendance:attendance", "Check-ins, days, sheets and files."
    ),
    "schedule": LazyCommand(f"{_HERE}.schedule:schedule", "The timetable."),
    "terms": LazyCommand(f"{_HERE}.places:terms", "Named spans of dates."),
    "rooms": LazyCommand(f"{_HERE}.places:rooms", "Bookable places."),
    "packages": LazyCommand(f"{_HERE}.packages:packages", "The package index."),
    "import-django": LazyCommand(
        f"{_HERE}.transfer:import_django", "Move a Django campus here, passwords included."
    ),
    "demo": LazyCommand(f"{_HERE}.demo:demo", "Fill in a small believable campus, or remove it."),
    "keys": LazyCommand(f"{_HERE}.keys:keys", "The keys that access tokens are signed with."),
    "passwords": LazyCommand(
        f"{_HERE}.passwords:passwords", "The sealing of stored passwords, and breached ones."
    ),
    "tokens": LazyCommand(f"{_HERE}.auth:tokens", "API tokens for programs."),
    "db": LazyCommand(f"{_HERE}.operations:db", "The database: migrations and backups."),
    "doctor": LazyCommand(f"{_HERE}.upkeep:doctor", "Look for what is wrong, and what helps."),
    "audit": LazyCommand(f"{_HERE}.audit:audit", "Who did what, and what was refused."),
    "events": LazyCommand(f"{_HERE}.operations:events", "What happened, as the outbox has it."),
    "worker": LazyCommand(
        f"{_HERE}.operations:worker", "Deliver messages and run due jobs until SIGTERM or SIGINT."
    ),
    "config": LazyCommand(f"{_HERE}.settings:config", "The settings and where they come from."),
    "completion": LazyCommand(
        f"{_HERE}.completion:completion", "Print the script that completes commands in SHELL."
    ),
}


class _Main(Group):
    """Shows help from the table above, so that no command is loaded for it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        module, _, name = found.where.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="campuscore")
def main() -> None:
    """People, attendance, timetable and package index of a teaching department.

    Settings come from options, then the environment (CAMPUSCORE_*), then the file of --config.
    Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
    """

"""``campuscore import-django``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from click.termui import progressbar

from campuscore.adapters.cli.invocation import Command, Invocation, pass_invocation
from campuscore.adapters.cli.output import write_json
from campuscore.adapters.cli.reports import print_report
from campuscore.domain.days import find_zone
from campuscore.plugins import load

__all__ = ["import_django"]

_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)
_SQLITE = "sqlite:///"


class _Database(click.Path):
    """A URL, or the path of a file that is there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = os.fsdecode(value)
        if "://" in text and not text.startswith(_SQLITE):
            return text
        return super().convert(text.removeprefix(_SQLITE), param, ctx)


@click.command(cls=Command)
@click.argument(
    "database", type=_Database(exists=True, dir_okay=False), envvar="DJANGO_DATABASE_URL"
)
@click.option(
    "--media",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that MEDIA_ROOT named; without it no file comes in.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="ROLE=TABLE",
    help="What a table holds, such as users=auth_user; ROLE= for none.",
)
@click.option("--mapping", type=_PATH, help="TOML file that names tables and columns.")
@click.option(
    "--times-in",
    "zone",
    default="UTC",
    show_default=True,
    help="Zone of times without an offset; UTC unless USE_TZ was off.",
)
@click.option("--source", default="django", show_default=True, help="Name of where it comes from.")
@click.option("--dry-run", is_flag=True, help="Report what would change, and change nothing.")
@click.option("--skip-broken", is_flag=True, help="Leave out rows that cannot come in.")
@click.option("--verbose", is_flag=True, help="Show unchanged rows as well.")
@pass_invocation
def import_django(
    invocation: Invocation,
    /,
    *,
    database: str,
    media: Path | None,
    tables: tuple[str, ...],
    mapping: Path | None,
    zone: str,
    source: str,
    dry_run: bool,
    skip_broken: bool,
    verbose: bool,
) -> None:
    """Move a Django campus here, passwords included.

    People, groups, attendance, files, timetable and packages come in; what came in before is left
    as it is now. DATABASE is a SQLite file or a PostgreSQL URL, and is only read; a URL with a
    password belongs into the variable DJANGO_DATABASE_URL instead.
    """
    open_django: Any = load("campuscore.adapters.django:open_django")
    layout: Any = load("campuscore.adapters.django:Mapping").of(tables, mapping)
    reading = open_django(
        database, media=media, mapping=layout, zone=find_zone(zone), source=source
    )
    with reading as transfer, _progress() as bar:
        campus = invocation.any_campus(dry_run=dry_run)
        report = campus.transfers.import_(
            campus.operator,
            transfer,
            dry_run=dry_run,
            skip_broken=skip_broken,
            done=lambda _: bar.update(1),
        )
    if invocation.as_json:
        write_json(report)
    else:
        print_report(report, verbose=verbose)


def _progress() -> Any:
    hidden = not sys.stderr.isatty()
    return progressbar(length=0, label="Files", file=sys.stderr, hidden=hidden, show_pos=True)

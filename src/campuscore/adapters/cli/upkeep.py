"""``campuscore doctor``, ``db backup`` and ``db restore``."""

from __future__ import annotations

from pathlib import Path

import click

from campuscore import upkeep
from campuscore.adapters.cli.invocation import Command, Invocation, pass_invocation
from campuscore.adapters.cli.output import show_rows, write_json
from campuscore.adapters.cli.serving.lock import hold
from campuscore.domain.operations import Finding, Level, Manifest
from campuscore.errors import CampusError, Misconfigured
from campuscore.settings import Settings

__all__ = ["backup", "doctor", "restore"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.option("--deep", is_flag=True, help="Read every file and the whole database.")
@pass_invocation
def doctor(invocation: Invocation, *, deep: bool) -> None:
    """Look for what is wrong, and what helps.

    Nothing is changed. The exit code is 1 when any check is a failure; warnings leave it 0.
    """
    findings = _findings(invocation, deep=deep)
    show_rows(invocation, findings, ("level", "check", "detail", "advice"))
    if any(finding.level is Level.FAILURE for finding in findings):
        click.get_current_context().exit(1)


@click.command(cls=Command)
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="Put it in place of FILE when that is there.")
@pass_invocation
def backup(invocation: Invocation, file: Path, *, replace: bool) -> None:
    """Write database, files and secret into the tar archive FILE.

    The server may go on meanwhile. FILE is compressed when its name ends with .gz or .tgz. Who can
    read it can log in as anybody.
    """
    manifest = upkeep.back_up(invocation.settings(), file.absolute(), replace=replace)
    _tell(invocation, "backed up", manifest)


@click.command(cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the campus that is there.")
@pass_invocation
def restore(invocation: Invocation, file: Path, *, replace: bool) -> None:
    """Restore the backup FILE into an empty home.

    The archive is verified before anything is changed, and an older database is migrated. A home
    that a server holds is refused.
    """
    settings = invocation.settings()
    with hold(settings.folder, "restore"):
        manifest = upkeep.restore(settings, file.absolute(), replace=replace)
    _tell(invocation, "restored", manifest)


def _findings(invocation: Invocation, *, deep: bool) -> list[Finding]:
    try:
        source = invocation.source
        return upkeep.examine(source.read(Settings), source.origins(Settings), deep=deep)
    except Misconfigured as error:
        return [Finding("settings", Level.FAILURE, error.detail, "see campuscore config show")]
    except CampusError as error:
        return [Finding("database", Level.FAILURE, error.detail, "see database_url")]


def _tell(invocation: Invocation, done: str, manifest: Manifest) -> None:
    if invocation.as_json:
        write_json(manifest)
        return
    size = sum(member.size for member in manifest.members.values())
    rows = sum(manifest.counts.values())
    click.echo(
        f"{done}: {rows} rows and {manifest.files} stored files, {size} bytes in all, "
        f"schema {manifest.revision or 'empty'}, of {manifest.made_at:%F %H:%M} UTC",
        err=True,
    )

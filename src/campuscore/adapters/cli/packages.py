"""``campuscore packages``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click
from click.termui import progressbar

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show_rows
from campuscore.domain.packages import NewUpload, releases_of
from campuscore.services.packages import Published

__all__ = ["packages"]

_BLOCK = 1024 * 1024
_FILE = ("filename", "version", "size", "sha256")
_RELEASE = ("project", "version", "files", "size", "uploaded_at", "yanked")
_PROJECT = ("name", "serial", "owner", "created_at")


@click.group(cls=Group)
def packages() -> None:
    """The package index."""


@packages.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@pass_invocation
def upload(invocation: Invocation, files: tuple[Path, ...]) -> None:
    """Publish FILES: wheels and source distributions; what is there already is left as it is."""
    campus = invocation.any_campus()
    done: list[Published] = []
    for file in files:
        with file.open("rb") as source, _progress(file) as bar:
            new = NewUpload(filename=file.name)
            done.append(campus.packages.upload(campus.operator, new, _blocks(source, bar)))
    show_rows(invocation, [each.file for each in done], _FILE)
    for each in done:
        if not each.created:
            click.echo(f"{each.file.filename}: is there already", err=True)


@packages.command(name="list")
@pass_invocation
def list_projects(invocation: Invocation) -> None:
    """List projects by name."""
    campus = invocation.campus()
    show_rows(invocation, campus.packages.list(campus.operator), _PROJECT)


@packages.command(name="show")
@click.argument("project")
@pass_invocation
def show_project(invocation: Invocation, project: str) -> None:
    """List the releases of PROJECT, newest version first."""
    campus = invocation.campus()
    page = campus.packages.page(campus.operator, project)
    show_rows(invocation, releases_of(page), _RELEASE)


@packages.command()
@click.argument("project")
@click.argument("version")
@click.option("--file", "filename", help="Only this file of the release.")
@click.option("--reason", default="", help="What installers show of why.")
@click.option("--undo", is_flag=True, help="Take the yank back.")
@pass_invocation
def yank(
    invocation: Invocation,
    /,
    project: str,
    version: str,
    filename: str | None,
    reason: str,
    *,
    undo: bool,
) -> None:
    """Yank VERSION of PROJECT: installers skip it unless it is pinned."""
    campus = invocation.campus()
    page = campus.packages.yank(
        campus.operator, project, version, filename=filename, reason=None if undo else reason
    )
    show_rows(invocation, releases_of(page), _RELEASE)


@packages.command()
@click.argument("project")
@click.argument("version")
@click.option("--file", "filename", help="Only this file of the release.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def delete(
    invocation: Invocation, project: str, version: str, filename: str | None, *, yes: bool
) -> None:
    """Delete VERSION of PROJECT for good; the names of its files are never used again."""
    what = filename or f"{project} {version}"
    if not yes and not (sys.stdin.isatty() and click.confirm(f"Delete {what}?", err=True)):
        raise click.UsageError(f"{what} is deleted only with --yes, or when you confirm it")
    campus = invocation.campus()
    gone = campus.packages.delete(campus.operator, project, version, filename=filename)
    show_rows(invocation, gone, _FILE)


def _blocks(source: IO[bytes], bar: Any) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        bar.update(len(block))
        yield block


def _progress(file: Path) -> Any:
    hidden = not sys.stderr.isatty()
    size = file.stat().st_size
    return progressbar(length=size, label=file.name, file=sys.stderr, hidden=hidden)

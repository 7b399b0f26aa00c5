"""Refusals and failures: exit code 1, the words on stderr. Usage errors are click's own, and 2."""

from __future__ import annotations

from typing import IO, Any

import click

from campuscore.errors import CampusError, Invalid

__all__ = ["Refused"]


class Refused(click.ClickException):
    """A refusal or failure, as the command line says it."""

    exit_code = 1

    def __init__(self, error: CampusError | OSError) -> None:
        super().__init__("\n".join(_sentences(error)))

    def show(self, file: IO[Any] | None = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"Error: {line}", file=file, err=file is None)


def _sentences(error: CampusError | OSError) -> list[str]:
    if isinstance(error, Invalid):
        return [_at(p.path.removeprefix("/"), p.detail) for p in error.problems] or [error.detail]
    if isinstance(error, CampusError):
        return [error.detail]
    return [_at(str(error.filename or ""), error.strerror or str(error))]


def _at(path: str, detail: str) -> str:
    return f"{path}: {detail}" if path else detail

"""``campuscore passwords``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any

import click
from click.termui import progressbar

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show
from campuscore.errors import Misconfigured
from campuscore.plugins import load

__all__ = ["passwords"]


@click.group(cls=Group)
def passwords() -> None:
    """The sealing of stored passwords, and breached ones."""


@passwords.command()
@pass_invocation
def rewrap(invocation: Invocation) -> None:
    """Seal all stored passwords under the SECRET_KEY of now.

    Nobody has to log in for it. What another SECRET_KEY sealed has to be opened: name that one in
    old_secret_keys. The exit code is 1 when some do not open.
    """
    campus = invocation.campus()
    done = campus.users.rewrap_passwords(campus.operator)
    show(invocation, done)
    if done.foreign:
        words = f"SECRET_KEY does not fit {done.foreign} stored passwords; see old_secret_keys"
        raise Misconfigured(words)


@passwords.command()
@click.argument("dump", type=click.File("rb"))
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--least-count",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Only passwords that were seen so often.",
)
@click.option("--replace", is_flag=True, help="Put it in place of OUT when that is there.")
@pass_invocation
def pack(
    invocation: Invocation, dump: IO[bytes], target: Path, *, least_count: int, replace: bool
) -> None:
    """Pack the breached passwords of DUMP into OUT, the file for breached_passwords.

    DUMP has lines of the form SHA1:COUNT in hexadecimal, as Have I Been Pwned publishes them, best
    sorted by the hash; - is standard input.
    """
    packed: Any = load("campuscore.adapters.passwords:pack")
    with _progress(dump) as bar:
        done = packed(dump, target.absolute(), least=least_count, replace=replace, said=bar.update)
    show(invocation, done)


def _progress(dump: IO[bytes]) -> Any:
    try:
        size = os.fstat(dump.fileno()).st_size
    except OSError:  # not a file at all
        size = 0
    hidden = not (sys.stderr.isatty() and size)
    return progressbar(length=size, label="Packing", file=sys.stderr, hidden=hidden)

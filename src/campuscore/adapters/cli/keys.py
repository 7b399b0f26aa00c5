"""``campuscore keys``."""

from __future__ import annotations

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show, show_rows

__all__ = ["keys"]

_COLUMNS = ("id", "algorithm", "state", "created_at", "changed_at")


@click.group(cls=Group)
def keys() -> None:
    """The keys that access tokens are signed with."""


@keys.command(name="list")
@pass_invocation
def list_keys(invocation: Invocation) -> None:
    """List all keys, oldest first; what is secret of them is never shown."""
    campus = invocation.campus()
    show_rows(invocation, campus.auth.keys.list(campus.operator), _COLUMNS)


@keys.command()
@click.option("--fresh", is_flag=True, help="Take a new key instead of the published next one.")
@pass_invocation
def rotate(invocation: Invocation, *, fresh: bool) -> None:
    """Let the next key sign; the one of before verifies until its tokens have expired."""
    campus = invocation.campus()
    show(invocation, campus.auth.keys.rotate(campus.operator, fresh=fresh))


@keys.command()
@click.argument("key")
@pass_invocation
def retire(invocation: Invocation, key: str) -> None:
    """Let KEY sign no more."""
    campus = invocation.campus()
    campus.auth.keys.retire(campus.operator, key)


@keys.command()
@click.argument("key")
@pass_invocation
def revoke(invocation: Invocation, key: str) -> None:
    """Refuse everything that KEY signed, in the very next request."""
    campus = invocation.campus()
    campus.auth.keys.revoke(campus.operator, key)

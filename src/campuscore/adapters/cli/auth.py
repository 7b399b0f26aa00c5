"""``campuscore tokens``."""

from __future__ import annotations

from datetime import datetime

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show, show_rows
from campuscore.adapters.cli.reading import ID, INSTANT, user_id_of
from campuscore.domain.auth import NewApiToken

__all__ = ["tokens"]


@click.group(cls=Group)
def tokens() -> None:
    """API tokens for programs."""


@tokens.command()
@click.argument("user")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="Limit to an action; may be repeated.")
@click.option("--expires", type=INSTANT, help="When it ends, with its offset.")
@pass_invocation
def create(
    invocation: Invocation,
    /,
    user: str,
    name: str,
    scopes: tuple[str, ...],
    expires: datetime | None,
) -> None:
    """Mint a token called NAME for USER; its secret is shown this once."""
    campus = invocation.campus()
    new = NewApiToken(name=name, scopes=scopes or ("*",), expires_at=expires)
    user_id = user_id_of(campus, user)
    show(invocation, campus.auth.tokens.mint(campus.operator, new, user_id))


@tokens.command(name="list")
@click.option("--user", help="Only those of this user, by id or username.")
@pass_invocation
def list_tokens(invocation: Invocation, user: str | None) -> None:
    """List tokens that are not revoked."""
    campus = invocation.campus()
    owner = user_id_of(campus, user) if user else None
    rows = campus.auth.tokens.list(campus.operator, owner)
    show_rows(invocation, rows, ("id", "user", "name", "scopes", "expires_at", "last_used_at"))


@tokens.command()
@click.argument("token", type=ID)
@pass_invocation
def revoke(invocation: Invocation, token: int) -> None:
    """Revoke the token with the id TOKEN."""
    campus = invocation.campus()
    campus.auth.tokens.revoke(campus.operator, token)

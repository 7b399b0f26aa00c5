"""``campuscore config``."""

from __future__ import annotations

import click

from campuscore.adapters.cli.invocation import Group, Invocation, pass_invocation
from campuscore.adapters.cli.output import show_rows
from campuscore.settings import Settings, describe

__all__ = ["config"]


@click.group(cls=Group)
def config() -> None:
    """The settings and where they come from."""


@config.command(name="show")
@pass_invocation
def show_settings(invocation: Invocation) -> None:
    """Show each setting with its origin; secrets are masked."""
    rows = describe(invocation.settings(), invocation.source.origins(Settings))
    show_rows(invocation, rows, ("name", "value", "origin"))

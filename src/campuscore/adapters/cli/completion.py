"""``campuscore completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from campuscore.adapters.cli.invocation import Command
from campuscore.errors import Unavailable

__all__ = ["completion"]


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in SHELL.

    For bash: eval "$(campuscore completion bash)"
    """
    found = get_completion_class(shell)
    if found is None:
        raise Unavailable(f"click cannot complete in {shell}")
    main = click.get_current_context().find_root().command
    click.echo(found(main, {}, "campuscore", "_CAMPUSCORE_COMPLETE").source())

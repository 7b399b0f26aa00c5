"""``campuscore serve``."""

from __future__ import annotations

from contextlib import nullcontext

import click

from campuscore.adapters.cli.invocation import Command, Invocation, pass_invocation
from campuscore.adapters.cli.serving.lock import Held, hold
from campuscore.adapters.cli.serving.opening import prepare
from campuscore.adapters.cli.serving.plan import ServePlan
from campuscore.bootstrap import processors
from campuscore.errors import Unavailable
from campuscore.plugins import load

__all__ = ["serve"]


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Worker processes; by default one for each processor, and one for memory://.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Threads of each worker.",
)
@click.option("--demo", is_flag=True, help="Fill in a small believable campus where none stands.")
@click.option("--access-log", is_flag=True, help="Write a line to stderr for each request.")
@pass_invocation
def serve(
    invocation: Invocation,
    /,
    host: str,
    port: int,
    workers: int | None,
    threads: int,
    *,
    demo: bool,
    access_log: bool,
) -> None:
    """Serve the API and create what is missing.

    On an empty folder this creates the database and the first administrator, and prints the
    one-time password.
    """
    settings = invocation.settings()
    in_memory = settings.database.startswith("memory:")
    plan = ServePlan(
        settings=settings,
        host=host,
        port=port,
        workers=workers or (1 if in_memory else processors()),
        threads=threads,
        access_log=access_log,
        demo=demo,
    )
    plan.check()
    with nullcontext(Held()) if plan.in_memory else hold(settings.folder, plan.url) as held:
        # Not before the lock, which waits for the workers of a server that was killed.
        plan.check_port()
        if not plan.in_memory:
            prepare(settings, demo=demo)
        held.keep()
        _run(plan)


def _run(plan: ServePlan) -> None:
    try:
        run = load("campuscore.adapters.cli.serving.workers:run")
    except Unavailable:
        run = load("campuscore.adapters.cli.serving.development:run")
    run(plan)

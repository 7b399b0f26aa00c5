"""The server of production: granian with several worker processes."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from multiprocessing.connection import wait
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from campuscore.adapters.cli.serving.opening import open_application
from campuscore.adapters.cli.serving.plan import ServePlan
from campuscore.adapters.lifeline import end_with_parent

__all__ = ["run"]

_KILL_AFTER = 5
_BACKLOG = 2048
_LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(message)s"}},
    "handlers": {"words": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "_granian": {"handlers": ["words"], "level": "WARNING", "propagate": False},
        "granian.access": {"handlers": ["words"], "level": "INFO", "propagate": False},
    },
}


class _Server(MPServer):
    """A server whose workers can be stopped from their first moment on.

    A fork inherits the parent's handlers, in which a stop would be lost until the worker has loaded
    and set its own: granian would wait for it, and kill it in the end.
    """

    parent: int = 0

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        # A fork is told by its number alone: multiprocessing learns later that it is one.
        if os.getpid() != self.parent:
            os._exit(0)
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _stop_workers(self) -> None:
        """Stop the workers, and kill those that go on for too long.

        granian asks whether a worker is alive while a thread of its own reaps it, and now and then
        takes one for stubborn that has ended: here only the end of the process itself counts.
        """
        workers: list[Any] = self.wrks
        for worker in workers:
            worker.terminate()
        give_up = time.monotonic() + _KILL_AFTER
        for worker in workers:
            left = max(give_up - time.monotonic(), 0)
            if not wait([worker.inner.sentinel], left):
                click.echo(f"killing worker {worker.inner.pid}, which does not stop", err=True)
                worker.kill()
            worker.join()
        workers.clear()


def run(plan: ServePlan) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = _Server(
        "campuscore",
        address=plan.host,
        port=plan.port,
        interface=Interfaces.WSGI,
        workers=plan.workers,
        blocking_threads=plan.threads,
        http=HTTPModes.auto,
        websockets=False,
        backlog=_BACKLOG,
        log_level=LogLevels.warning,
        log_dictconfig=_LOG,
        log_access=plan.access_log,
        respawn_failed_workers=True,
    )
    server.parent = os.getpid()
    server.on_startup(partial(_say_where, plan))
    loader = partial(_load, plan, os.getpid())
    try:
        server.serve(target_loader=loader, wrap_loader=False)
    except SystemExit:
        # A worker that a stop reached before it had loaded looks to granian like a crash.
        if not server.interrupt_signal:
            raise


def _load(plan: ServePlan, parent: int) -> Any:
    """Open the application inside a worker; the settings come by fork or pipe, not by environment.

    granian copies the environment into every request, where secrets have no business.
    """
    # Ctrl+C reaches all processes of a terminal, and the parent sends SIGTERM as well; a granian
    # worker that gets the one and then the other does not end. Threads inherit the mask, so that
    # it comes before the first of them: one that takes the signal is enough.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    end_with_parent(parent)
    return open_application(plan.worker_settings, demo=plan.demo)


def _say_where(plan: ServePlan) -> None:
    processes = "1 process" if plan.workers == 1 else f"{plan.workers} processes"
    click.echo(f"campuscore serves {plan.url} with {processes}; Ctrl+C ends it", err=True)

"""The server for trying things out, where granian is not installed."""

from __future__ import annotations

import signal
import socket
import sys
from socketserver import ThreadingMixIn
from types import FrameType
from typing import NoReturn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from campuscore.adapters.cli.serving.opening import open_application
from campuscore.adapters.cli.serving.plan import ServePlan
from campuscore.errors import Misconfigured

__all__ = ["run"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Say nothing; the access log belongs to granian."""


def run(plan: ServePlan) -> None:
    """Serve on loopback until SIGTERM or SIGINT, in one process."""
    if not plan.loopback:
        text = f"without granian (pip install 'campuscore[serve]') {plan.host} is refused"
        raise Misconfigured(f"{text}: only loopback is served", code="granian_needed")
    kind = _Server6 if ":" in plan.host else _Server
    application = open_application(plan.worker_settings, demo=plan.demo)
    with make_server(plan.host, plan.port, application, kind, _Handler) as server:
        signal.signal(signal.SIGTERM, _end)
        signal.signal(signal.SIGINT, _end)
        click.echo(
            "DEVELOPMENT ONLY: granian is not installed (pip install 'campuscore[serve]'), "
            "so one slow process serves this machine alone",
            err=True,
        )
        click.echo(f"campuscore serves {plan.url}; Ctrl+C ends it", err=True)
        server.serve_forever()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(0)

"""Opening a campus to serve it: the database, the first administrator, what a crash left behind."""

from __future__ import annotations

import threading
from typing import Any

import click

from campuscore.adapters.cli.delivery import deliver
from campuscore.adapters.cli.demo import fill_once
from campuscore.adapters.lifeline import before_the_end
from campuscore.bootstrap import Campus, open_campus
from campuscore.errors import Invalid, Misconfigured
from campuscore.plugins import load
from campuscore.settings import Settings
from campuscore.upkeep import opened

__all__ = ["open_application", "prepare"]


def prepare(settings: Settings, *, demo: bool = False) -> None:
    """Make a home ready, in one process, before any worker opens it."""
    with opened(settings) as campus:
        _ensure_administrator(campus)
        if demo:
            fill_once(campus)
        campus.operations.tidy()


def open_application(settings: Settings, *, demo: bool = False) -> Any:
    """Open the campus in the process that serves it, and return its WSGI application.

    Every process delivers messages when it has the lease, so there is always one who does.
    """
    campus = open_campus(settings)
    if not campus.operations.keeper.shared:
        _ensure_administrator(campus)
        if demo:
            fill_once(campus)
    before_the_end(campus.audit.refusals.close)
    never = threading.Event()
    threading.Thread(target=deliver, args=(campus, never), name="outbox", daemon=True).start()
    return load("campuscore.adapters.http.app:create_app")(campus)


def _ensure_administrator(campus: Campus) -> None:
    settings = campus.settings
    given = settings.admin_password.reveal or None
    try:
        password = campus.users.ensure_administrator(settings.admin_user, given)
    except Invalid as error:
        raise Misconfigured(_named(error)) from error
    if password is not None:
        click.echo(
            f"\n  First administrator: {settings.admin_user}\n"
            f"  One-time password:   {password}\n"
            "  It is shown this once; change it after the first login.\n",
            err=True,
        )


def _named(error: Invalid) -> str:
    """Say what is wrong with the first administrator, by the settings that say who it is."""
    names = {"/username": "admin_user", "/password": "admin_password"}
    return "; ".join(f"{names.get(p.path, p.path)}: {p.detail}" for p in error.problems)

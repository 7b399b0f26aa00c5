"""Delivering what is due in the outbox, until told to stop."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time

from campuscore.bootstrap import Campus
from campuscore.errors import CampusError

__all__ = ["deliver"]

_PAUSE = 1.0
_TIDY_EVERY = 3600.0
_LOG = logging.getLogger("campuscore.outbox")


def deliver(campus: Campus, stop: threading.Event) -> None:
    """Deliver due messages while nobody else does; the store's troubles are waited out."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    tidy_at = time.monotonic()
    while not stop.is_set():
        taken = 0
        try:
            taken = campus.operations.run_due(owner)
            if time.monotonic() >= tidy_at:
                campus.operations.forget_delivered()
                campus.operations.tidy()
                campus.auth.gate.forget()
                tidy_at = time.monotonic() + _TIDY_EVERY
        except CampusError as error:
            _LOG.warning("messages wait: %s", error.detail)
        if not taken:
            stop.wait(_PAUSE)

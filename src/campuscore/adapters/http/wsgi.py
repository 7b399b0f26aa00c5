"""``campuscore.adapters.http.wsgi:application`` for any WSGI server.

The campus is opened on the first request of each worker process and never at import, because
database connections must not cross a fork.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from campuscore.adapters.http.app import App, create_app
from campuscore.adapters.lifeline import before_the_end, end_with_parent
from campuscore.bootstrap import open_campus
from campuscore.settings import Settings, SettingsSource

__all__ = ["application"]


class _Application:
    """A WSGI callable that becomes the app when it is first called in a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._app: App | None = None
        self._process = 0

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        app = self._app
        if app is None or self._process != os.getpid():
            app = self._open()
        return app(environ, start_response)

    def _open(self) -> App:
        with self._lock:
            if self._app is None or self._process != os.getpid():
                config = os.environ.get("CAMPUSCORE_CONFIG")
                source = SettingsSource(environ=os.environ, toml=Path(config) if config else None)
                campus = open_campus(source.read(Settings))
                self._app = create_app(campus)
                self._process = os.getpid()
                before_the_end(campus.audit.refusals.close)
            return self._app


end_with_parent()
application: _Application = _Application()

"""A real server on a real socket, one for each test process, and people to call it."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from attrs import frozen

from campuscore import Role, Settings, open_campus
from campuscore.adapters.sql.tables import METADATA
from campuscore.bootstrap import Campus
from campuscore.plugins import find_blobs

from .client import Client
from .worlds import World, mint

ZONE = "Europe/Moscow"
ADMIN_PASSWORD = "correct horse battery"
_PATIENCE = 60.0
_LEFT_OUT = {"audit_heads", "audit_records", "leases", "blob_names", "throttles"}
_CHANGING = {"api_tokens": "last_used_at", "outbox": "state,attempts,due_at,last_error"}


@frozen
class Server:
    """A running server, its home folder, and where its records and files are elsewhere."""

    port: int
    home: Path
    backend: dict[str, str]

    @property
    def settings(self) -> Settings:
        """The settings by which a program opens the same campus."""
        given = {"home": str(self.home), "time_zone": ZONE, "sqlite_synchronous": "normal"}
        return Settings.from_env(self.backend, **given)

    def snapshot(self) -> dict[str, Any]:
        """Return all that is stored, but what deliveries, tries and the use of a token touch."""
        found: dict[str, Any] = {"files": self._files()}
        with closing(self._connect()) as connection:
            for name in METADATA.tables.keys() - _LEFT_OUT:
                columns = map(str, METADATA.tables[name].c.keys())
                kept = [c for c in columns if c not in _CHANGING.get(name, "").split(",")]
                rows = f"SELECT {', '.join(map(_quoted, kept))} FROM {name} ORDER BY 1, 2"
                found[name] = connection.execute(rows).fetchall()
        return found

    def _files(self) -> list[str]:
        if self.backend:
            return sorted(find_blobs(self.settings.blob_url)(self.settings).names())
        files = (path for path in (self.home / "files").rglob("*") if path.is_file())
        return sorted(map(str, files))

    def _connect(self) -> Any:
        if self.backend:
            return psycopg.connect(self.settings.database)
        return sqlite3.connect(f"file:{self.home / 'campus.db'}?mode=ro", uri=True)

    @contextmanager
    def untouched(self) -> Generator[None]:
        """Fail when the block changes anything that is stored."""
        before = self.snapshot()
        yield
        after = self.snapshot()
        assert {k for k in after if after[k] != before[k]} == set()


def _quoted(column: str) -> str:
    return f'"{column}"'


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, new_backend: Callable[[], dict[str, str]]
) -> Iterator[Server]:
    backend = new_backend()
    home = tmp_path_factory.mktemp("campus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAMPUSCORE_")}
    environ |= backend | {
        "CAMPUSCORE_HOME": str(home),
        "CAMPUSCORE_TIME_ZONE": ZONE,
        "CAMPUSCORE_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "CAMPUSCORE_SQLITE_SYNCHRONOUS": "normal",
        "CAMPUSCORE_MAX_BODY": str(1024 * 1024),
        "CAMPUSCORE_MAX_UPLOAD": str(256 * 1024),
    }
    command = [sys.executable, "-m", "campuscore", "serve", "--port", str(port), "--workers", "2"]
    log = home / "serve.log"
    with log.open("wb") as words:
        process = subprocess.Popen(command, env=environ, stdout=words, stderr=words)
    try:
        _wait_until_ready(process, port, log)
        yield Server(port, home, backend)
    finally:
        process.terminate()
        try:
            ended = process.wait(30)
        finally:
            process.kill()
            process.wait()
    assert ended == 0, log.read_text()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if Client(port).get("/readyz").status == 200:
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def campus(server: Server) -> Iterator[Campus]:
    """The same campus as a library, to prepare and to look at what the server serves."""
    with open_campus(server.settings) as campus:
        yield campus


@pytest.fixture(scope="session")
def anybody(server: Server) -> Client:
    return Client(server.port)


@pytest.fixture(scope="session")
def admin(campus: Campus, anybody: Client) -> Client:
    found = campus.users.find_named(campus.operator, "admin")
    return anybody.bearer(mint(campus, found.id))


@pytest.fixture
def world(campus: Campus, anybody: Client) -> World:
    """Return a course with a lab below it, and another course beside.

    course: teacher, assistant; lab (below): student, classmate; other: colleague, stranger.
    """
    world = World(campus, anybody=anybody)
    world.group("course")
    world.group("lab", "course")
    world.group("other")
    rows = (
        ("course", "teacher", Role.TEACHER),
        ("course", "assistant", Role.ASSISTANT),
        ("lab", "student", Role.STUDENT),
        ("lab", "classmate", Role.STUDENT),
        ("other", "colleague", Role.TEACHER),
        ("other", "stranger", Role.STUDENT),
    )
    for group, who, role in rows:
        world.add(who, role)
        world.join(group, who, role)
    return world

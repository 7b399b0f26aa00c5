"""A server of its own for each test that needs one, as an operator starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import pytest
from attrs import frozen

from campuscore import Campus, NewUser, Role, Settings, open_campus
from campuscore.domain.auth import NewApiToken
from campuscore.domain.days import Days

__all__ = ["Index", "Request", "multipart_head", "serving"]

_LINE = re.compile(r'"([A-Z]+) (\S+) \S+" (\d{3}) ')
_PATIENCE = 60.0
_MARKS, _MANY_MARKS = count(), 16


@frozen
class Request:
    """A line of the access log."""

    method: str
    path: str
    status: int


@frozen
class Index:
    """A running server with the package index."""

    port: int
    home: Path
    process: subprocess.Popen[bytes]
    log: Path
    environment: dict[str, str]

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def simple(self) -> str:
        return f"{self.root}simple/"

    @property
    def legacy(self) -> str:
        return f"{self.root}legacy/"

    def mark(self) -> str:
        """Return a mark of what has been asked for until now, which is in the log then.

        A worker writes its lines in order but after its answers: a few requests that reach all of
        the workers push out what came before.
        """
        marks = {f"/mark{next(_MARKS)}" for _ in range(_MANY_MARKS)}
        for path in marks:
            self.get(path)
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up:
            lines = self._lines()
            if marks <= {line.path for line in lines}:
                return max(marks, key=[line.path for line in lines].index)
            time.sleep(0.01)
        pytest.fail(f"the log lacks requests:\n{self.log.read_text()}")

    def requests(self, since: str) -> list[Request]:
        """Return what was asked for after a mark."""
        self.mark()
        lines = self._lines()
        begin = [line.path for line in lines].index(since)
        return [line for line in lines[begin:] if not line.path.startswith("/mark")]

    def _lines(self) -> list[Request]:
        found = _LINE.findall(self.log.read_text())
        return [Request(method, path, int(status)) for method, path, status in found]

    def workers(self) -> list[int]:
        """Return the processes that serve."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    @contextmanager
    def campus(self, ahead: timedelta = timedelta()) -> Iterator[Campus]:
        """Open the campus as a library, maybe at a later time."""
        days = Days(now=lambda: datetime.now(UTC) + ahead)
        settings = Settings.from_env(self.environment, home=str(self.home))
        with open_campus(settings, days=days) as campus:
            yield campus

    def token(self, username: str = "teacher", *scopes: str) -> str:
        """Make a teacher, and a token of theirs."""
        with self.campus() as campus:
            new = NewUser(username=username, role=Role.TEACHER)
            user = campus.users.create(campus.operator, new)
            minted = NewApiToken(name="t", scopes=scopes or ("packages.*",))
            return campus.auth.tokens.mint(campus.operator, minted, user.id).token

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=120)

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        line = self.connection()
        try:
            line.request("GET", path, headers=headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    def kill(self) -> None:
        """End the server and all its processes at once, as a power cut does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def assert_nothing_is_orphaned(self) -> None:
        """Fail where bytes lie that no record names, or the other way round."""
        partial = self.home / "files" / "tmp"
        assert list(partial.iterdir() if partial.exists() else ()) == []
        with self.campus() as campus:
            service, operator = campus.packages, campus.operator
            pages = [service.page(operator, project.key) for project in service.list(operator)]
            files = [file for page in pages for file in page.files]
            named = {name for file in files for name in (file.sha256, file.metadata)}
            assert set(service.blobs.names()) == named
            with service.store.write() as work:
                assert work.claims.ended(datetime.now(UTC) + timedelta(days=1), 10) == []


@contextmanager
def serving(home: Path, port: int | None = None, **environment: str) -> Iterator[Index]:
    """Run a server until the block ends."""
    home.mkdir(exist_ok=True)
    port = port or _free_port()
    command = [sys.executable, "-m", "campuscore", "--home", str(home), "serve", "--access-log"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAMPUSCORE_")}
    log = home.parent / f"{home.name}.log"
    with log.open("ab") as words:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "2"],
            env={**environ, "CAMPUSCORE_ADMIN_PASSWORD": "correct horse battery", **environment},
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
    index = Index(port, home, process, log, environment)
    try:
        _wait_until_ready(index)
        yield index
        if process.poll() is None:
            process.terminate()
            assert process.wait(30) == 0, log.read_text()
    finally:
        if process.poll() is None:
            index.kill()


def _wait_until_ready(index: Index) -> None:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up and index.process.poll() is None:
        try:
            if index.get("/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"the server did not start:\n{index.log.read_text()}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def multipart_head(filename: str, boundary: str = "0123456789abcdef") -> tuple[bytes, bytes]:
    """Return what comes before and behind the bytes of a file in the form of an upload."""
    name, version = filename.split("-")[:2]
    fields = {":action": "file_upload", "name": name, "version": version}
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    )
    head += (
        f"--{boundary}\r\nContent-Disposition: form-data; "
        f'name="content"; filename="{filename}"\r\n\r\n'
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()

"""Power cuts for a server under load: what was acknowledged is there once, and nobody lingers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "correct-horse-battery"
CLIENTS, ROUNDS, SECONDS_OF_LOAD, SLOWEST_START = 50, 10, 2.0, 5.0
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def serving(home: Path, port: int, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "campuscore", "--home", str(home), "serve"]
    environment = {
        **os.environ,
        "CAMPUSCORE_ADMIN_PASSWORD": PASSWORD,
        "CAMPUSCORE_DATABASE_URL": database_url,
    }
    with (home.parent / "serve.log").open("ab") as log:
        server = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "2"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_until_ready(port: int, log: Path) -> float:
    begin = time.monotonic()
    while time.monotonic() - begin < 30:
        try:
            if ask(port, "GET", "/readyz")[0] == 200:
                return time.monotonic() - begin
        except OSError:
            time.sleep(0.02)
    pytest.fail(f"the server did not start:\n{log.read_text()}")


def ask(
    port: int, method: str, path: str, body: object = None, token: str = ""
) -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


class Crowd:
    """Clients that post check-ins of distinct instants until they are told to stop."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.acknowledged: list[tuple[int, int]] = []
        self.statuses: Counter[int] = Counter()
        self.stop = threading.Event()

    def post_until_stopped(self, port: int, token: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        try:
            while not self.stop.is_set():
                number = next(self.numbers)
                at = EPOCH + timedelta(seconds=number)
                body = json.dumps({"user": 1, "timestamp": at.isoformat()})
                connection.request("POST", "/attendance/", body, headers)
                answer = connection.getresponse()
                row = json.loads(answer.read())
                self.statuses[answer.status] += 1
                if answer.status == 201:
                    self.acknowledged.append((row["id"], number))
        except (OSError, http.client.HTTPException, ValueError):
            return  # the server was killed while it answered
        finally:
            connection.close()

    def run(self, port: int, token: str, act: object) -> None:
        self.stop.clear()
        threads = [
            threading.Thread(target=self.post_until_stopped, args=(port, token))
            for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS_OF_LOAD)
        act()
        self.stop.set()
        for thread in threads:
            thread.join()


Ask = Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def asking(home: Path, database_url: str) -> Iterator[Ask]:
    """Ask the database that the server left."""
    connect = psycopg.connect if database_url else sqlite3.connect
    with closing(connect(database_url or home / "campus.db")) as raw:
        yield lambda query: raw.execute(query).fetchall()


def recorded(rows: list[tuple[Any, ...]]) -> Counter[tuple[int, int]]:
    start = int(EPOCH.timestamp())
    return Counter((row_id, at // 1_000_000 - start) for row_id, at in rows)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_every_acknowledged_check_in_survives_ten_kills(
    tmp_path: Path, new_database: Callable[[], str]
) -> None:
    home, port, crowd = tmp_path / "home", free_port(), Crowd()
    database_url = new_database()
    home.mkdir()
    starts: list[float] = []
    for _ in range(ROUNDS):
        with serving(home, port, database_url) as server:
            starts.append(wait_until_ready(port, tmp_path / "serve.log"))
            login = {"username": "admin", "password": PASSWORD}
            status, pair = ask(port, "POST", "/auth/login/", login)
            assert status == 200
            crowd.run(port, pair["access"], lambda: os.killpg(server.pid, signal.SIGKILL))
            server.wait()
            with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system likes
                ask(port, "GET", "/healthz")
    assert set(crowd.statuses) == {201}, crowd.statuses
    assert max(starts) < SLOWEST_START, starts
    with asking(home, database_url) as ask_database:
        rows = ask_database("SELECT id, at FROM check_ins WHERE method = 'api'")
        ((total,),) = ask_database("SELECT sum(count) FROM day_rollups")
        ((facts,),) = ask_database("SELECT count(*) FROM check_ins")
        if not database_url:
            assert ask_database("PRAGMA integrity_check") == [("ok",)]
    found = recorded(rows)
    assert len(crowd.acknowledged) > ROUNDS * CLIENTS
    missing = [row for row in crowd.acknowledged if found[row] != 1]
    assert not missing, f"{len(missing)} of {len(crowd.acknowledged)}"
    times = Counter(number for _, number in found)
    assert max(times.values()) == 1
    assert total == facts

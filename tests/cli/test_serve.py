"""``campuscore serve`` as an operator meets it: first start, second start, and sudden ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from campuscore import Settings, open_campus
from campuscore.domain.audit import AuditQuery, Outcome

Start = Callable[..., subprocess.Popen[str]]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def serve(
        port: int, *words: str, home: str = "home", **variables: str
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "campuscore", "--home", str(tmp_path / home), "serve"]
        server = subprocess.Popen(
            [*command, "--port", str(port), *words],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(server)
        return server

    yield serve
    for server in started:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


def answer(port: int, path: str = "/healthz", body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=10) as got:
        return json.load(got)


def is_up(port: int) -> bool:
    try:
        return answer(port, "/readyz") == {"status": "ready"}
    except (urllib.error.URLError, OSError):
        return False


def wait(what: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def output_of(server: subprocess.Popen[str]) -> str:
    server.send_signal(signal.SIGTERM)
    return server.communicate(timeout=30)[0]


def test_a_demonstration_is_filled_in_once(start: Start) -> None:
    for _ in range(2):
        port = free_port()
        server = start(
            port, "--demo", "--workers", "1", CAMPUSCORE_ADMIN_PASSWORD="long-enough-words"
        )
        wait(lambda port=port: is_up(port))
        tokens = answer(
            port, "/auth/login/", {"username": "admin", "password": "long-enough-words"}
        )
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/data/",
            headers={"Authorization": f"Bearer {tokens['access']}"},
        )
        with urllib.request.urlopen(request, timeout=10) as got:
            assert len(json.load(got)) == 121
        output_of(server)


def test_first_start_makes_an_administrator_and_the_second_keeps_it(start: Start) -> None:
    port = free_port()
    server = start(port)
    wait(lambda: is_up(port))
    words = output_of(server)
    assert server.returncode == 0, words
    password = re.search(r"One-time password: *(\S+)", words)
    assert password, words
    again = start(port)
    wait(lambda: is_up(port))
    login = {"username": "admin", "password": password[1]}
    assert set(answer(port, "/auth/login/", login)) == {"access", "refresh"}
    assert "One-time password" not in output_of(again)


def test_a_home_is_served_by_one_server_at_a_time(start: Start) -> None:
    port, other = free_port(), free_port()
    first = start(port)
    wait(lambda: is_up(port))
    second = start(other)
    words = second.communicate(timeout=30)[0]
    assert second.returncode == 1
    assert str(first.pid) in words


def test_workers_end_with_a_parent_that_is_killed(start: Start) -> None:
    port = free_port()
    server = start(port, "--workers", "2")
    wait(lambda: is_up(port))
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    wait(lambda: not is_up(port), seconds=5)
    again = start(port, "--workers", "2")
    wait(lambda: is_up(port))
    assert again.poll() is None


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("--host", "0.0.0.0"), {"DEBUG": "true"}, "loopback"),
        (("--workers", "2"), {"CAMPUSCORE_DATABASE_URL": "memory://"}, "memory"),
        ((), {"SECRET_KEY": "short"}, "secret_key"),
        ((), {"CAMPUSCORE_TIME_ZONE": "Mars/Olympus"}, "time_zone"),
        ((), {"CAMPUSCORE_LOCK_SECONDS": "soon"}, "lock_seconds"),
    ],
)
def test_unsafe_or_wrong_settings_refuse_to_start(
    start: Start, words: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    server = start(free_port(), *words, **variables)
    text = server.communicate(timeout=30)[0]
    assert server.returncode == 1, text
    assert said in text


def test_a_stop_loses_no_refusal(start: Start, tmp_path: Path) -> None:
    port = free_port()
    server = start(port, "--workers", "2")
    wait(lambda: is_up(port))
    for _ in range(150):
        with pytest.raises(urllib.error.HTTPError):
            answer(port, "/users/")
    output_of(server)
    with open_campus(Settings(home=str(tmp_path / "home"))) as campus:
        rows = campus.audit.list(campus.operator, AuditQuery(outcome=Outcome.REFUSED)).items
        assert sum(row.count for row in rows) == 150
        assert campus.audit.verify(campus.operator).is_whole


def test_a_port_that_is_taken_is_refused_before_anything_is_made(
    start: Start, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = start(taken.getsockname()[1])
        text = server.communicate(timeout=30)[0]
    assert server.returncode == 1
    assert "cannot listen" in text
    assert not (tmp_path / "home" / "campus.db").exists()


def test_secrets_come_from_files(start: Start, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("kept-in-a-file-1\n")
    port = free_port()
    server = start(port, CAMPUSCORE_ADMIN_PASSWORD_FILE=str(secret))
    wait(lambda: is_up(port))
    login = {"username": "admin", "password": "kept-in-a-file-1"}
    assert set(answer(port, "/auth/login/", login)) == {"access", "refresh"}
    assert "kept-in-a-file-1" not in output_of(server)


def test_a_weak_password_of_the_administrator_is_refused_by_the_name_of_its_setting(
    start: Start,
) -> None:
    server = start(free_port(), CAMPUSCORE_ADMIN_PASSWORD="short")
    text = server.communicate(timeout=60)[0]
    assert server.returncode == 1
    assert "admin_password: must have at least 15 characters for the role admin" in text

"""What runs for long: the server's lock and workers, its stand-in, the delivery of messages."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from campuscore import NewUser, Settings, open_campus
from campuscore.adapters.cli.delivery import deliver
from campuscore.adapters.cli.serving import lock, plan
from campuscore.adapters.lifeline import end_with_parent
from campuscore.domain.events import MessageState
from campuscore.domain.throttle import Charge, Limit
from campuscore.errors import Busy, Conflict, Unavailable
from campuscore.services.operations import OperationsService

Start = Callable[..., subprocess.Popen[str]]

WITHOUT_GRANIAN = """
import sys
sys.modules["granian"] = None
from campuscore.adapters.cli.main import main
main(prog_name="campuscore")
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(*words: object, program: str = "", **variables: str) -> subprocess.Popen[str]:
        python = [sys.executable, *(["-c", program] if program else ["-m", "campuscore"])]
        process = subprocess.Popen(
            [*python, "--home", str(tmp_path / "home"), *map(str, words)],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ask(port: int, path: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=10) as got:
        return json.load(got)


def is_up(port: int) -> bool:
    try:
        return ask(port, "/readyz") == {"status": "ready"}
    except (urllib.error.URLError, OSError):
        return False


def wait(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(pid: int) -> set[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return set(map(int, text.split()))


def stopped(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[str, str]:
    process.send_signal(number)
    return process.communicate(timeout=30)


def gone_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def test_the_lock_names_its_holder_and_is_empty_afterwards(tmp_path: Path) -> None:
    with (
        lock.hold(tmp_path / "home", "http://there/"),
        pytest.raises(Conflict, match=rf"process {os.getpid()} at http://there/"),
        lock.hold(tmp_path / "home", "http://here/"),
    ):
        pass

    assert (tmp_path / "home" / lock.LOCK_FILE).read_text() == ""
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    with lock.hold(tmp_path / "home", "http://here/"):
        pass


def test_the_lock_waits_for_the_workers_of_a_dead_server(tmp_path: Path) -> None:
    path = tmp_path / lock.LOCK_FILE
    path.write_text(f"{gone_process()} http://there/\n")
    worker = path.open()
    fcntl.flock(worker, fcntl.LOCK_EX)
    ending = threading.Timer(0.2, worker.close)
    ending.start()

    with lock.hold(tmp_path, "http://here/"):
        assert path.read_text() == f"{os.getpid()} http://here/\n"
    ending.join()


def test_the_lock_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0.0)
    path = tmp_path / lock.LOCK_FILE
    path.write_text(f"{gone_process()} http://there/\n")

    with path.open() as worker:
        fcntl.flock(worker, fcntl.LOCK_EX)
        with pytest.raises(Conflict), lock.hold(tmp_path, "http://here/"):
            pass


def test_a_home_that_cannot_be_locked_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match=r"serve\.lock"), lock.hold(tmp_path / "file", "x"):
        pass


LIFELINES = {
    "the kernel's signal": "threading.Thread.start = lambda self: None",
    "the process handle": "ctypes.CDLL = lambda *a, **k: types.SimpleNamespace(prctl=print)",
    "asking again": (
        "ctypes.CDLL = lambda *a, **k: types.SimpleNamespace(prctl=print)\n"
        "lifeline._handle = lambda pid: None"
    ),
}
FAMILY = """
import ctypes, multiprocessing, os, sys, threading, time, types
from campuscore.adapters import lifeline
{patch}
def child():
    lifeline.end_with_parent()
    os.write({fd}, f"{{os.getpid()}}\\n".encode())
    while True:
        time.sleep(1)
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="two of the three watches are Linux's")
@pytest.mark.parametrize("watch", LIFELINES)
def test_a_child_ends_with_a_parent_that_is_killed(watch: str) -> None:
    reading, writing = os.pipe()
    program = FAMILY.format(patch=LIFELINES[watch], fd=writing)
    parent = subprocess.Popen([sys.executable, "-c", program], pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as pipe:
        child = int(pipe.readline())
        assert Path(f"/proc/{child}").exists()
        parent.kill()
        parent.wait()
        # The child holds the other end until it is gone.
        assert pipe.read() == ""


def test_a_child_whose_parent_has_gone_already_ends_at_once() -> None:
    program = (
        "from campuscore.adapters.lifeline import end_with_parent\n"
        f"end_with_parent({gone_process()})\nprint('alive')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (1, b"")


def test_a_process_that_nobody_forked_has_no_lifeline() -> None:
    end_with_parent()

    assert "lifeline" not in {thread.name for thread in threading.enumerate()}


def test_a_worker_that_is_killed_is_replaced(start: Start, port: int) -> None:
    server = start("serve", "--port", port, "--workers", 2)
    wait(lambda: is_up(port))
    before = children(server.pid)
    victim = min(before)

    os.kill(victim, signal.SIGKILL)

    wait(lambda: len(children(server.pid) - {victim}) == 2 and is_up(port))
    assert before - {victim} < children(server.pid)
    stopped(server)
    assert server.returncode == 0


def test_control_c_ends_server_and_workers_in_peace(start: Start, port: int) -> None:
    server = start("serve", "--port", port, "--workers", 2)
    wait(lambda: is_up(port))

    os.killpg(server.pid, signal.SIGINT)
    words = server.communicate(timeout=30)[1]

    assert server.returncode == 0
    assert "Traceback" not in words
    assert "does not stop" not in words


def test_a_stop_while_workers_are_loading_is_heard(start: Start, port: int) -> None:
    server = start("serve", "--port", port, "--workers", 2)
    wait(lambda: len(children(server.pid)) == 2)

    words = stopped(server)[1]

    assert server.returncode == 0, words
    assert "does not stop" not in words


def test_a_home_that_is_served_is_told_also_on_the_same_port(start: Start, port: int) -> None:
    first = start("serve", "--port", port, "--workers", 1)
    wait(lambda: is_up(port))

    second = start("serve", "--port", port, "--workers", 1)
    words = second.communicate(timeout=30)[1]

    assert second.returncode == 1
    assert f"process {first.pid} at http://127.0.0.1:{port}/" in words


def test_requests_are_logged_when_asked_for(start: Start, port: int) -> None:
    server = start("serve", "--port", port, "--workers", 1, "--access-log")
    wait(lambda: is_up(port))
    # A line is written after its answer: those that follow push it out.
    assert all(is_up(port) for _ in range(20))

    out, words = stopped(server)

    assert "GET /readyz" in words
    assert out == ""


def test_a_campus_in_memory_is_served_by_the_process_that_holds_it(
    start: Start, port: int, tmp_path: Path
) -> None:
    given = {
        "CAMPUSCORE_DATABASE_URL": "memory://",
        "CAMPUSCORE_ADMIN_PASSWORD": "in-memory-only-1",
    }
    server = start("serve", "--port", port, **given)
    wait(lambda: is_up(port))

    login = {"username": "admin", "password": "in-memory-only-1"}
    assert set(ask(port, "/auth/login/", login)) == {"access", "refresh"}
    assert "1 process" in stopped(server)[1]
    assert not (tmp_path / "home").exists()


def test_secrets_of_a_file_do_not_reach_the_environment_of_workers(
    start: Start, port: int, tmp_path: Path
) -> None:
    toml = tmp_path / "campus.toml"
    toml.write_text('admin_password = "only-in-the-file"\n')
    server = start("serve", "--port", port, "--workers", 1, "--config", toml)
    wait(lambda: is_up(port))

    seen = b"".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in children(server.pid))

    assert b"only-in-the-file" not in seen
    login = {"username": "admin", "password": "only-in-the-file"}
    assert set(ask(port, "/auth/login/", login)) == {"access", "refresh"}


def test_without_granian_a_stand_in_serves_loopback(start: Start, port: int) -> None:
    server = start("serve", "--port", port, program=WITHOUT_GRANIAN)
    wait(lambda: is_up(port))

    words = stopped(server)[1]

    assert server.returncode == 0
    assert "DEVELOPMENT ONLY" in words


def test_without_granian_nobody_else_is_served(start: Start, port: int) -> None:
    server = start("serve", "--port", port, "--host", "0.0.0.0", program=WITHOUT_GRANIAN)
    words = server.communicate(timeout=30)[1]

    assert server.returncode == 1
    assert "only loopback" in words


def test_events_are_followed_as_they_come(start: Start) -> None:
    start("users", "create", "alice").communicate()
    tail = start("--json", "events", "tail", "--follow")

    assert json.loads(tail.stdout.readline())["payload"] == {"username": "alice", "role": "student"}
    start("users", "create", "bob").communicate()
    assert json.loads(tail.stdout.readline())["payload"] == {"username": "bob", "role": "student"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_delivers_until_it_is_told_to_stop(start: Start, number: int) -> None:
    start("users", "create", "alice").communicate()
    worker = start("worker")

    def delivered() -> bool:
        words = ("--json", "events", "tail", "--state", "done")
        return len(json.loads(start(*words).communicate()[0])) == 1

    wait(delivered)
    stopped(worker, number)
    assert worker.returncode == 0


def test_workers_share_the_processors_for_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    def slots(workers: int, chosen: int = 0) -> int:
        settings = Settings(password_slots=chosen)
        served = plan.ServePlan(settings=settings, host="", port=1, workers=workers, threads=4)
        return served.worker_settings.password_slots

    monkeypatch.setattr(plan, "processors", lambda: 8)
    assert [slots(workers) for workers in (1, 3, 16)] == [8, 2, 1]
    assert slots(3, chosen=5) == 5


def test_trouble_of_the_store_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, calls = threading.Event(), []
    run_due = OperationsService.run_due

    def troubled(self: OperationsService, owner: str) -> int:
        calls.append(owner)
        if len(calls) == 1:
            raise Busy("locked")
        return run_due(self, owner)

    monkeypatch.setattr(OperationsService, "run_due", troubled)
    with open_campus("memory://") as campus:
        campus.users.create(campus.operator, NewUser(username="alice"))
        campus.operations.subscribe("user.created", lambda message: stop.set())
        limiter, now = campus.auth.gate.limiter, campus.auth.days.now()
        limiter.charge([Charge(b"old", Limit(1, timedelta(seconds=1)))], now - timedelta(days=1))
        deliver(campus, stop)
        assert limiter.forget(now) == 0
        done = campus.operations.outbox_counts(campus.operator)[MessageState.DONE]

    assert done == 1
    assert len(set(calls)) == 1

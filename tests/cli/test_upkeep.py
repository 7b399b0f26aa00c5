"""``doctor``, ``db backup`` and ``db restore`` as an operator calls them, beside a server too."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Self

import pytest
from click.testing import CliRunner, Result

from campuscore import NewAttachment, NewUser, Role, Settings, open_campus
from campuscore.adapters.cli.main import main
from campuscore.adapters.cli.serving.lock import hold
from campuscore.domain.auth import NewApiToken

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    with open_campus(Settings(home=str(folder))) as campus:
        campus.users.create(campus.operator, NewUser(username="root", role=Role.ADMIN))
        attach(campus, b"first")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*words: object, home: str = "home", code: int = 0, **environ: str) -> Result:
        arguments = ["--home", str(tmp_path / home), *map(str, words)]
        found = CliRunner().invoke(main, arguments, env={"CAMPUSCORE_HOME": None, **environ})
        assert found.exit_code == code, found.output
        return found

    return call


def attach(campus, data: bytes) -> None:
    new = NewAttachment(user=1, date=date(2026, 3, 4), filename="a.txt")
    campus.attendance.attach_file(campus.operator, new, [data])


def test_the_doctor_finds_a_sound_campus_sound(run: Run, home: Path) -> None:
    shown = run("doctor").stdout
    assert shown.splitlines()[0].split() == ["level", "check", "detail", "advice"]
    rows = json.loads(run("--json", "doctor", "--deep").stdout)
    assert {row["level"] for row in rows} == {"ok"}
    assert len({row["check"] for row in rows}) == len(rows) >= 10
    assert next(row for row in rows if row["check"] == "settings")["detail"] == "1 by flag"


def test_a_warning_is_no_failure(run: Run, home: Path) -> None:
    (home / "campus.db").chmod(0o644)
    home.chmod(0o755)

    assert "warning" in run("doctor").stdout


def test_a_failure_ends_with_1(run: Run, home: Path) -> None:
    (home / "secret.key").chmod(0o644)

    assert "chmod 600" in run("doctor", code=1).stdout


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CAMPUSCORE_LOCK_SECONDS": "soon"}, "lock_seconds"),
        ({"CAMPUSCORE_TIME_ZONE": "Mars/Olympus"}, "time_zone"),
        ({"CAMPUSCORE_DATABASE_URL": "oracle://x"}, "oracle"),
        ({"CAMPUSCORE_DATABASE_URL": "sqlite:////dev/null/x"}, "/dev/null/x"),
    ],
)
def test_settings_that_cannot_be_used_are_a_finding(
    run: Run, environ: dict[str, str], said: str
) -> None:
    rows = json.loads(run("--json", "doctor", code=1, **environ).stdout)

    assert any(said in row["detail"] for row in rows if row["level"] == "failure")


def test_the_doctor_does_not_migrate(run: Run, home: Path) -> None:
    with closing(sqlite3.connect(home / "campus.db", isolation_level=None)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0001'")

    assert "needs" in run("doctor", code=1).stdout
    assert json.loads(run("db", "status", "--json", code=1).stdout)["current"] == "0001"


def test_a_backup_is_told_in_words_and_in_json(run: Run, home: Path, tmp_path: Path) -> None:
    told = run("db", "backup", tmp_path / "b.tar")
    assert told.stdout == ""
    assert "backed up" in told.stderr
    assert "and 1 stored files," in told.stderr
    assert "is there already" in run("db", "backup", tmp_path / "b.tar", code=1).stderr
    manifest = json.loads(run("--json", "db", "backup", tmp_path / "b.tar", "--replace").stdout)
    assert manifest["counts"]["users"] == 1
    assert "restored" in run("db", "restore", tmp_path / "b.tar", home="other").stderr
    assert "root" in run("users", "list", home="other").stdout
    refused = run("db", "restore", tmp_path / "b.tar", home="other", code=1)
    assert "--replace" in refused.stderr


def test_a_home_that_a_server_holds_is_not_restored(run: Run, home: Path, tmp_path: Path) -> None:
    run("db", "backup", tmp_path / "b.tar")

    with hold(home, "http://there/"):
        refused = run("db", "restore", tmp_path / "b.tar", "--replace", code=1)
    assert f"process {os.getpid()} at http://there/" in refused.stderr


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def port(home: Path) -> Iterator[int]:
    """A server of the home, on a port."""
    found = free_port()
    command = [sys.executable, "-m", "campuscore", "--home", str(home), "serve", "--workers", "2"]
    log = home.parent / "serve.log"
    with log.open("wb") as words:
        server = subprocess.Popen(
            [*command, "--port", str(found)], stdout=words, stderr=words, start_new_session=True
        )
    try:
        end = time.monotonic() + 60
        while not is_up(found):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield found
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            raise


def is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as got:
            return got.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Writers:
    """Four clients that check people in and attach files, and count what was acknowledged."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.stop = threading.Event()
        self.acknowledged: list[str] = []
        self.wrong: list[object] = []
        self.threads = [threading.Thread(target=self._write, args=(n,)) for n in range(4)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def reach(self, count: int) -> None:
        """Wait until so many more writes were acknowledged."""
        goal = len(self.acknowledged) + count
        while len(self.acknowledged) < goal and not self.wrong:
            self.stop.wait(0.005)
        assert self.wrong == []

    def _write(self, number: int) -> None:
        turn = 0
        while not self.stop.wait(0.01) and not self.wrong:
            turn += 1
            try:
                if turn % 3:
                    self._post("/attendance/", b"{}", "application/json")
                else:
                    self._attach(f"{number}:{turn}".encode() * 1000)
            except OSError as error:
                self.wrong.append(error)

    def _attach(self, data: bytes) -> None:
        fields = {"user_id": "1", "date": "2026-03-04"}
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        body = b"".join([*parts, head, data, b"\r\n--b--\r\n"])
        self._post("/attendance/attach_file/", body, "multipart/form-data; boundary=b")

    def _post(self, path: str, body: bytes, kind: str) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as got:
            self.acknowledged.append(json.load(got)["id"])


def counts(home: Path) -> dict[str, int]:
    with closing(sqlite3.connect(home / "campus.db")) as raw:
        tables = raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            name: raw.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in tables
        }


def test_a_backup_under_50_writes_a_second_restores_elsewhere_with_equal_counts_and_hashes(
    run: Run, home: Path, port: int, tmp_path: Path
) -> None:
    with open_campus(Settings(home=str(home))) as campus:
        token = campus.auth.tokens.mint(campus.operator, NewApiToken(name="writer"), 1).token
    with Writers(port, token) as writers:
        writers.reach(100)
        sure = len(writers.acknowledged)
        manifests = []
        for number in range(5):
            done = run("--json", "db", "backup", tmp_path / f"{number}.tar.gz")
            manifests.append(json.loads(done.stdout))
            writers.reach(20)

    for number, manifest in enumerate(manifests):
        target = tmp_path / f"restored{number}"
        run("db", "restore", tmp_path / f"{number}.tar.gz", home=target.name)
        found = counts(target)
        assert {name: found[name] for name in manifest["counts"]} == manifest["counts"]
        assert found["check_ins"] + found["attachments"] > sure
        with closing(sqlite3.connect(target / "campus.db")) as raw:
            named = {row[0] for row in raw.execute("SELECT sha256 FROM attachments")}
        files = [path for path in (target / "files").glob("??/*") if path.is_file()]
        hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        assert named == hashes == {path.parent.name + path.name for path in files}
        rows = json.loads(run("--json", "doctor", "--deep", home=target.name).stdout)
        assert "failure" not in {row["level"] for row in rows}
    grown = [manifest["counts"]["attachments"] for manifest in manifests]
    assert grown == sorted(grown)
    assert grown[0] < grown[-1]
    with tarfile.open(tmp_path / "0.tar.gz") as tar:
        assert tar.getnames()[0] == "manifest.json"

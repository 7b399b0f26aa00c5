"""A real nginx, set up by deploy/nginx.conf, in front of a real server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from campuscore import Settings, open_campus
from campuscore.domain.auth import NewApiToken

SAMPLE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "campus.example.org"
PASSWORD = "correct horse battery"
_AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/campuscore.conf;
}}
"""


@frozen
class Answer:
    """A response, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@frozen
class Site:
    """A server behind its proxy, and where to reach either."""

    home: Path
    log: Path
    inner: int
    plain: int
    secure: int
    certificate: Path
    pid: int

    def ask(
        self,
        method: str,
        path: str,
        value: Any = None,
        *,
        by: str = "secure",
        source: str = "127.0.0.1",
        **headers: str,
    ) -> Answer:
        """Send a request from an address of this machine."""
        connection = self.connect(by, source)
        body = None if value is None else json.dumps(value)
        sent = {"Host": NAME, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            connection.close()

    def connect(self, by: str = "secure", source: str = "127.0.0.1") -> HTTPConnection:
        at = ("127.0.0.1", getattr(self, by))
        if by != "secure":
            return HTTPConnection(*at, timeout=60, source_address=(source, 0))
        trust = ssl.create_default_context(cafile=str(self.certificate))
        trust.check_hostname = False
        return HTTPSConnection(*at, timeout=60, source_address=(source, 0), context=trust)

    def token(self) -> str:
        """Return an API token of the administrator."""
        with open_campus(Settings(home=str(self.home))) as campus:
            admin = campus.users.find_named(campus.operator, "admin")
            new = NewApiToken(name="proxy")
            return campus.auth.tokens.mint(campus.operator, new, admin.id).token

    def processes(self) -> list[int]:
        """Return the server and its workers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *map(int, children.split())]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def find_nginx() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert found, "nginx is not installed: apt-get install --yes nginx openssl"
    return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    nginx = find_nginx()
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("nginx")
    inner, plain, secure = free_port(), free_port(), free_port()
    certificate = _certify(folder)
    _configure(folder, inner, plain, secure)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CAMPUSCORE_")}
    environ |= {
        "CAMPUSCORE_HOME": str(home),
        "CAMPUSCORE_ADMIN_PASSWORD": PASSWORD,
        "CAMPUSCORE_TRUSTED_PROXIES": "127.0.0.1",
    }
    serve = [sys.executable, "-m", "campuscore", "serve", "--port", str(inner), "--workers", "2"]
    proxy = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    log = folder / "error.log"
    with (folder / "words").open("wb") as words:
        started = [
            subprocess.Popen(serve, env=environ, stdout=words, stderr=words),
            subprocess.Popen(proxy, stdout=words, stderr=words),
        ]
    found = Site(home, log, inner, plain, secure, certificate, started[0].pid)
    try:
        _wait(lambda: _is_ready(found), started, folder / "words")
        yield found
    finally:
        for process in reversed(started):
            process.terminate()
        ended = [process.wait(30) for process in started]
    assert ended == [0, 0], (folder / "words").read_text()


def _certify(folder: Path) -> Path:
    """Make a certificate of our own for the name."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*command.split(), *subject], cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem"


def _configure(folder: Path, inner: int, plain: int, secure: int) -> None:
    """Write the sample with the ports and files of this machine, each of which it must have."""
    text = SAMPLE.read_text()
    for known, ours in {
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{inner};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        f"/etc/ssl/{NAME}.crt": str(folder / "cert.pem"),
        f"/etc/ssl/{NAME}.key": str(folder / "key.pem"),
    }.items():
        assert text.count(known) == 1, known
        text = text.replace(known, ours)
    (folder / "campuscore.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, user=user))


def _is_ready(site: Site) -> bool:
    try:
        return site.ask("GET", "/readyz").status == 200
    except OSError:
        return False


def _wait(what: Callable[[], bool], started: list[subprocess.Popen[bytes]], words: Path) -> None:
    end = time.monotonic() + 60
    while not what():
        gone = [process.args for process in started if process.poll() is not None]
        assert not gone, words.read_text()
        assert time.monotonic() < end, words.read_text()
        time.sleep(0.05)

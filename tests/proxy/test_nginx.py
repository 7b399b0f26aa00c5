"""Through a real nginx everything is as clients see it, and nobody forges an address."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from .conftest import NAME, PASSWORD, Site

pytestmark = pytest.mark.proxy

MIB = 1024 * 1024
FORGED = {
    "X_Forwarded_For": "192.0.2.66",
    "X_Forwarded_Proto": "gopher",
    "X_Forwarded_Host": "evil.example",
    "X_Forwarded_Prefix": "/evil",
    "X_Real_IP": "192.0.2.66",
    "Forwarded": "for=192.0.2.66",
}
LOGIN = {"username": "admin", "password": PASSWORD}


@pytest.fixture(scope="module")
def bearer(site):
    return {"Authorization": f"Bearer {site.token()}"}


def last_address(site, bearer):
    (row,) = site.ask("GET", "/attendance/?limit=1", **bearer).json
    return row["ip_address"]


def test_a_login_is_recorded_with_the_address_of_the_client(site, bearer):
    for source in ("127.0.0.5", "127.0.0.6"):
        assert site.ask("POST", "/auth/login/", LOGIN, source=source).status == 200
        assert last_address(site, bearer) == source


def test_what_a_client_forges_nginx_replaces(site, bearer):
    assert site.ask("POST", "/auth/login/", LOGIN, source="127.0.0.5", **FORGED).status == 200

    assert last_address(site, bearer) == "127.0.0.5"
    page = site.ask("GET", "/", **FORGED).body.decode()
    assert f"curl -s https://{NAME}/users/" in page
    assert "evil" not in page


def test_what_a_peer_forges_that_is_no_proxy_is_ignored(site, bearer):
    """It speaks to the server itself, from an address that is not the proxy's."""
    direct = {"by": "inner", "source": "127.0.0.7", **FORGED}
    assert site.ask("POST", "/auth/login/", LOGIN, **direct).status == 200

    assert last_address(site, bearer) == "127.0.0.7"
    page = site.ask("GET", "/", **direct).body.decode()
    assert f"curl -s http://{NAME}/users/" in page
    assert "evil" not in page


def test_links_to_the_next_page_and_to_files_are_those_of_the_proxy(site, bearer):
    for number in range(2):
        site.ask("POST", "/groups/", {"name": f"Lab {number}"}, **bearer)

    link = site.ask("GET", "/groups/?limit=1", **bearer).headers["link"]
    assert link.startswith(f"<https://{NAME}/groups/?")


def test_plain_requests_are_sent_to_the_secure_address(site):
    answer = site.ask("GET", "/simple/?x=1", by="plain")

    assert answer.status == 301
    assert answer.headers["location"] == f"https://{NAME}/simple/?x=1"


def test_redirects_of_the_index_stay_on_the_site(site):
    for path in ("/simple", "/simple/A_b/"):
        location = site.ask("GET", path).headers["location"]
        assert location in {"/simple/", "/simple/a-b/"}


def write_wheel(path: Path, name: str, size: int) -> Path:
    block = secrets.token_bytes(MIB)
    with zipfile.ZipFile(path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        with wheel.open(f"{name}/data.bin", "w") as data:
            for _ in range(size // MIB):
                data.write(block)
        wheel.writestr(f"{name}-1.0.dist-info/METADATA", _metadata(name))
        wheel.writestr(
            f"{name}-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return Path(wheel.filename)


def _metadata(name: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"


def form(wheel: Path, name: str) -> Iterator[bytes]:
    fields = {":action": "file_upload", "protocol_version": "1", "name": name, "version": "1.0"}
    for key, value in {**fields, "filetype": "bdist_wheel"}.items():
        yield f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
    head = f'form-data; name="content"; filename="{wheel.name}"'
    yield f"--b\r\nContent-Disposition: {head}\r\n\r\n".encode()
    with wheel.open("rb") as file:
        while block := file.read(MIB):
            yield block
    yield b"\r\n--b--\r\n"


def upload(site: Site, bearer: dict[str, str], wheel: Path, name: str) -> None:
    length = sum(map(len, form(wheel, name)))
    sent = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(length)}
    connection = site.connect()
    connection.request("POST", "/legacy/", form(wheel, name), {"Host": NAME, **sent, **bearer})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def peaks(site: Site) -> dict[int, int]:
    """Return the peak memory of each process of the server, in KiB."""
    found = {}
    for process in site.processes():
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        found[process] = next(int(x.split()[1]) for x in lines if x.startswith("VmHWM"))
    return found


def test_a_package_of_200_mb_streams_through(site, bearer, tmp_path):
    for number in range(4):  # so that either worker has loaded what it needs
        upload(site, bearer, write_wheel(tmp_path, f"small{number}", MIB), f"small{number}")
    before = peaks(site)

    wheel = write_wheel(tmp_path, "large", 200 * MIB)
    upload(site, bearer, wheel, "large")

    grown = {process: peak - before[process] for process, peak in peaks(site).items()}
    assert max(grown.values()) < 32 * 1024, grown
    assert "buffered to a temporary file" not in site.log.read_text()

    page = site.ask("GET", "/simple/large/", Accept="application/vnd.pypi.simple.v1+json").json
    (file,) = page["files"]
    digest = hashlib.sha256()
    connection = site.connect()
    connection.request("GET", urljoin("/simple/large/", file["url"]), headers={"Host": NAME})
    answer = connection.getresponse()
    while block := answer.read(MIB):
        digest.update(block)
    connection.close()
    with wheel.open("rb") as original:
        assert digest.hexdigest() == hashlib.file_digest(original, "sha256").hexdigest()
    assert page["files"][0]["hashes"]["sha256"] == digest.hexdigest()
    assert "temporary file" not in site.log.read_text()


def test_pip_installs_through_the_proxy(site, bearer, tmp_path):
    upload(site, bearer, write_wheel(tmp_path, "through", MIB), "through")
    index = f"https://127.0.0.1:{site.secure}/simple/"
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-deps", "--index-url"]
    target = ["--target", str(tmp_path / "site"), "--trusted-host", f"127.0.0.1:{site.secure}"]
    quiet = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    done = subprocess.run(
        [*command, index, *target, "through"],
        capture_output=True,
        text=True,
        env=quiet,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "through" / "data.bin").stat().st_size == MIB


def test_a_read_of_documents_is_the_servers_own(site):
    assert site.ask("GET", "/openapi.json").json["openapi"].startswith("3.1")
    assert 'href="/docs"' in site.ask("GET", "/").body.decode()

"""Power cuts during uploads: what was acknowledged is there and right, and nothing half is."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from tests.index.dists import wheel
from tests.index.serving import multipart_head, serving

UPLOADS, CLIENTS, CUTS = 200, 8, (40, 90, 140)
JSON = "application/vnd.pypi.simple.v1+json"


class Sender:
    """Clients that upload distinct files, and what was acknowledged."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.dists = {f"1.{number}": wheel("kill", f"1.{number}") for number in range(UPLOADS)}
        self.waiting = list(self.dists)
        self.acknowledged: list[str] = []
        self.lock = threading.Lock()

    def run(self, index, until: int) -> None:
        """Upload until so many were acknowledged, and kill the server in the midst of more."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda _: self._send_all(index, until), range(CLIENTS)))

    def _send_all(self, index, until: int) -> None:
        while True:
            with self.lock:
                if not self.waiting or index.process.poll() is not None:
                    return
                version = self.waiting.pop()
            if not self._send(index, version):
                return
            with self.lock:
                self.acknowledged.append(version)
                if len(self.acknowledged) == until:
                    index.kill()

    def _send(self, index, version: str) -> bool:
        dist = self.dists[version]
        head, tail = multipart_head(dist.filename)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "multipart/form-data; boundary=0123456789abcdef",
        }
        line = index.connection()
        try:
            line.request("POST", "/legacy/", head + dist.data + tail, headers)
            answer = line.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return False  # the server was killed while it answered
        finally:
            line.close()
        assert (answer.status, body.get("sha256")) == (200, dist.sha256), body
        return True


def check(index, sender: Sender) -> None:
    """Fail where an acknowledged file is missing, or what is listed is not what was sent."""
    files = json.loads(index.get("/simple/kill/", Accept=JSON)[1])["files"]
    listed = {file["filename"]: file for file in files}
    acknowledged = {sender.dists[version].filename for version in sender.acknowledged}
    sent = {dist.filename: dist for v, dist in sender.dists.items() if v not in sender.waiting}
    assert acknowledged <= set(listed) <= set(sent)
    for filename, file in listed.items():
        status, data = index.get(file["url"].removeprefix("../.."))
        assert (status, data) == (200, sent[filename].data)
        status, text = index.get(file["url"].removeprefix("../..") + ".metadata")
        assert (status, text.split(b"\n")[1]) == (200, b"Name: kill")


def test_every_acknowledged_upload_survives_the_kill_of_the_whole_group(
    tmp_path: Path, new_backend: Callable[[], dict[str, str]]
) -> None:
    home, sender, backend = tmp_path / "home", None, new_backend()
    for until in (*CUTS, UPLOADS + 1):
        with serving(home, **backend) as index:
            partial = home / "files" / "tmp"
            assert not partial.exists() or list(partial.iterdir()) == []
            sender = sender or Sender(index.token())
            if sender.acknowledged:
                check(index, sender)
            sender.run(index, until)
            if until <= UPLOADS:
                assert index.process.poll() is not None
                with pytest.raises(OSError):  # noqa: PT011 - refused or reset
                    index.get("/healthz")
            else:
                check(index, sender)
    assert len(sender.acknowledged) >= UPLOADS - len(CUTS) * CLIENTS

    # Claims outlive a kill; when they have ended, what they kept is cleared away.
    with index.campus(ahead=timedelta(hours=1)) as campus:
        for _ in range(10):
            campus.operations.tidy()
    index.assert_nothing_is_orphaned()

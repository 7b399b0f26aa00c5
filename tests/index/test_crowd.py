"""Many processes upload at once: one release of the same file, one winner among different ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from .dists import wheel
from .serving import serving

SENDER = Path(__file__).with_name("sending.py")
CROWD = 8


@pytest.fixture(scope="module")
def index(tmp_path_factory, new_backend):
    with serving(tmp_path_factory.mktemp("crowd") / "home", **new_backend()) as index:
        yield index


@pytest.fixture(scope="module")
def token(index):
    return index.token()


def all_at_once(index, token, dists, folder):
    """Upload each file from a process of its own, and return how often each answer came."""
    senders = []
    for number, dist in enumerate(dists):
        path = folder / str(number)
        path.write_bytes(dist.data)
        command = [sys.executable, str(SENDER), str(index.port), token, dist.filename, str(path)]
        pipe = subprocess.PIPE
        senders.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
    for sender in senders:
        assert sender.stdout.readline() == "ready\n"
    for sender in senders:
        sender.stdin.write("go\n")
        sender.stdin.flush()
    return Counter(sender.communicate()[0].strip() for sender in senders)


def files_of(index, name):
    accept = "application/vnd.pypi.simple.v1+json"
    return json.loads(index.get(f"/simple/{name}/", Accept=accept)[1])["files"]


def test_the_same_file_is_one_release_and_one_blob(index, token, tmp_path):
    dist = wheel("same", text="x = 1\n" * 100_000)
    assert all_at_once(index, token, [dist] * CROWD, tmp_path) == {"200 -": CROWD}
    (file,) = files_of(index, "same")
    assert file["hashes"] == {"sha256": dist.sha256}
    assert index.get(file["url"].removeprefix("../.."))[1] == dist.data
    index.assert_nothing_is_orphaned()


def test_of_different_files_under_one_name_one_wins(index, token, tmp_path):
    dists = [wheel("different", text=f"x = {number}") for number in range(CROWD)]
    answers = all_at_once(index, token, dists, tmp_path)
    assert answers == {"200 -": 1, "409 file_exists": CROWD - 1}
    (file,) = files_of(index, "different")
    data = index.get(file["url"].removeprefix("../.."))[1]
    assert data in {dist.data for dist in dists}
    index.assert_nothing_is_orphaned()


def test_different_files_of_a_new_project_all_go_in(index, token, tmp_path):
    dists = [wheel("many", f"1.{number}") for number in range(CROWD)]
    assert all_at_once(index, token, dists, tmp_path) == {"200 -": CROWD}
    assert {file["filename"] for file in files_of(index, "many")} == {d.filename for d in dists}
    index.assert_nothing_is_orphaned()

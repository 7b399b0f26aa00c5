"""Two gibibytes go up and come down while the server's memory stays as it is."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest

from .dists import metadata_of
from .serving import multipart_head, serving

GIB = 1 << 30
SIZE, MOST_MEMORY = 2 * GIB, 64 * 1024 * 1024
ROOM = 2 * SIZE + GIB
BLOCK = 4 * 1024 * 1024
NAME = "large-1.0-py3-none-any.whl"


class Sparse:
    """A file in which zeros take no room and no time."""

    def __init__(self, path: Path):
        self.file = path.open("wb")

    def write(self, data):
        if len(data) == BLOCK:
            self.file.seek(BLOCK, 1)
            return BLOCK
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Return a wheel with a member of 2 GiB, which is removed in the end."""
    folder = tmp_path_factory.mktemp("large")
    free = shutil.disk_usage(folder).free
    assert free > ROOM, f"{folder} has {free >> 20} MiB left; this test needs {ROOM >> 20}"
    sparse = Sparse(folder / NAME)
    with zipfile.ZipFile(sparse, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("large/data.bin", "w", force_zip64=True) as member:
            zeros = bytes(BLOCK)
            for _ in range(SIZE // BLOCK):
                member.write(zeros)
        text = metadata_of("large")
        for part in ("METADATA", "WHEEL", "RECORD"):
            archive.writestr(f"large-1.0.dist-info/{part}", text)
    sparse.close()
    yield folder / NAME
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    home = tmp_path_factory.mktemp("large-index") / "home"
    with serving(home, CAMPUSCORE_MAX_PACKAGE=str(SIZE + GIB)) as index:
        yield index
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def token(index):
    return index.token()


def memory(index, what):
    """Return bytes of memory by worker: what they have (VmRSS) or had at the most (VmHWM)."""
    found = {}
    for pid in index.workers():
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        found[pid] = next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))
    return found


def begin_upload(index, token, path):
    """Send all but the file, and return the connection with what is to follow the file."""
    head, tail = multipart_head(path.name)
    line = index.connection()
    line.putrequest("POST", "/legacy/")
    line.putheader("Authorization", f"Bearer {token}")
    line.putheader("Content-Type", "multipart/form-data; boundary=0123456789abcdef")
    line.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
    line.endheaders(head)
    return line, tail


def send(line, file, count):
    """Send so many bytes of a file."""
    left = count
    while left:
        data = file.read(min(BLOCK, left))
        line.send(data)
        left -= len(data)


def receive(index, path, digest, until, **headers):
    """Read a file up to a byte, cut the connection there, and return its answer."""
    line = index.connection()
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    left = until
    while left:
        data = answer.read(min(BLOCK, left))
        digest.update(data)
        left -= len(data)
    line.close()
    return answer


def test_two_gibibytes_up_cut_down_and_resumed(index, token, large):
    index.get("/simple/")
    before = memory(index, "VmRSS")
    size = large.stat().st_size

    line, _ = begin_upload(index, token, large)
    with large.open("rb") as file:
        send(line, file, size // 8)
    line.close()

    line, tail = begin_upload(index, token, large)
    with large.open("rb") as file:
        send(line, file, size)
    line.send(tail)
    answer = line.getresponse()
    assert answer.status == 200, answer.read()
    line.close()
    index.assert_nothing_is_orphaned()
    with index.campus() as campus:
        stored = campus.packages.file(campus.operator, NAME)
    assert stored.size == size

    path = f"/packages/{stored.sha256[:2]}/{stored.sha256[2:4]}/{stored.sha256[4:]}/{NAME}"
    digest, cut = hashlib.sha256(), size // 3
    first = receive(index, path, digest, cut)
    assert (first.status, first.getheader("Content-Length")) == (200, str(size))
    resume = {"Range": f"bytes={cut}-", "If-Range": first.getheader("ETag")}
    rest = receive(index, path, digest, size - cut, **resume)
    assert rest.status == 206
    assert rest.getheader("Content-Range") == f"bytes {cut}-{size - 1}/{size}"
    assert digest.hexdigest() == stored.sha256

    highest = memory(index, "VmHWM")
    assert set(highest) == set(before)
    grown = sum(highest[pid] - before[pid] for pid in before)
    assert grown <= MOST_MEMORY, f"{grown >> 20} MiB"

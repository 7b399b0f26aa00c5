"""Blobs in an object store: in parts and in bounded memory, signed, and refused in time."""

from __future__ import annotations

import errno
import io
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import obstore
import pytest
from attrs import evolve
from falcon.testing import TestClient

from campuscore import NewUser, Settings, open_campus
from campuscore.adapters.http import create_app
from campuscore.adapters.s3 import S3Blobs, S3Draft, blobs_of, open_s3
from campuscore.adapters.s3.address import sign_again
from campuscore.adapters.s3.opening import Keys, Patience
from campuscore.domain.attendance import NewAttachment
from campuscore.domain.auth import NewApiToken
from campuscore.domain.files import Blob, disposition
from campuscore.errors import Misconfigured, NotFound, Unavailable
from campuscore.settings import Secret
from campuscore.testing.files import put

MIB = 1 << 20
SOON = Patience(
    connect=timedelta(seconds=1),
    silence=timedelta(seconds=1),
    sending=timedelta(seconds=5),
    retry=timedelta(),
    tries=1,
)
NAME = "ab" * 32


@pytest.fixture
def place(fresh_s3):
    return fresh_s3()


@pytest.fixture
def blobs(place):
    return blobs_of(Settings.from_env(place | {"CAMPUSCORE_S3_REDIRECTS": "true"}))


def small_parts(blobs):
    """Send in parts what has more than the least that S3 takes for a part."""
    return evolve(blobs, part=5 * MIB)


def reached(place, **changes):
    """Open the place with other keys, or somewhere else."""
    settings = Settings.from_env(place)
    how = {
        "endpoint": settings.s3_endpoint,
        "region": settings.s3_region,
        "keys": Keys(settings.s3_access_key, settings.s3_secret_key),
        "patience": SOON,
    }
    return open_s3(settings.blob_url, **(how | changes))


def uploads(place: dict[str, str]) -> bytes:
    """List the uploads in parts that were begun and not ended, as the server tells it."""
    parts = urlsplit(place["CAMPUSCORE_BLOB_URL"])
    bucket = reached(place | {"CAMPUSCORE_BLOB_URL": f"s3://{parts.netloc}"})
    address = obstore.sign(bucket._bucket.reader, "GET", "", timedelta(minutes=1))
    query = {"prefix": parts.path.strip("/"), "uploads": ""}
    with urlopen(sign_again(address, bucket.secret, query)) as answer:
        return answer.read()


# In parts


def test_a_large_blob_comes_back(blobs, place):
    blobs = small_parts(blobs)
    data = os.urandom(MIB) * 11 + b"end"
    blob = put(blobs, [data], len(data))
    assert blobs.size(blob.sha256) == len(data)
    assert b"".join(blobs.open(blob.sha256)) == data
    assert b"".join(blobs.open(blob.sha256, 10 * MIB, 2 * MIB)) == data[10 * MIB : 12 * MIB]
    assert b"<Upload>" not in uploads(place)


MEMORY = """
import os
from pathlib import Path
from campuscore import Settings
from campuscore.adapters.s3 import blobs_of
from campuscore.testing.files import put

MIB = 1 << 20
def most():
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) // 1024

blobs = blobs_of(Settings.from_env(os.environ))
put(blobs, [b"warm"])
before = most()
block = bytes(range(256)) * 4096
blob = put(blobs, (block for _ in range(96)), 96 * MIB)
after_put = most()
size = sum(map(len, blobs.open(blob.sha256)))
print(size // MIB, after_put - before, most() - after_put)
"""


def test_memory_does_not_grow_with_the_blob(place):
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY],
        env=os.environ | place | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    size, put_more, read_more = map(int, ended.stdout.split())
    assert size == 96, ended.stdout
    assert put_more < 64
    assert read_more < 32


class Breaking(io.BytesIO):
    """A file whose disk fails after some reads."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        if self.reads > 2:
            raise OSError(errno.EIO, "broken")
        return super().read(size)


def test_what_breaks_on_its_way_is_never_seen_and_gives_back_its_parts(blobs, place):
    content = Breaking(bytes(20 * MIB))
    draft = S3Draft(blobs._bucket, content, Blob(NAME, 20 * MIB), part=5 * MIB)
    with pytest.raises(Unavailable) as refused, draft:
        draft.keep()
    assert refused.value.code == "files_unavailable"
    assert content.reads == 3
    assert content.closed
    assert list(blobs.names()) == []
    assert blobs.size(NAME) is None
    assert b"<Upload>" not in uploads(place)


CRASH = """
import os, sys
from campuscore import Settings
from campuscore.adapters.s3 import blobs_of
from campuscore.domain.attendance import NewAttachment
from campuscore.domain.auth import NewApiToken
from campuscore.domain.files import Blob

blobs = blobs_of(Settings.from_env(os.environ))
draft = blobs.draft([bytes(1 << 20)] * 40, 40 << 20)
class Dying:
    def __init__(self):
        self.reads = 0
    def read(self, size=-1):
        self.reads += 1
        if self.reads > 3:
            os._exit(3)
        return draft.content.read(size)
    def seek(self, *where):
        return draft.content.seek(*where)
from attrs import evolve
evolve(draft, content=Dying()).keep()
"""


def test_a_writer_that_is_killed_leaves_nothing_to_be_seen(place, blobs, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", CRASH],
        env=os.environ
        | place
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert ended.returncode == 3
    assert list(blobs.names()) == []
    assert list(tmp_path.iterdir()) == []
    # Which a rule of the bucket removes, as docs/how-to/deploy-with-serve.md says.
    assert b"<Upload>" in uploads(place)
    assert blobs.tidy() == 0


# Drafts


def test_a_draft_has_no_name_and_is_not_sent(blobs, tmp_path):
    blobs = evolve(blobs, folder=tmp_path)
    with blobs.draft([b"draft"], 10) as draft:
        assert list(tmp_path.iterdir()) == []
        assert blobs.size(draft.blob.sha256) is None
    assert draft.content.closed


def test_a_folder_of_drafts_that_is_not_there_is_told(blobs, tmp_path):
    with pytest.raises(Unavailable, match="folder of drafts cannot be used: No such file") as no:
        evolve(blobs, folder=tmp_path / "none").draft([b"draft"], 10)
    assert no.value.code == "files_unavailable"


def test_a_full_disk_is_told(blobs, monkeypatch):
    with suppress(OSError), Path("/dev/full").open("w+b") as full:
        monkeypatch.setattr("campuscore.adapters.s3.store.TemporaryFile", lambda **_: full)
        with pytest.raises(Unavailable, match="folder of drafts cannot be used: No space left"):
            blobs.draft([b"draft"], 10)
        assert full.closed


def test_what_is_there_is_not_sent_again(blobs):
    blob = put(blobs, [b"same"])
    with pytest.raises(ValueError, match="closed"):
        S3Draft(blobs._bucket, closed(), Blob(NAME, 4)).keep()
    S3Draft(blobs._bucket, closed(), blob).keep()


def closed():
    content = io.BytesIO(b"same")
    content.close()
    return content


def test_an_object_that_lost_its_end_is_replaced(blobs):
    with blobs.draft([b"whole"], 10) as draft:
        obstore.put(blobs._bucket.reader, key(draft.blob.sha256), b"who")
        draft.keep()
    assert b"".join(blobs.open(draft.blob.sha256)) == b"whole"


@pytest.mark.parametrize("first", [b"whole", b"who"])
def test_whoever_comes_second_looks_at_what_the_first_left(blobs, first):
    with blobs.draft([b"whole"], 10) as draft:

        class Late(io.BytesIO):
            """Another writer puts the object after we looked, and before we send."""

            def seek(self, *where):
                if blobs.size(draft.blob.sha256) is None:
                    obstore.put(blobs._bucket.reader, key(draft.blob.sha256), first)
                return super().seek(*where)

        S3Draft(blobs._bucket, Late(b"whole"), draft.blob).keep()
    assert b"".join(blobs.open(draft.blob.sha256)) == b"whole"


def key(sha256):
    return f"{sha256[:2]}/{sha256[2:]}"


# Reading


def test_a_range_that_holds_nothing_is_empty_only_of_a_blob(blobs):
    empty = put(blobs, [])
    assert list(blobs.open(empty.sha256, 0, 5)) == []
    for start, length in ((0, 0), (0, 5), (5, None)):
        with pytest.raises(NotFound):
            blobs.open(NAME, start, length)


def test_a_reader_that_ends_early_gives_back_its_connection(blobs, place):
    port = urlsplit(place["CAMPUSCORE_S3_ENDPOINT"]).port
    blob = put(blobs, [bytes(MIB)] * 40, 40 * MIB)
    begun = [blobs.open(blob.sha256) for _ in range(8)]
    assert connections(port) >= 8
    for blocks in begun:
        next(blocks)
        blocks.close()
    wait_until(lambda: connections(port) < 8)
    assert b"".join(blobs.open(blob.sha256)) == bytes(40 * MIB)


def connections(port: int) -> int:
    """Count our established connections to a port of this machine."""
    ours = {str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()}
    rows = (line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:])
    return sum(
        row[3] == "01" and row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in ours
        for row in rows
    )


def wait_until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


# Names


def test_more_names_than_one_page_holds(blobs):
    names = {f"{number:064x}" for number in range(1, 1105)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: obstore.put(blobs._bucket.reader, key(name), b"x"), names))
    for other in ("notes.txt", "ab/notes.txt", f"ab/{'0' * 61}", f"zz/{'0' * 62}"):
        obstore.put(blobs._bucket.reader, other, b"x")
    found = list(blobs.names())
    assert len(found) == len(names)
    assert set(found) == names


@pytest.mark.parametrize(
    "name", ["", "..", NAME.upper(), NAME + "0", NAME + "\n", f"ab/{NAME[3:]}"]
)
def test_names_that_are_no_digest_never_reach_the_store(name):
    nowhere = open_s3("s3://bucket", endpoint="http://127.0.0.1:1", redirects=True, patience=SOON)
    with pytest.raises(NotFound):
        nowhere.open(name)
    assert nowhere.size(name) is None
    assert nowhere.address(name, "a", "text/plain") is None
    nowhere.remove(name)


# Addresses


def test_nobody_is_sent_away_unless_it_is_set(place):
    blobs = blobs_of(Settings.from_env(place))
    assert blobs.address(put(blobs, [b"here"]).sha256, "a.txt", "text/plain") is None


def test_an_address_that_was_changed_counts_no_more(blobs):
    one, two = put(blobs, [b"one"]).sha256, put(blobs, [b"two"]).sha256
    address = blobs.address(one, "a.txt", "text/plain")
    for changed in (address.replace(one[2:], two[2:]), address.replace("a.txt", "b.txt")):
        with pytest.raises(HTTPError, match="403"):
            urlopen(changed.replace(one[:2] + "/", two[:2] + "/"))


def test_with_the_keys_of_the_machine_an_address_is_a_nameless_download(place, monkeypatch):
    settings = Settings.from_env(place)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", settings.s3_access_key.reveal)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", settings.s3_secret_key.reveal)
    blobs = reached(place, keys=Keys(), redirects=True)
    address = blobs.address(put(blobs, [b"<script>"]).sha256, "a.html", "text/html")
    with urlopen(address) as answer:
        assert answer.read() == b"<script>"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"


def test_what_the_machine_says_is_not_mixed_with_what_is_set(place, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-another-key")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another-key")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_BUCKET", "another-bucket")
    assert put(reached(place), [b"ours"]).size == 4


def test_a_download_cannot_break_out_of_its_header():
    assert disposition('a"\r\nb\\ž.csv') == (
        "attachment; filename=\"a___b__.csv\"; filename*=UTF-8''a%22%0D%0Ab%5C%C5%BE.csv"
    )


# What cannot be reached


@pytest.fixture
def silent():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing():
    """An address where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def refused_by_all(blobs: S3Blobs) -> set[str]:
    """Return what every method says where the store cannot be used."""
    told = set()
    for call in (
        lambda: put(blobs, [b"bytes"]),
        lambda: blobs.open(NAME),
        lambda: blobs.open(NAME, 1, 2),
        lambda: blobs.size(NAME),
        lambda: blobs.remove(NAME),
        lambda: list(blobs.names()),
        lambda: evolve(blobs, redirects=True).address(NAME, "a", "text/plain"),
    ):
        with pytest.raises(Unavailable) as refused:
            call()
        assert refused.value.code == "files_unavailable"
        assert refused.value.__cause__ is not None
        told.add(refused.value.detail)
    return told


def test_wrong_keys_are_told(place):
    told = refused_by_all(reached(place, keys=Keys(Secret("stranger"), Secret("x" * 20))))
    assert told == {
        "The object store cannot be used: AccessDenied.",
        "The object store cannot be used: InvalidAccessKeyId.",
    }


def test_a_missing_bucket_is_no_missing_file(place):
    blobs = evolve_bucket(place, "there-is-no-such-bucket")
    for call in (lambda: blobs.open(NAME), lambda: list(blobs.names()), lambda: blobs.remove(NAME)):
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            call()


def evolve_bucket(place, bucket):
    return reached(place | {"CAMPUSCORE_BLOB_URL": f"s3://{bucket}/x"})


def test_nobody_there_is_told(place, refusing):
    assert refused_by_all(reached(place, endpoint=refusing)) == {
        "The object store cannot be used: no usable answer."
    }


def test_a_silent_store_is_given_up(place, silent):
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        reached(place, endpoint=silent).open(NAME)
    assert time.monotonic() - begun < 20


def test_what_is_waited_for_is_bounded():
    usual = Patience()
    assert usual.connect + usual.retry + usual.silence <= timedelta(seconds=60)
    assert max(usual.retry, usual.sending) <= timedelta(seconds=60)
    assert usual.tries <= 5


class Slow(BaseHTTPRequestHandler):
    """A store that has nothing, and takes a while until it has taken something."""

    def do_HEAD(self):
        self.send_error(404)

    def do_DELETE(self):
        self.send_error(404)

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Event().wait(1.5 * SOON.silence.total_seconds())
        self.send_response(200)
        self.send_header("ETag", '"a"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


def test_a_store_that_misses_what_is_removed_is_content(place):
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        reached(place, endpoint=f"http://127.0.0.1:{server.server_port}").remove(NAME)
        server.shutdown()


def test_sending_may_take_longer_than_a_store_may_be_silent(place):
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        blobs = reached(place, endpoint=f"http://127.0.0.1:{server.server_port}")
        assert put(blobs, [b"slow"]).size == 4
        server.shutdown()


def test_a_store_that_falls_silent_while_it_is_read_is_told(place):
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        head = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "a"\r\n'
        head += b"Last-Modified: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n"
        blobs = reached(place, endpoint=endpoint)

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(head + b"begin")

        thread = Thread(target=answer)
        thread.start()
        blocks = blobs.open(NAME)
        thread.join()
    with pytest.raises(Unavailable):
        list(blocks)


# Settings


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"blob_url": "s3://"}, "blob_url"),
        ({"blob_url": "s3:bucket"}, "blob_url"),
        ({"blob_url": "s3://key:secret@bucket"}, "blob_url"),
        ({"blob_url": "s3://bucket?region=x"}, "blob_url"),
        ({"blob_url": "ftp://bucket"}, "blob_url: no adapter knows 'ftp'"),
        ({"s3_endpoint": "localhost:9000"}, "s3_endpoint"),
        ({"s3_endpoint": "ftp://localhost"}, "s3_endpoint"),
        ({"s3_access_key": Secret("a")}, "s3_access_key, s3_secret_key"),
        ({"s3_secret_key": Secret("a")}, "s3_access_key, s3_secret_key"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes, told):
    with pytest.raises(Misconfigured, match=told) as refused:
        open_campus(
            Settings(**({"database_url": "memory://", "blob_url": "s3://bucket"} | changes))
        )
    assert "secret@" not in refused.value.detail


def test_plain_http_needs_an_address_that_says_so():
    keys = Keys(Secret("a"), Secret("b"))
    own = open_s3("s3://bucket/a/b/", endpoint="http://store.example:9000/", keys=keys)
    aws = open_s3("s3://bucket", region="eu-north-1", keys=keys)
    dotted = open_s3("s3://dotted.bucket", region="eu-north-1", keys=keys)
    assert own._bucket.reader.client_options["allow_http"] in {True, "true"}
    assert aws._bucket.reader.client_options["allow_http"] in {False, "false"}
    assert address(own).startswith(f"http://store.example:9000/bucket/a/b/{key(NAME)}?")
    assert address(aws).startswith(f"https://bucket.s3.eu-north-1.amazonaws.com/{key(NAME)}?")
    assert address(dotted).startswith("https://s3.eu-north-1.amazonaws.com/dotted.bucket/")


def address(blobs):
    return obstore.sign(blobs._bucket.reader, "GET", key(NAME), timedelta(minutes=1))


def test_a_missing_library_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("campuscore.adapters.s3")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(Unavailable, match="'obstore'"):
        open_campus(Settings(database_url="memory://", blob_url="s3://bucket"))


# A campus


@pytest.mark.parametrize("redirects", [False, True])
def test_a_campus_keeps_its_files_in_the_object_store(s3_settings, tmp_path, redirects):
    environ = s3_settings | {
        "CAMPUSCORE_HOME": str(tmp_path),
        "CAMPUSCORE_S3_REDIRECTS": str(redirects),
    }
    with open_campus(Settings.from_env(environ)) as campus:
        row = attach(campus, b"excused")
        _, chunks = campus.attendance.open_file(campus.operator, row.id)
        assert b"".join(chunks) == b"excused"
        answer = download(campus, row)
        if redirects:
            assert answer.status_code == 302
            assert answer.content == b""
            assert answer.headers["Cache-Control"] == "no-store"
            with urlopen(answer.headers["Location"]) as fetched:
                assert fetched.read() == b"excused"
                assert fetched.headers["Content-Type"] == "text/plain"
                assert 'filename="a.txt"' in fetched.headers["Content-Disposition"]
        else:
            assert (answer.status_code, answer.content) == (200, b"excused")
    assert not (tmp_path / "files").exists()


def attach(campus, content):
    user = campus.users.create(campus.operator, NewUser(username="ada")).id
    new = NewAttachment(
        user=user, date=date(2026, 3, 4), filename="a.txt", content_type="text/plain"
    )
    return campus.attendance.attach_file(campus.operator, new, [content])


def download(campus, row):
    token = campus.auth.tokens.mint(campus.operator, NewApiToken(name="test"), row.user).token
    client = TestClient(create_app(campus), headers={"Authorization": f"Bearer {token}"})
    return client.simulate_get(f"/attendance/files/{row.id}/")


def test_a_campus_in_memory_may_have_its_files_elsewhere(place):
    with open_campus(Settings.from_env(place | {"DATABASE_URL": "memory://"})) as campus:
        row = attach(campus, b"far away")
        assert blobs_of(Settings.from_env(place)).size(row.sha256) == 8

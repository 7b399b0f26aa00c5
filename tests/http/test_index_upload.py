"""Uploads over a real socket: every oddity of a form, and connections that break."""

from __future__ import annotations

import base64
import json
import socket
from itertools import count
from pathlib import Path

import pytest
from tests.index.dists import Dist, sdist, wheel

from campuscore import Role

from .client import Part, multipart, read_answer
from .forms import parts_of

NUMBERS = count(1)
MAX_PACKAGE = 4 * 1024 * 1024 * 1024
TOO_LONG = "is longer than 65536 bytes"


@pytest.fixture
def name():
    """Return the name of a project that is new in each test."""
    return f"upload_{next(NUMBERS)}"


@pytest.fixture
def teacher(world):
    return world.client("teacher")


def send(client, parts):
    return client.form(*parts, path="/legacy/")


def partial_files(server) -> list[Path]:
    folder = server.home / "files" / "tmp"
    return list(folder.iterdir()) if folder.exists() else []


def test_an_upload_is_answered_with_its_file_and_can_be_read(server, teacher, anybody, name):
    dist = wheel(name)
    answer = send(teacher, parts_of(dist))
    assert (answer.status, answer.json["sha256"]) == (200, dist.sha256)
    assert send(teacher, parts_of(dist)).json == answer.json
    page = anybody.get(f"/simple/{name.replace('_', '-')}/", Accept="*/*")
    assert dist.filename.encode() in page.body
    link = page.body.decode().partition('href="../..')[2].partition("#")[0]
    assert anybody.get(link).body == dist.data
    assert partial_files(server) == []


@pytest.mark.parametrize("path", ["/legacy/", "/legacy"])
def test_the_last_slash_may_be_left_out(teacher, name, path):
    assert teacher.form(*parts_of(wheel(name)), path=path).status == 200


def test_basic_is_as_good_as_bearer(anybody, teacher, name):
    body, kind = multipart(*parts_of(wheel(name)))
    for user, status in (("__token__", 200), ("anybody", 200), ("__token__", 200)):
        given = base64.b64encode(f"{user}:{teacher.token}".encode()).decode()
        headers = {"Content-Type": kind, "Authorization": f"Basic {given}"}
        assert anybody.request("POST", "/legacy/", body=body, headers=headers).status == status


def test_without_credentials_it_is_401_with_a_challenge(server, anybody, name):
    with server.untouched():
        answer = send(anybody, parts_of(wheel(name)))
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Basic realm="campuscore"'


def test_who_may_not_is_told_so(server, world, teacher, name):
    send(teacher, parts_of(wheel(name)))
    others = [world.client(who) for who in ("student", "colleague")]
    with server.untouched():
        for client in others:
            for dist in (wheel(name), sdist(name)):
                answer = send(client, parts_of(dist))
                assert (answer.status, answer.code) == (403, "forbidden")


def test_other_bytes_are_a_conflict_that_clients_understand(server, teacher, name):
    send(teacher, parts_of(wheel(name)))
    with server.untouched():
        answer = send(teacher, parts_of(wheel(name, text="other")))
    assert (answer.status, answer.code) == (409, "file_exists")
    assert "already exist" in answer.json["detail"]
    assert partial_files(server) == []


def test_the_file_may_come_first_or_in_the_middle(server, teacher, name):
    *fields, content = parts_of(wheel(name))
    assert send(teacher, [content, *fields]).status == 200
    dist = wheel(name, "2.0")
    *fields, content = parts_of(dist)
    middle = [*fields[:1], content, *fields[1:]]
    assert send(teacher, middle).json["sha256"] == dist.sha256
    *fields, content = parts_of(wheel(name, "3.0", text="long" * 1_000_000))
    assert send(teacher, [content, *fields]).status == 200
    assert partial_files(server) == []


def test_fields_of_metadata_come_in_any_number(teacher, name):
    more = [Part("classifiers", f"Topic :: {number}".encode()) for number in range(300)]
    more += [Part("description", "Ж".encode() * 20_000), Part("keywords", b""), Part("", b"x")]
    *fields, content = parts_of(wheel(name))
    assert send(teacher, [*more, *fields, content]).status == 200
    *fields, content = parts_of(sdist(name))
    assert send(teacher, [*fields, content, *more]).status == 200


WRONG = [
    ({"name": None}, ["/name"]),
    ({"version": None}, ["/version"]),
    ({"action": None}, ["/:action"]),
    ({"name": None, "version": None, "action": None}, ["/:action", "/name", "/version"]),
    ({"action": "submit"}, ["/:action"]),
    ({"protocol_version": "2"}, ["/protocol_version"]),
    ({"filetype": "bdist_egg"}, ["/filetype"]),
    ({"filetype": "sdist"}, ["/filetype"]),
    ({"name": "other"}, ["/name"]),
    ({"version": "9"}, ["/version"]),
    ({"sha256_digest": "0" * 64}, ["/sha256_digest"]),
    ({"sha256_digest": "nonsense"}, ["/sha256_digest"]),
    ({"blake2_256_digest": "0" * 64}, ["/blake2_256_digest"]),
    ({"md5_digest": "0" * 32}, ["/md5_digest"]),
    ({"requires_python": ">=99"}, ["/requires_python"]),
]


@pytest.mark.parametrize(("change", "paths"), WRONG)
def test_each_field_that_is_wrong_is_named(server, teacher, name, change, paths):
    with server.untouched():
        answer = send(teacher, parts_of(wheel(name), **change))
    assert (answer.status, answer.paths) == (422, paths)
    assert all(fault["detail"] for fault in answer.json["errors"])
    assert partial_files(server) == []


@pytest.mark.parametrize(
    "dist",
    [
        Dist("x_1-1.0-py3-none-any.whl", b"no archive"),
        Dist("x_1-1.0-py3-none-any.whl", wheel("other").data),
        Dist("x_1-1.0.tar.gz", sdist("x_1").data[:100]),
        Dist("x_1-1.0.tar.gz", wheel("x_1").data),
        Dist("x_1-1.0.tar.bz2", b""),
        Dist("x_1-1.0-py3-none-any.exe", b""),
        Dist("../x_1-1.0-py3.whl", b""),
        Dist("x_1-1.0-py3-none-any.whl", b""),
    ],
    ids=lambda dist: f"{dist.filename}-{len(dist.data)}",
)
def test_a_bad_file_is_refused_and_gone(server, teacher, dist):
    fields = {"name": "x_1", "version": "1.0", "filetype": None}
    with server.untouched():
        answer = send(teacher, parts_of(dist, **fields))
    assert (answer.status, answer.paths) == (422, ["/content"])
    assert partial_files(server) == []


def test_a_form_without_a_file_or_with_two_is_refused(server, teacher, name):
    *fields, content = parts_of(wheel(name))
    with server.untouched():
        assert send(teacher, fields).paths == ["/content"]
        assert send(teacher, [content, content, *fields]).paths == ["/content"]
        assert send(teacher, [*fields, content, content]).paths == ["/content"]


def test_a_field_that_counts_is_not_passed_over_behind_the_file(server, teacher, name):
    *fields, content = parts_of(wheel(name))
    digest = Part("sha256_digest", b"0" * 64)
    with server.untouched():
        assert send(teacher, [*fields, content, digest]).paths == ["/sha256_digest"]


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_what_is_no_form_is_refused(server, teacher, kind):
    with server.untouched():
        answer = teacher.request("POST", "/legacy/", body=b"{}", headers={"Content-Type": kind})
    assert answer.status == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x--\r\n",
        b"nonsense",
        b"--x\r\nContent-Disposition: \xff\r\n\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\r\n--x--\r\n',
    ],
)
def test_a_form_that_cannot_be_read_is_400_or_422(server, teacher, body):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with server.untouched():
        answer = teacher.request("POST", "/legacy/", body=body, headers=headers)
    assert (answer.status, answer.code) in {(400, "malformed_form"), (422, "invalid")}


def test_a_field_that_is_no_text_or_too_long_is_named(server, teacher, name):
    *fields, content = parts_of(wheel(name))
    with server.untouched():
        for bad, words in ((b"\xff", "is not UTF-8: byte 0"), (b"1" * 70_000, TOO_LONG)):
            answer = send(teacher, [Part("version", bad), *fields, content])
            assert answer.status == 422
            assert answer.json["errors"] == [{"path": "/version", "detail": words}]


def test_a_form_has_no_more_than_ten_thousand_parts(server, teacher, name):
    parts = parts_of(wheel(name))
    spare = [Part("classifiers", b"x")] * (10_001 - len(parts))
    with server.untouched():
        answer = send(teacher, [*spare, *parts])
    assert (answer.status, answer.code) == (400, "malformed_form")
    assert send(teacher, [*spare[1:], *parts]).status == 200


def test_a_chunked_body_is_read_to_its_end(teacher, name):
    dist = wheel(name, text="chunk" * 100_000)
    body, kind = multipart(*parts_of(dist))
    lines = (f"Content-Type: {kind}", "Transfer-Encoding: chunked")
    chunks = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks)
    answer = teacher.raw(teacher.head("POST", "/legacy/", *lines) + sent + b"0\r\n\r\n")
    assert (answer.status, answer.json["sha256"]) == (200, dist.sha256)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_connection_that_is_cut_leaves_nothing(server, teacher, name, part, chunked):
    body, kind = multipart(*parts_of(wheel(name, text="cut" * 100_000)))
    cut = body[: int(len(body) * part)]
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    sent = b"%x\r\n%b\r\n" % (len(cut), cut) if chunked else cut
    head = teacher.head("POST", "/legacy/", f"Content-Type: {kind}", length)
    with server.untouched():
        teacher.raw(head + sent, half_closed=True)
        settle(server)


def settle(server):
    """Wait until the server has dropped what it was taking in."""
    import time

    give_up = time.monotonic() + 30
    while partial_files(server) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert partial_files(server) == []


def test_a_form_that_lacks_its_last_line_leaves_nothing(server, teacher, name):
    body, kind = multipart(*parts_of(wheel(name)))
    with server.untouched():
        for short in (body[:-4], body[:-40], body[:-60]):
            headers = {"Content-Type": kind}
            answer = teacher.request("POST", "/legacy/", body=short, headers=headers)
            assert (answer.status, answer.code) == (400, "malformed_form")
    assert partial_files(server) == []


def test_too_long_a_body_is_refused_before_it_is_sent(server, teacher):
    lines = ("Content-Type: multipart/form-data; boundary=x",)
    length = f"Content-Length: {2 * MAX_PACKAGE}"
    with server.untouched():
        answer = teacher.raw(teacher.head("POST", "/legacy/", *lines, length))
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "too_large")


def test_a_client_that_asks_first_sends_nothing_in_vain(server, anybody, teacher, name):
    body, kind = multipart(*parts_of(wheel(name)))
    lines = (f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Expect: 100-continue")
    with server.untouched():
        assert anybody.raw(anybody.head("POST", "/legacy/", *lines)).status == 401
    with socket.create_connection((teacher.host, teacher.port), timeout=30) as line:
        line.sendall(teacher.head("POST", "/legacy/", *lines))
        assert line.recv(65536).startswith(b"HTTP/1.1 100 ")
        line.sendall(body)
        assert read_answer(line).status == 200


def test_a_device_may_read_and_not_write(server, world, name):
    world.add("gate", Role.DEVICE)
    device = world.client("gate")
    with server.untouched():
        assert send(device, parts_of(wheel(name))).code == "forbidden"
    assert device.get("/simple/").status == 200

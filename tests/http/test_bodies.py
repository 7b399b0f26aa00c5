"""Bodies are stored whole or refused: never in part, and never as nothing."""

from __future__ import annotations

import io
import socket
import tempfile

import falcon
import pytest
from falcon import testing

from campuscore import NewUser, Settings, open_campus
from campuscore.adapters.http.app import create_app
from campuscore.adapters.http.bodies import Form, let_go, read_form
from campuscore.domain.auth import NewApiToken
from campuscore.errors import TooLarge

from .client import Part, multipart, read_answer

CHUNKED = "Transfer-Encoding: chunked"
JSON = "Content-Type: application/json"
DAY = "2024-03-04"
LARGEST_BODY = 1024 * 1024
LARGEST_FILE = 256 * 1024
MORE = 256 * 1024


def chunks(data, size, *, end=True):
    """Return a body in chunked coding (RFC 9112, section 7.1)."""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return coded + (b"0\r\n\r\n" if end else b"")


def form_of(user, data, *, file_first=False):
    fields = [Part("user_id", str(user).encode()), Part("date", DAY.encode())]
    file = Part("file", data, "note.bin", "application/octet-stream")
    return multipart(*([file, *fields] if file_first else [*fields, file]))


def stored(admin, user):
    rows = admin.get(f"/attendance/files/?user={user}&date={DAY}").json
    return [admin.get(f"/attendance/files/{row['id']}/").body for row in rows]


class TestChunked:
    """Without Content-Length, on a server that marks the end of such bodies."""

    @pytest.mark.parametrize("size", [1, 7, 100_000])
    def test_json_is_read_whole(self, admin, world, size):
        body = f'{{"user": {world.users["student"]}, "timestamp": "2024-03-04T05:10:00Z"}}'
        answer = admin.raw(
            admin.head("POST", "/attendance/", JSON, CHUNKED) + chunks(body.encode(), size)
        )

        assert answer.status == 201
        assert answer.json["timestamp"] == "2024-03-04T05:10:00Z"
        assert answer.json["user"] == world.users["student"]

    @pytest.mark.parametrize("file_first", [False, True])
    def test_a_form_is_read_whole(self, admin, world, file_first):
        user, data = world.users["student"], bytes(range(256)) * 700
        body, kind = form_of(user, data, file_first=file_first)
        head = admin.head("POST", "/attendance/attach_file/", f"Content-Type: {kind}", CHUNKED)
        answer = admin.raw(head + chunks(body, 5000))

        assert answer.status == 201
        assert answer.json["size"] == len(data)
        assert stored(admin, user) == [data]

    def test_too_much_json_is_refused(self, server, admin):
        head = admin.head("POST", "/users/", JSON, CHUNKED)
        with server.untouched():
            refused = admin.raw(head + chunks(b" " * (LARGEST_BODY + MORE), 60_000, end=False))

        assert (refused.status, refused.code) == (413, "too_large")

    def test_a_file_that_is_too_long_is_refused(self, server, admin, world):
        body, kind = form_of(world.users["student"], b"x" * (LARGEST_FILE + 1))
        head = admin.head("POST", "/attendance/attach_file/", f"Content-Type: {kind}", CHUNKED)
        with server.untouched():
            refused = admin.raw(head + chunks(body, 60_000))

        assert (refused.status, refused.code) == (413, "too_large")


class TestCutOff:
    """The client goes away in the middle."""

    @pytest.fixture
    def form(self, world):
        return form_of(world.users["student"], b"x" * 100_000)

    def test_json_of_known_length(self, server, admin, world):
        body = b'[{"user": %d}, {"user"' % world.users["student"]
        head = admin.head("POST", "/attendance/", JSON, f"Content-Length: {len(body) + 20}")
        with server.untouched():
            assert admin.raw(head + body, half_closed=True).status in {0, 400}

    @pytest.mark.parametrize("wrong", [1, 30])
    def test_json_that_is_whole_but_for_its_length(self, server, admin, world, wrong):
        body = b'{"user": %d}' % world.users["student"]
        head = admin.head("POST", "/attendance/", JSON, f"Content-Length: {len(body) + wrong}")
        with server.untouched():
            assert admin.raw(head + body, half_closed=True).status in {0, 400}

    @pytest.mark.parametrize("size", [1, 50])
    def test_chunked_json(self, server, admin, world, size):
        body = b'[{"user": %d}, {"user"' % world.users["student"]
        head = admin.head("POST", "/attendance/", JSON, CHUNKED)
        with server.untouched():
            sent = head + chunks(body, size, end=False)
            assert admin.raw(sent, half_closed=True).status in {0, 400}

    def test_within_a_chunk(self, server, admin, world):
        body = b'{"user": %d}' % world.users["student"]
        head = admin.head("POST", "/attendance/", JSON, CHUNKED)
        with server.untouched():
            sent = head + chunks(body, 50, end=False)[:-5]
            assert admin.raw(sent, half_closed=True).status in {0, 400}

    @pytest.mark.parametrize("missing", [1, 10, 50_000])
    def test_a_form_of_known_length(self, server, admin, form, missing):
        body, kind = form
        lines = (f"Content-Type: {kind}", f"Content-Length: {len(body)}")
        head = admin.head("POST", "/attendance/attach_file/", *lines)
        with server.untouched():
            assert admin.raw(head + body[:-missing], half_closed=True).status in {0, 400}

    @pytest.mark.parametrize("file_first", [False, True])
    @pytest.mark.parametrize("missing", [4, 50, 50_000])
    def test_a_chunked_form(self, server, admin, world, missing, file_first):
        body, kind = form_of(world.users["student"], b"x" * 100_000, file_first=file_first)
        head = admin.head("POST", "/attendance/attach_file/", f"Content-Type: {kind}", CHUNKED)
        with server.untouched():
            coded = chunks(body[:-missing], 5000, end=False)
            assert admin.raw(head + coded, half_closed=True).status in {0, 400}

    def test_a_form_whose_last_boundary_is_missing(self, server, admin, form):
        body, kind = form
        short = body[: body.rindex(b"\r\n--")]
        with server.untouched():
            refused = admin.request(
                "POST", "/attendance/attach_file/", body=short, headers={"Content-Type": kind}
            )

        assert (refused.status, refused.code) == (400, "malformed_form")


class TestLengths:
    """Limits, with the length known in advance."""

    def test_json_up_to_the_limit_is_taken(self, admin, world):
        body = b'{"user": %d}' % world.users["student"]
        answer = admin.request("POST", "/attendance/", body=body.ljust(LARGEST_BODY))

        assert answer.status == 201

    def test_a_file_up_to_the_limit_is_taken(self, admin, world):
        assert admin.attach(world.users["student"], DAY, b"x" * LARGEST_FILE).status == 201

    @pytest.mark.parametrize("file_first", [False, True])
    @pytest.mark.parametrize("beyond", [1, 200_000])
    def test_a_file_beyond_it_is_refused(self, server, admin, world, beyond, file_first):
        body, kind = form_of(
            world.users["student"], b"x" * (LARGEST_FILE + beyond), file_first=file_first
        )
        with server.untouched():
            refused = admin.request(
                "POST", "/attendance/attach_file/", body=body, headers={"Content-Type": kind}
            )

        assert (refused.status, refused.code) == (413, "too_large")

    @pytest.mark.parametrize("name", ["note", "file", "date"])
    def test_what_follows_the_file_is_not_passed_over(self, server, admin, world, name):
        user = str(world.users["student"]).encode()
        parts = [Part("user_id", user), Part("date", DAY.encode()), Part("file", b"x", "a.txt")]
        with server.untouched():
            refused = admin.form(*parts, Part(name, b"x", "b.txt" if name == "file" else None))

        assert (refused.status, refused.paths) == (422, [f"/{name}"])

    def test_a_file_before_the_fields(self, admin, world):
        user, data = world.users["student"], bytes(range(256)) * 300
        body, kind = form_of(user, data, file_first=True)
        answer = admin.request(
            "POST", "/attendance/attach_file/", body=body, headers={"Content-Type": kind}
        )

        assert answer.status == 201
        assert stored(admin, user) == [data]

    def test_no_body_at_all_is_400(self, server, admin):
        with server.untouched():
            refused = admin.raw(admin.head("POST", "/attendance/", JSON))

        assert (refused.status, refused.code) == (400, "malformed_json")


@pytest.mark.parametrize(("limit", "is_taken"), [(10, False), (11, True)])
def test_a_file_before_its_fields_is_kept_up_to_the_limit(limit, is_taken):
    body, kind = multipart(Part("file", b"x" * 11, "note.txt"), Part("date", DAY.encode()))
    environ = testing.create_environ(method="POST", headers={"Content-Type": kind}, body=body)
    asked, form = falcon.Request(environ), Form(file="file", needed=frozenset({"date"}))
    if is_taken:
        fields, upload = read_form(asked, limit, form)
        assert (fields, b"".join(upload.chunks())) == ({"date": DAY}, b"x" * 11)
    else:
        with pytest.raises(TooLarge):
            read_form(asked, limit, form)
    let_go(asked)


class TestKeptFile:
    """A file that comes before the fields is kept for no longer than the request."""

    @pytest.fixture
    def kept(self, monkeypatch):
        """Return the temporary files that are opened from now on."""
        files, opened = [], tempfile.SpooledTemporaryFile

        def note(**given):
            files.append(opened(**given))
            return files[-1]

        monkeypatch.setattr(tempfile, "SpooledTemporaryFile", note)
        return files

    @pytest.mark.parametrize(
        ("size", "more", "status"),
        [(10, (), 201), (10, (Part("note", b"x"),), 422), (LARGEST_FILE + 1, (), 413)],
    )
    def test_it_is_closed_whatever_is_answered(self, kept, size, more, status):
        with open_campus(Settings(database_url="memory://", max_upload=LARGEST_FILE)) as campus:
            user = campus.users.create(campus.operator, NewUser(username="anna")).id
            token = campus.auth.tokens.mint(campus.operator, NewApiToken(name="t"), user).token
            fields = [Part("user_id", str(user).encode()), Part("date", DAY.encode()), *more]
            body, kind = multipart(Part("file", b"x" * size, "a.bin"), *fields)
            answer = testing.TestClient(create_app(campus)).simulate_post(
                "/attendance/attach_file/",
                body=body,
                headers={"Authorization": f"Bearer {token}", "Content-Type": kind},
            )

        assert answer.status_code == status, answer.text
        assert [file.closed for file in kept] == [True]


class TestContinue:
    """Expect: 100-continue (RFC 9110, section 10.1.1)."""

    def test_the_body_follows_the_interim_answer(self, admin, world):
        body = b'{"user": %d}' % world.users["student"]
        lines = (JSON, f"Content-Length: {len(body)}", "Expect: 100-continue")
        with socket.create_connection((admin.host, admin.port), timeout=30) as line:
            line.sendall(admin.head("POST", "/attendance/", *lines))
            assert line.recv(65536).startswith(b"HTTP/1.1 100 ")
            line.sendall(body)
            answer = read_answer(line)

        assert (answer.status, answer.json["user"]) == (201, world.users["student"])

    def test_a_body_that_is_refused_need_not_be_sent(self, server, anybody):
        lines = (JSON, "Content-Length: 10", "Expect: 100-continue")
        with server.untouched():
            refused = anybody.raw(anybody.head("POST", "/attendance/", *lines))

        assert refused.status == 401


class TestUnmarkedEnd:
    """A server that says nothing of where bodies end, such as wsgiref, by the bare WSGI call."""

    @pytest.fixture
    def campus(self):
        with open_campus(Settings(database_url="memory://")) as campus:
            yield campus

    @pytest.fixture
    def call(self, campus):
        user = campus.users.create(campus.operator, NewUser(username="anna")).id
        token = campus.auth.tokens.mint(campus.operator, NewApiToken(name="t"), user).token
        app = create_app(campus)

        def call(body, **given):
            environ = {
                **testing.create_environ("/attendance/", method="POST"),
                "HTTP_AUTHORIZATION": f"Bearer {token}",
                "wsgi.input": io.BytesIO(body),
            }
            for name in ("CONTENT_LENGTH", "wsgi.input_terminated"):
                environ.pop(name, None)
            said = testing.StartResponseMock()
            answer = b"".join(app({**environ, **given}, said))
            return said.status[:3], answer

        return call

    def count(self, campus):
        return len(campus.attendance.list(campus.operator).items)

    def test_chunked_is_411(self, campus, call):
        status, answer = call(b"{}", HTTP_TRANSFER_ENCODING="chunked")

        assert status == "411"
        assert b'"length_required"' in answer
        assert self.count(campus) == 0

    def test_chunked_with_a_length_is_411(self, campus, call):
        status, _ = call(b"{}", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="2")

        assert status == "411"
        assert self.count(campus) == 0

    def test_not_a_byte_is_read_where_too_much_is_announced(self, campus, call):
        source = io.BytesIO(b"{}")
        status, _ = call(b"", CONTENT_LENGTH=str(1 << 30), **{"wsgi.input": source})

        assert (status, source.tell()) == ("413", 0)
        assert self.count(campus) == 0

    def test_not_a_byte_more_than_the_length_is_read(self, campus, call):
        status, _ = call(b"{}POST /users/", CONTENT_LENGTH="2")

        assert status == "201"
        assert self.count(campus) == 1

    def test_a_shorter_body_is_400(self, campus, call):
        status, answer = call(b"{}", CONTENT_LENGTH="3")

        assert status == "400"
        assert b"ended before its Content-Length" in answer
        assert b'"body_incomplete"' in answer
        assert self.count(campus) == 0

    @pytest.mark.parametrize("length", ["x", "-1", "1.5"])
    def test_a_length_that_is_no_number_is_400(self, campus, call, length):
        status, _ = call(b"{}", CONTENT_LENGTH=length)

        assert status == "400"
        assert self.count(campus) == 0

    def test_no_length_is_no_body(self, campus, call):
        status, answer = call(b"{}")

        assert status == "400"
        assert b"malformed_json" in answer
        assert self.count(campus) == 0

"""Files of a user's day over HTTP."""

from __future__ import annotations

import hashlib

import pytest

from .client import Part, multipart

KEYS = ["id", "user", "date", "filename", "size", "content_type", "url"]
DAY = "2024-03-04"


def test_attach_list_download_and_withdraw(admin, world):
    user, data = world.users["student"], bytes(range(256)) * 50
    answer = admin.attach(user, DAY, data, "week 1.pdf", "application/pdf")
    row = answer.json
    path = f"/attendance/files/{row['id']}/"

    assert (answer.status, list(row)) == (201, KEYS)
    assert row == {
        "id": row["id"],
        "user": user,
        "date": DAY,
        "filename": "week 1.pdf",
        "size": len(data),
        "content_type": "application/pdf",
        "url": f"http://127.0.0.1:{admin.port}{path}",
    }
    assert admin.get(f"/attendance/files/?user={user}&date={DAY}").json == [row]

    got = admin.get(path)
    assert (got.status, got.body) == (200, data)
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-length"] == str(len(data))
    assert got.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert got.headers["content-disposition"].startswith('attachment; filename="week 1.pdf"')
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]

    assert admin.delete(path).status == 204
    assert (admin.get(path).status, admin.delete(path).status) == (404, 404)
    assert admin.get(f"/attendance/files/?user={user}&date={DAY}").json == []


def test_the_same_bytes_twice_are_two_files(admin, world):
    user = world.users["student"]
    one, two = (admin.attach(user, DAY, b"same", name).json for name in ("a", "b"))
    admin.delete(f"/attendance/files/{one['id']}/")

    assert admin.get(f"/attendance/files/{two['id']}/").body == b"same"


def test_an_empty_file_is_a_file(admin, world):
    row = admin.attach(world.users["student"], DAY, b"", "empty.txt").json

    assert row["size"] == 0
    assert admin.get(f"/attendance/files/{row['id']}/").body == b""


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\\\notes\\\\week 1.pdf", "week 1.pdf"),
        ("../../etc/passwd", "passwd"),
        ("Отпуск.pdf", "Отпуск.pdf"),
    ],
)
def test_the_name_of_a_file_is_its_last_part(admin, world, sent, kept):
    row = admin.attach(world.users["student"], DAY, b"x", sent).json
    got = admin.get(f"/attendance/files/{row['id']}/")

    assert row["filename"] == kept
    assert "filename*=UTF-8''" in got.headers["content-disposition"]


def file(name="file", filename="a.txt"):
    return Part(name, b"data", filename)


def refused_forms(user):
    user_id, day = Part("user_id", str(user).encode()), Part("date", DAY.encode())
    return {
        "no user": ((day, file()), ["/user_id"]),
        "no date": ((user_id, file()), ["/date"]),
        "no file": ((user_id, day), ["/file"]),
        "nothing": ((), ["/user_id", "/date", "/file"]),
        "two dates": ((day, day, user_id, file()), ["/date"]),
        "two unnamed": ((Part("", b"x"), Part("", b"x"), user_id, day, file()), ["/"]),
        "two files": ((file(), file(), user_id, day), ["/file"]),
        "unknown": ((Part("note", b"x"), user_id, day, file()), ["/note"]),
        "bad user": ((Part("user_id", b"anna"), day, file()), ["/user_id"]),
        "long user": ((Part("user_id", b"9" * 30), day, file()), ["/user_id"]),
        "bad date": ((user_id, Part("date", b"today"), file()), ["/date"]),
        "no name": ((user_id, day, file(filename="")), ["/file"]),
        "dots": ((user_id, day, file(filename="..")), ["/file"]),
        "long name": ((user_id, day, file(filename="x" * 256)), ["/file"]),
        "not text": ((Part("user_id", b"\xff"), day, file()), ["/user_id"]),
        "long field": ((Part("date", b"x" * 70_000), user_id, file()), ["/date"]),
    }


@pytest.mark.parametrize("case", refused_forms(1))
def test_a_bad_form_is_refused_with_its_fields(server, admin, world, case):
    parts, paths = refused_forms(world.users["student"])[case]
    with server.untouched():
        refused = admin.form(*parts)

    assert (refused.status, refused.paths) == (422, paths)


def test_what_is_no_form_is_refused(server, admin):
    with server.untouched():
        json = admin.post("/attendance/attach_file/", {"user_id": 1})
        unbounded = admin.request(
            "POST",
            "/attendance/attach_file/",
            body=b"x",
            headers={"Content-Type": "multipart/form-data"},
        )

    assert json.status == 422
    assert (unbounded.status, unbounded.code) == (400, "malformed_form")


def test_media_types_are_compared_without_case(admin, world):
    user = Part("user_id", str(world.users["student"]).encode())
    body, kind = multipart(user, Part("date", DAY.encode()), file())
    sent = {"Content-Type": kind.replace("multipart/form-data", "Multipart/Form-Data")}
    answer = admin.request("POST", "/attendance/attach_file/", body=body, headers=sent)

    assert answer.status == 201


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Disposition: form-data; name="\xff"',
        b'Content-Disposition: form-data; name="file"; filename="\xff"',
        b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%FF",
        b"Content-Disposition: form-data; name=\"file\"; filename*=nonsense''a",
        b'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: \xff',
    ],
)
def test_heads_of_parts_that_are_no_text_are_malformed(server, admin, head):
    body = b"--b\r\n" + head + b"\r\n\r\nx\r\n--b--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    with server.untouched():
        refused = admin.request("POST", "/attendance/attach_file/", body=body, headers=kind)

    assert (refused.status, refused.code) == (400, "malformed_form")


def test_a_content_type_that_is_not_ascii_is_refused(server, admin, world):
    user = world.users["student"]
    with server.untouched():
        refused = admin.attach(user, DAY, b"x", kind="a/b\x7f")

    assert (refused.status, refused.paths) == (422, ["/file"])


@pytest.mark.parametrize("query", ["", "user=1", "date=2024-03-04"])
def test_a_list_of_files_needs_user_and_date(admin, query):
    refused = admin.get(f"/attendance/files/?{query}")

    assert refused.status == 422
    assert set(refused.paths) == {"/user", "/date"} - {f"/{query.partition('=')[0]}"}


class TestRights:
    """The person, those who lead the person's groups on the day, administrators."""

    @pytest.fixture
    def path(self, admin, world):
        row = admin.attach(world.users["student"], DAY, b"secret").json
        return f"/attendance/files/{row['id']}/"

    @pytest.mark.parametrize("who", ["student", "teacher", "assistant"])
    def test_who_may_read_may_attach_and_withdraw(self, world, path, who):
        client = world.client(who)
        listing = f"/attendance/files/?user={world.users['student']}&date={DAY}"

        assert client.get(path).body == b"secret"
        assert len(client.get(listing).json) == 1
        assert client.attach(world.users["student"], DAY, b"more").status == 201
        assert client.delete(path).status == 204

    @pytest.mark.parametrize("who", ["classmate", "stranger", "colleague"])
    def test_for_others_it_is_not_there(self, server, world, path, who):
        client = world.client(who)
        with server.untouched():
            refused = [
                client.get(path),
                client.delete(path),
                client.get("/attendance/files/99999/"),
            ]

        assert {(each.status, each.code) for each in refused} == {(404, "file_not_found")}

    def test_others_cannot_attach(self, server, world):
        user = world.users["student"]
        classmate, outsider = world.client("classmate"), world.client("stranger")
        with server.untouched():
            fellow = classmate.attach(user, DAY, b"x")
            stranger = outsider.attach(user, DAY, b"x")
            unknown = outsider.attach(999_999, DAY, b"x")

        assert (fellow.status, fellow.code) == (403, "forbidden")
        assert (stranger.status, stranger.code) == (unknown.status, unknown.code)
        assert stranger.code == "user_not_found"

    def test_nobody_reads_without_a_token(self, anybody, path):
        assert anybody.get(path).status == 401

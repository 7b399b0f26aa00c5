"""Who may read and change the index over HTTP, and what HEAD says."""

from __future__ import annotations

import base64
import json

import pytest

from campuscore import NewUser, Role
from campuscore.adapters.http.packages.simple import file_path
from campuscore.adapters.http.routes import ROUTES
from campuscore.errors import Invalid

from .indexes import Index

PAGES = ("/simple/", "/simple/demo-lab/")


@pytest.fixture
def index():
    index = Index()
    yield index
    index.campus.close()


@pytest.fixture
def closed():
    index = Index(index_anonymous_read=False)
    yield index
    index.campus.close()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


INSTALLERS = [route for route in ROUTES if route.installers]


@pytest.mark.parametrize("route", INSTALLERS, ids=lambda route: f"{route.method} {route.path}")
def test_a_closed_index_asks_for_a_password(closed, route):
    path = route.path.replace("{", "").replace("}", "")
    for method in {route.method, "HEAD" if route.method == "GET" else route.method}:
        answer = closed.client.simulate_request(method, path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Basic realm="campuscore"'


def test_a_closed_index_is_read_with_a_token_in_any_place(closed):
    token = closed.token("student", Role.STUDENT, "packages.read")
    file = file_path(closed.files[0])
    for path in (*PAGES, file, f"{file}.metadata", "/pypi/other/json", "/projects/other/"):
        for given in (basic("__token__", token), basic("student", token), f"Bearer {token}"):
            answer = closed.get(path, Authorization=given)
            assert answer.status_code == 200, path
    assert "private" in closed.get(file, Authorization=basic("x", token)).headers["cache-control"]


@pytest.mark.parametrize(
    "given",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"user:").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        basic("__token__", "wrong"),
        basic("__token__", "cc_wrong"),
        "Bearer",
        "Bearer wrong",
        "Digest x",
    ],
)
def test_wrong_credentials_are_refused_even_where_none_are_needed(index, given):
    answer = index.get("/simple/", Authorization=given)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="campuscore"'


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_password_of_a_login_gets_the_hint_whoever_it_is_of(index, method):
    index.campus.users.create(
        index.campus.operator, NewUser(username="anna", password="correct-horse")
    )
    path = "/simple/" if method == "GET" else "/legacy/"
    answers = [
        index.client.simulate_request(method, path, headers={"Authorization": basic(*given)})
        for given in (
            ("anna", "correct-horse"),
            ("anna", "wrong-horse"),
            ("nobody", "correct-horse"),
            ("__token__", "cct_wrong"),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    (problem,) = {json.dumps(answer.json) for answer in answers}
    assert json.loads(problem)["code"] == "token_invalid"
    assert "send an API token as the password of the user __token__" in problem


def test_basic_is_for_installers_only(index):
    token = index.token("teacher")
    answer = index.get("/users/", Authorization=basic("__token__", token))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="campuscore"'


def test_yank_and_delete_over_http(index):
    token = {"Authorization": f"Bearer {index.token('root', Role.ADMIN)}"}
    post = index.client.simulate_post
    at = "/projects/Demo_Lab/1/"
    rows = post(f"{at}yank/", headers=token, json={"reason": "sad"}).json
    assert [(row["version"], row["yanked"]) for row in rows] == [("1.10", False), ("1.0", True)]
    named = {"yanked": False, "filename": index.files[0].filename}
    rows = post(f"{at}yank/", headers=token, json=named).json
    assert [row["yanked"] for row in rows] == [False, False]
    delete = index.client.simulate_delete
    gone = delete(f"{at}?filename={index.files[0].filename}", headers=token)
    assert (gone.status_code, gone.content) == (204, b"")
    assert delete(f"{at}?filename={index.files[0].filename}", headers=token).status_code == 404
    assert delete(at, headers=token).status_code == 204
    rows = index.get("/projects/demo-lab/").json
    assert [(row["version"], row["files"]) for row in rows] == [("1.10", 1)]
    assert post("/projects/other/2.0/yank/", headers=token, json={"x": 1}).status_code == 422
    for call in (delete("/projects/other/2.0/"), post("/projects/other/2.0/yank/", json={})):
        assert call.status_code == 401


GETS = [route for route in ROUTES if route.method == "GET"]


@pytest.mark.parametrize("route", GETS, ids=lambda route: route.path)
def test_head_says_what_get_says(index, route):
    headers = {"Authorization": f"Bearer {index.token('root', Role.ADMIN)}"}
    first, second, rest, filename = file_path(index.files[0]).split("/")[2:]
    named = {
        "name": "demo-lab", "version": "1.0", "first": first, "second": second, "rest": rest,
        "filename": filename, "group_id": 1, "user_id": 1, "checkin_id": 1,
    }  # fmt: skip
    path = route.path
    for key, value in named.items():
        path = path.replace(f"{{{key}}}", str(value))
    path = path.replace("{term_id}", "1").replace("{room_id}", "1").replace("{entry_id}", "1")
    got = index.client.simulate_get(path, headers=headers)
    head = index.client.simulate_head(path, headers=headers)
    assert head.status_code == got.status_code
    assert head.content == b""
    changing = {"date", "x-request-id"}
    both = [{k: v for k, v in each.headers.items() if k not in changing} for each in (got, head)]
    if route.path != "/metrics":
        assert both[0] == both[1]


def test_a_token_for_something_else_reads_what_everybody_reads(index, closed):
    for place, status in ((index, 200), (closed, 403)):
        token = place.token("uploader", Role.TEACHER, "packages.upload:demo-lab")
        assert place.get("/simple/", Authorization=basic("x", token)).status_code == status


@pytest.mark.parametrize("scope", ["packages.read:demo-lab", "packages.*:demo-lab", "*:demo-lab"])
def test_reading_cannot_be_limited_to_a_project(closed, scope):
    with pytest.raises(Invalid) as refused:
        closed.token("reader", Role.TEACHER, scope)
    assert [problem.path for problem in refused.value.problems] == ["/scopes/0"]

"""Files of the index: whole, in parts, once and for ever."""

from __future__ import annotations

import json

import pytest
from falcon.testing import TestClient
from tests.index.dists import sdist, wheel

from campuscore import Settings, open_campus
from campuscore.adapters.http.app import create_app
from campuscore.adapters.http.packages.simple import file_path
from campuscore.domain.packages import NewUpload

WHEEL, SDIST = wheel(text="x = 1\n" * 200), sdist()
SIZE = len(WHEEL.data)


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    home = tmp_path_factory.mktemp("files")
    with open_campus(Settings(home=str(home), sqlite_synchronous="normal")) as campus:
        for dist in (WHEEL, SDIST):
            new = NewUpload(filename=dist.filename)
            campus.packages.upload(campus.operator, new, [dist.data])
        yield campus


@pytest.fixture(scope="module")
def path(campus):
    return file_path(campus.packages.file(campus.operator, WHEEL.filename))


@pytest.fixture(scope="module")
def client(campus):
    return TestClient(create_app(campus))


@pytest.fixture(scope="module")
def get(client):
    def ask(path, **headers):
        return client.simulate_get(path, headers=headers)

    return ask


def test_a_file_comes_whole_with_what_caches_need(get, path):
    answer = get(path)
    assert (answer.status_code, answer.content) == (200, WHEEL.data)
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["etag"] == f'"{WHEEL.sha256}"'
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in get(path, **{"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize("known", [f'"{WHEEL.sha256}"', "*", f'"x", "{WHEEL.sha256}"'])
def test_a_file_that_is_known_is_not_sent_again(get, path, known):
    answer = get(path, **{"If-None-Match": known})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == f'"{WHEEL.sha256}"'
    assert "immutable" in answer.headers["cache-control"]


PARTS = [
    ("bytes=0-0", 0, 1),
    ("bytes=0-99", 0, 100),
    ("bytes=100-199", 100, 200),
    ("bytes=7-", 7, SIZE),
    ("bytes=0-", 0, SIZE),
    (f"bytes=0-{SIZE - 1}", 0, SIZE),
    (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
    (f"bytes=10-{SIZE * 10}", 10, SIZE),
    ("bytes=-1", SIZE - 1, SIZE),
    ("bytes=-200", SIZE - 200, SIZE),
    (f"bytes=-{SIZE * 2}", 0, SIZE),
    ("bytes = 5 - 6", 5, 7),
]


@pytest.mark.parametrize(("asked", "start", "end"), PARTS)
def test_a_part_comes_as_asked(get, path, asked, start, end):
    answer = get(path, Range=asked)
    assert (answer.status_code, answer.content) == (206, WHEEL.data[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["etag"] == f'"{WHEEL.sha256}"'


@pytest.mark.parametrize(
    "asked",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=x-y", "bytes=0-1,5-6", "lines=1-2",
     "bytes=1-2-3", "bytes=--5", f"bytes={'9' * 30}-"],
)  # fmt: skip
def test_what_is_no_range_is_passed_over(get, path, asked):
    answer = get(path, Range=asked)
    assert (answer.status_code, answer.content) == (200, WHEEL.data)
    assert "content-range" not in answer.headers


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_part_behind_the_end_is_416(get, path, asked):
    answer = get(path, Range=asked)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (f'"{WHEEL.sha256}"', 206),
        ('"other"', 200),
        (f'W/"{WHEEL.sha256}"', 200),
        (WHEEL.sha256, 200),
        ("Wed, 04 Mar 2026 12:00:00 GMT", 200),
    ],
)
def test_a_part_of_another_file_is_never_sent(get, path, condition, status):
    answer = get(path, Range="bytes=5-", **{"If-Range": condition})
    assert answer.status_code == status
    assert answer.content == WHEEL.data[5 if status == 206 else 0 :]


def test_a_cut_download_is_put_together_again(get, path):
    data, tag = WHEEL.data[:100], get(path).headers["etag"]
    while len(data) < SIZE:
        end = len(data) + 99
        part = get(path, Range=f"bytes={len(data)}-{end}", **{"If-Range": tag})
        data += part.content
    assert data == WHEEL.data


@pytest.mark.parametrize("asked", [None, "bytes=5-", f"bytes={SIZE}-"])
def test_head_sends_no_byte_and_takes_no_range(client, path, asked):
    answer = client.simulate_head(path, headers={"Range": asked} if asked else {})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"


def test_metadata_lies_beside_wheels_as_their_page_says(campus, get, path):
    file = campus.packages.file(campus.operator, WHEEL.filename)
    answer = get(f"{path}.metadata")
    assert answer.status_code == 200
    assert answer.content == b"".join(campus.packages.open(campus.operator, file.metadata))
    assert answer.content.startswith(b"Metadata-Version: 2.1\nName: demo_lab\n")
    assert answer.headers["etag"] == f'"{file.metadata}"'
    assert "immutable" in answer.headers["cache-control"]
    assert get(f"{path}.metadata", Range="bytes=0-3").content == b"Meta"
    page = get("/simple/demo-lab/", Accept="application/vnd.pypi.simple.v1+json")
    entries = {each["filename"]: each for each in json.loads(page.content)["files"]}
    assert entries[WHEEL.filename]["core-metadata"] == {"sha256": file.metadata}
    assert entries[SDIST.filename]["core-metadata"] is False


def test_no_other_address_has_a_file(campus, get, path):
    beside = file_path(campus.packages.file(campus.operator, SDIST.filename))
    wrong = [
        f"{beside}.metadata",
        f"{path}.metadata.metadata",
        f"{path}x",
        path.replace(WHEEL.filename, SDIST.filename),
        path.replace("/packages/", "/packages/ab/"),
        path[:-60] + "0" + path[-59:],
        path.rsplit("/", 1)[0],
    ]
    assert {get(each).status_code for each in wrong} == {404}
    assert get(f"/packages/..%2F..%2Fcampus.db/x/y/{WHEEL.filename}").status_code == 404


def test_the_short_address_leads_to_the_long_one(get, path):
    for slash in ("", "/"):
        answer = get(f"/simple/demo-lab/{WHEEL.filename}{slash}")
        assert (answer.status_code, answer.headers["location"]) == (302, path)


def test_a_file_whose_bytes_went_while_it_was_looked_up_is_not_found(campus, client, path):
    blobs = campus.packages.blobs
    data = b"".join(blobs.open(WHEEL.sha256))
    blobs.remove(WHEEL.sha256)
    try:
        assert client.simulate_get(path).status_code == 404
    finally:
        with blobs.draft([data], SIZE) as draft:
            draft.keep()


def test_a_deleted_file_is_gone(campus, get):
    gone = wheel(version="9.0")
    campus.packages.upload(campus.operator, NewUpload(filename=gone.filename), [gone.data])
    path = file_path(campus.packages.file(campus.operator, gone.filename))
    assert get(path).status_code == 200
    campus.packages.delete(campus.operator, "demo-lab", "9.0")
    assert get(path).status_code == get(f"{path}.metadata").status_code == 404

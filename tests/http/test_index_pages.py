"""Pages of the index: forms, redirects, validators, encodings."""

from __future__ import annotations

import gzip
import json
from html.parser import HTMLParser

import pytest
from tests.index.dists import wheel

from campuscore.adapters.http.packages.simple import file_path

from .indexes import Index

HTML, HTML_V1 = "text/html", "application/vnd.pypi.simple.v1+html"
JSON = "application/vnd.pypi.simple.v1+json"
PAGES = ("/simple/", "/simple/demo-lab/")


@pytest.fixture
def index():
    index = Index()
    yield index
    index.campus.close()


class Links(HTMLParser):
    """The links of a page, with their attributes and texts."""

    def __init__(self, text):
        super().__init__()
        self.links, self.texts, self.meta = [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs))
        if tag == "meta" and "name" in dict(attrs):
            self.meta[dict(attrs)["name"]] = dict(attrs)["content"]

    def handle_data(self, data):
        if self.links and len(self.texts) < len(self.links) and data.strip():
            self.texts.append(data)


ACCEPTS = [
    (None, HTML),
    ("*/*", HTML),
    ("text/html", HTML),
    ("text/*", HTML),
    (HTML_V1, HTML_V1),
    (JSON, JSON),
    ("application/vnd.pypi.simple.latest+json", JSON),
    ("application/vnd.pypi.simple.latest+html", HTML_V1),
    (f"{JSON}, {HTML_V1}; q=0.1, text/html; q=0.01", JSON),
    (f"{JSON}, {HTML_V1};q=0.2, text/html;q=0.01", JSON),
    (f"{JSON}, */*;q=0.1", JSON),
    (f"{JSON};q=0.1, {HTML_V1};q=0.5, text/html;q=0.3", HTML_V1),
    (f"{JSON};q=0, */*", HTML),
    (f"text/html;q=0, {JSON};q=0.5", JSON),
    ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", HTML),
    ("TEXT/HTML; Q=0.5", HTML),
    ("application/json, text/html;q=0.1", HTML),
    ("application/json", None),
    ("application/vnd.pypi.simple.v2+json", None),
    ("text/plain", None),
    ("image/*", None),
    (f"{JSON};q=0", None),
    ("nonsense", None),
    ("text/html;q=nonsense", None),
]


@pytest.mark.parametrize(("accept", "form"), ACCEPTS)
@pytest.mark.parametrize("path", PAGES)
def test_a_client_gets_the_form_it_prefers(index, path, accept, form):
    answer = index.get(path, **({} if accept is None else {"Accept": accept}))
    if form is None:
        assert answer.status_code == 406
        assert answer.headers["content-type"] == "application/problem+json"
        assert all(kind in answer.json["detail"] for kind in (HTML, HTML_V1, JSON))
        return
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == form
    assert set(answer.headers["vary"].split(", ")) == {"Accept", "Accept-Encoding"}
    assert ("charset=utf-8" in answer.headers["content-type"]) is (form != JSON)


@pytest.mark.parametrize("form", [HTML, HTML_V1, JSON])
def test_a_parameter_comes_before_the_header(index, form):
    for path in PAGES:
        for written in (form, form.replace("+", "%2B")):
            answer = index.get(f"{path}?format={written}", Accept="text/plain")
            assert answer.headers["content-type"].partition(";")[0] == form
    assert index.get("/simple/?format=text/plain", Accept=form).status_code == 406
    assert index.get("/simple/?forma=text/html").status_code == 422


@pytest.mark.parametrize("name", ["Demo_Lab", "demo.lab", "DEMO-LAB", "demo--lab"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_another_spelling_is_sent_to_the_normal_name(index, name, slash):
    answer = index.get(f"/simple/{name}{slash}")
    assert (answer.status_code, answer.headers["location"]) == (301, "/simple/demo-lab/")


@pytest.mark.parametrize("path", ["/simple", "/simple/demo-lab"])
def test_a_missing_slash_is_added(index, path):
    answer = index.get(path)
    assert (answer.status_code, answer.headers["location"]) == (301, f"{path}/")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/simple/nothing/", 404),
        ("/simple/nothing/x.whl/", 404),
        ("/simple/other/demo_lab-1.0-py3-none-any.whl/", 404),
        ("/simple/-/", 422),
        ("/pypi/nothing/json", 404),
        ("/pypi/demo-lab/9/json", 404),
        ("/pypi/demo-lab/x/json", 422),
        ("/projects/nothing/", 404),
    ],
)
def test_what_is_not_there_is_a_problem(index, path, status):
    answer = index.get(path, Accept=JSON)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_html_and_json_list_the_same(index):
    index.campus.packages.yank(index.campus.operator, "demo-lab", "1.10", reason='<b> & "why"')
    index.campus.packages.yank(
        index.campus.operator, "demo-lab", "1.0", filename=index.files[1].filename
    )
    page = json.loads(index.get("/simple/demo-lab/", Accept=JSON).content)
    text = Links(index.get("/simple/demo-lab/").text)
    assert (
        page["meta"]
        == {"api-version": text.meta["pypi:repository-version"]}
        == {"api-version": "1.4"}
    )
    assert (page["name"], page["versions"]) == ("demo-lab", ["1.0", "1.10"])
    assert page["project-status"] == {"status": "active"}
    assert text.texts == [file["filename"] for file in page["files"]]
    for file, link, stored in zip(page["files"], text.links, index.files, strict=False):
        sha256 = file["hashes"]["sha256"]
        assert link["href"] == f"{file['url']}#sha256={sha256}"
        assert file["url"] == f"../..{file_path(stored)}"
        assert (sha256, file["size"]) == (stored.sha256, stored.size)
        assert file.get("requires-python") == link.get("data-requires-python")
        side = file["core-metadata"]
        assert side == file["dist-info-metadata"]
        shown = f"sha256={side['sha256']}" if side else None
        assert link.get("data-core-metadata") == link.get("data-dist-info-metadata") == shown
        assert bool(side) is stored.filename.endswith(".whl")
        yanked = {None: False, "": True}.get(link.get("data-yanked"), link.get("data-yanked"))
        assert file["yanked"] == yanked
    assert [file["yanked"] for file in page["files"]] == [False, True, '<b> & "why"']


def test_the_lists_of_projects_agree(index):
    rows = json.loads(index.get("/simple/", Accept=JSON).content)["projects"]
    text = Links(index.get("/simple/").text)
    assert [row["name"] for row in rows] == text.texts == ["demo_lab", "other"]
    assert [link["href"] for link in text.links] == ["demo-lab/", "other/"]


@pytest.mark.parametrize("accept", [HTML, HTML_V1, JSON])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_is_known_is_not_sent_again(index, path, accept):
    first = index.get(path, Accept=accept)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert first.headers["cache-control"] == "no-cache"
    for known in (tag, f'"x", {tag}', "*", f"W/{tag}"):
        again = index.get(path, Accept=accept, **{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "no-cache"
        assert "vary" in again.headers
    assert index.get(path, Accept=accept, **{"If-None-Match": '"x"'}).status_code == 200


def test_each_form_and_encoding_has_a_tag_of_its_own(index):
    for number in range(20):
        index.put(wheel("demo_lab", f"3.{number}"))
    tags = set()
    for accept in (HTML, JSON):
        for encoding in ("gzip", "identity"):
            answer = index.get("/simple/demo-lab/", Accept=accept, **{"Accept-Encoding": encoding})
            assert answer.headers.get("content-encoding", "identity") == encoding
            tags.add(answer.headers["etag"])
    assert len(tags) == 4


GZIP = [
    ("gzip", True),
    ("gzip, deflate", True),
    ("gzip, deflate, zstd", True),
    ("*", True),
    ("GZIP", True),
    ("gzip;q=0.5", True),
    ("", False),
    ("identity", False),
    ("gzip;q=0", False),
    ("gzip; q=0.0, deflate", False),
    ("br", False),
]


@pytest.mark.parametrize(("encodings", "packed"), GZIP)
def test_a_long_page_is_packed_for_who_can_unpack_it(index, encodings, packed):
    for number in range(5):
        index.put(wheel("demo_lab", f"3.{number}"))
    plain = index.get("/simple/demo-lab/")
    answer = index.get("/simple/demo-lab/", **{"Accept-Encoding": encodings})
    assert ("content-encoding" in answer.headers) is packed
    assert (gzip.decompress(answer.content) if packed else answer.content) == plain.content
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_short_page_is_not_packed(index):
    assert "content-encoding" not in index.get("/simple/", **{"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize("path", PAGES)
def test_a_page_changes_with_each_change(index, path):
    service, operator = index.campus.packages, index.campus.operator
    seen = []
    for change in (
        lambda: None,
        lambda: index.put(wheel("demo_lab", "4.0")),
        lambda: service.yank(operator, "demo-lab", "4.0", reason="r"),
        lambda: service.yank(operator, "demo-lab", "4.0", reason=None),
        lambda: service.delete(operator, "demo-lab", "4.0"),
    ):
        change()
        seen.append(index.get(path, Accept=JSON).headers["etag"])
    assert len(set(seen)) == (1 if path == "/simple/" else 3)
    assert (seen[0], seen[1]) == (seen[4], seen[3])


def test_the_form_for_dashboards(index):
    service, operator = index.campus.packages, index.campus.operator
    shown = index.get("/pypi/Demo_Lab/json").json
    assert (shown["info"]["name"], shown["info"]["version"]) == ("demo_lab", "1.10")
    assert sorted(shown["releases"]) == ["1.0", "1.10"]
    assert [row["filename"] for row in shown["urls"]] == [index.files[2].filename]
    (row,) = shown["urls"]
    assert row["url"] == f"http://falconframework.org{file_path(index.files[2])}"
    assert row["digests"] == {"sha256": index.files[2].sha256}
    one = index.get("/pypi/demo-lab/1/json").json
    assert [row["packagetype"] for row in one["urls"]] == ["bdist_wheel", "sdist"]
    assert one["info"]["requires_python"] == ">=3.9, !=3.9.1, <4"
    assert "releases" not in one
    service.yank(operator, "demo-lab", "1.10", reason="sad")
    assert index.get("/pypi/demo-lab/json").json["info"]["version"] == "1.0"
    yanked = index.get("/pypi/demo-lab/1.10/json").json
    assert (yanked["info"]["yanked"], yanked["info"]["yanked_reason"]) == (True, "sad")
    assert yanked["urls"][0]["yanked"] is True
    for version in ("1.0", "1.10"):
        service.delete(operator, "demo-lab", version)
    assert index.get("/pypi/demo-lab/json").status_code == 404


def test_an_empty_project_has_an_empty_page_and_is_in_no_list(index):
    index.campus.packages.delete(index.campus.operator, "other", "2.0")
    assert json.loads(index.get("/simple/other/", Accept=JSON).content)["files"] == []
    assert Links(index.get("/simple/other/").text).links == []
    assert b"other" not in index.get("/simple/").content

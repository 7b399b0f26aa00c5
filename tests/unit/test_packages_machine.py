"""Random lives of an index, over HTTP on SQLite and files, against a model of a few dicts."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from attrs import define, field
from falcon.testing import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.index.dists import Dist, sdist, wheel

from campuscore import Settings
from campuscore.adapters.files import open_files
from campuscore.adapters.http.app import create_app
from campuscore.adapters.passwords import open_breached
from campuscore.adapters.sql import open_store
from campuscore.adapters.tokens import open_access_tokens
from campuscore.bootstrap import Parts, assemble
from campuscore.domain.days import Days
from campuscore.domain.packages import NewUpload, version_key
from campuscore.errors import Conflict, NotFound

from .campuses import Clock, CountingHasher, ListSheet, _empty_database

HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+json"
NAMES, VERSIONS, TEXTS = ("alpha", "beta_b"), ("1.0", "1.1", "2.0a1"), ("x", "y")
LINK = re.compile(r"<a ([^>]*)>([^<]+)</a>")

DISTS: dict[tuple[str, str, bool, str], Dist] = {
    (name, version, is_wheel, text): (wheel if is_wheel else sdist)(name, version, text=text)
    for name in NAMES
    for version in VERSIONS
    for is_wheel in (True, False)
    for text in TEXTS
}
some_dist = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(VERSIONS), st.booleans(), st.sampled_from(TEXTS)
)
some_release = st.tuples(st.sampled_from(NAMES), st.sampled_from(VERSIONS))
some_reason = st.sampled_from(["", "sad", '<&"'])


@define
class Listed:
    """A file as the model has it."""

    project: str
    version: str
    dist: Dist
    yanked: str | None = None


@define
class Model:
    """What the index should hold: files in the order of their upload, and retired names."""

    files: list[Listed] = field(factory=list)
    retired: set[str] = field(factory=set)

    def of(self, project: str, version: str | None = None) -> list[Listed]:
        rows = [row for row in self.files if row.project == project]
        return [row for row in rows if version in {None, row.version}]

    def find(self, filename: str) -> Listed | None:
        return next((row for row in self.files if row.dist.filename == filename), None)

    def page(self, project: str) -> list[tuple[object, ...]]:
        return [(row.dist.filename, row.dist.sha256, row.yanked) for row in self.of(project)]


class IndexMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "campus.db").write_bytes(_empty_database())
        clock = Clock()
        store = open_store(f"sqlite:///{self.folder}/campus.db", synchronous="off", now=clock)
        parts = Parts(
            store=store,
            blobs=open_files(self.folder / "files"),
            hasher=CountingHasher(),
            breached=open_breached(),
            access=open_access_tokens(b"0" * 32, "test", timedelta(hours=1)),
            sheets={"list": ListSheet()},
            days=Days(now=clock),
        )
        self.campus = assemble(Settings(), parts)
        self.client = TestClient(create_app(self.campus))
        self.model = Model()
        self.seen: dict[tuple[str, str], tuple[object, str]] = {}

    def teardown(self):
        if hasattr(self, "campus"):
            self.campus.close()
            shutil.rmtree(self.folder)

    def refused(self, code, call, *given, **named):
        try:
            call(*given, **named)
        except (Conflict, NotFound) as error:
            assert error.code == code  # noqa: PT017 - what is not refused fails below
        else:
            raise AssertionError(f"not refused with {code}")

    @rule(which=some_dist)
    def upload(self, which):
        name, version, _, _ = which
        dist = DISTS[which]
        new = NewUpload(filename=dist.filename)
        given = (self.campus.operator, new, [dist.data])
        standing = self.model.find(dist.filename)
        if dist.filename in self.model.retired:
            self.refused("filename_retired", self.campus.packages.upload, *given)
        elif standing is not None and standing.dist != dist:
            self.refused("file_exists", self.campus.packages.upload, *given)
        else:
            published = self.campus.packages.upload(*given)
            assert published.created is (standing is None)
            if standing is None:
                self.model.files.append(Listed(name, version, dist))

    @rule(release=some_release, reason=some_reason | st.none(), one=st.booleans())
    def yank(self, release, reason, one):
        rows = self.model.of(*release)
        named = {"filename": rows[0].dist.filename if one and rows else None, "reason": reason}
        call = self.campus.packages.yank
        if not rows:
            self.refused(self._missing(release[0]), call, self.campus.operator, *release, **named)
            return
        call(self.campus.operator, *release, **named)
        for row in rows[:1] if one else rows:
            row.yanked = reason

    @rule(release=some_release, one=st.booleans())
    def delete(self, release, one):
        rows = self.model.of(*release)[: 1 if one else None]
        named = {"filename": rows[0].dist.filename if one and rows else None}
        call = self.campus.packages.delete
        if not rows:
            self.refused(self._missing(release[0]), call, self.campus.operator, *release, **named)
            return
        gone = call(self.campus.operator, *release, **named)
        assert [file.filename for file in gone] == [row.dist.filename for row in rows]
        self.model.files = [row for row in self.model.files if row not in rows]
        self.model.retired |= {row.dist.filename for row in rows}

    @rule()
    def tidy(self):
        self.campus.operations.tidy()

    def _missing(self, name):
        files = {row.dist.filename for row in self.model.files} | self.model.retired
        known = {filename.partition("-")[0] for filename in files}
        return "release_not_found" if name in known else "project_not_found"

    @invariant()
    def the_lists_agree_with_the_model(self):
        if not hasattr(self, "campus"):
            return
        expected = sorted({row.project for row in self.model.files})
        rows = json.loads(self._get("/simple/", JSON, expected))["projects"]
        assert [row["name"] for row in rows] == expected
        links = LINK.findall(self._get("/simple/", HTML, expected).decode())
        assert [text for _, text in links] == expected
        assert [p.name for p in self.campus.packages.list(self.campus.operator)] == expected

    @invariant()
    def the_pages_agree_with_the_model(self):
        if not hasattr(self, "campus"):
            return
        for name in {row.project for row in self.model.files}:
            path = f"/simple/{name.replace('_', '-')}/"
            expected = self.model.page(name)
            page = json.loads(self._get(path, JSON, expected))
            assert [_of_json(file) for file in page["files"]] == expected
            versions = sorted({row.version for row in self.model.of(name)}, key=version_key)
            assert page["versions"] == versions
            html = self._get(path, HTML, expected).decode()
            assert [_of_link(*found) for found in LINK.findall(html)] == expected

    @invariant()
    def every_blob_is_named_by_a_record(self):
        if not hasattr(self, "campus"):
            return
        with self.campus.packages.store.read() as work:
            rows = [f for p in work.packages.all() for f in work.packages.files(p.id)]
            assert work.claims.ended(Clock().at.replace(year=2030), 10) == []
        named = {name for row in rows for name in (row.sha256, row.metadata)}
        assert set(self.campus.packages.blobs.names()) == named
        assert {row.sha256 for row in rows} == {row.dist.sha256 for row in self.model.files}

    def _get(self, path, accept, content):
        """Return a page, whose tag is another one exactly when its content is."""
        answer = self.client.simulate_get(path, headers={"Accept": accept})
        assert answer.status_code == 200
        tag = answer.headers["etag"]
        known = self.seen.get((path, accept))
        if known is not None:
            assert (known[0] == content) is (known[1] == tag)
            again = self.client.simulate_get(
                path, headers={"Accept": accept, "If-None-Match": known[1]}
            )
            assert again.status_code == (304 if known[1] == tag else 200)
        self.seen[path, accept] = (content, tag)
        return answer.content


def _of_json(file):
    reason = {False: None, True: ""}.get(file["yanked"], file["yanked"])
    return file["filename"], file["hashes"]["sha256"], reason


def _of_link(attributes, text):
    reason = re.search(r'data-yanked="([^"]*)"', attributes)
    words = reason and reason[1].replace("&lt;", "<").replace("&quot;", '"').replace("&amp;", "&")
    sha256 = re.search(r"#sha256=([0-9a-f]{64})", attributes)
    return text, sha256 and sha256[1], words


TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(
    deadline=None,
    max_examples=max(1, settings.default.max_examples // 5),
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)

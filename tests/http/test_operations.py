"""Probes, metrics, keys and pages over HTTP."""

from __future__ import annotations

import base64
import json
import re

import pytest
from falcon.testing import TestClient

import campuscore
from campuscore import Settings, open_campus
from campuscore.adapters.http import create_app


def test_health_and_readiness(anybody):
    assert anybody.get("/healthz").json == {"status": "ok"}
    assert anybody.get("/readyz").json == {"status": "ready"}


def test_metrics_count_the_outbox(admin):
    answer = admin.get("/metrics")
    lines = answer.body.decode().splitlines()

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert lines[:2] == [
        "# HELP campuscore_outbox_messages Messages in the outbox.",
        "# TYPE campuscore_outbox_messages gauge",
    ]
    states = [
        re.fullmatch(r'campuscore_outbox_messages\{state="(\w+)"\} \d+', x) for x in lines[2:]
    ]
    assert [found and found[1] for found in states] == ["pending", "done", "dead"]


@pytest.mark.parametrize("who", ["student", "teacher"])
def test_metrics_are_for_administrators(world, who):
    assert world.client(who).get("/metrics").status == 403


def test_metrics_need_a_token(anybody):
    assert anybody.get("/metrics").status == 401


def test_anybody_fetches_the_public_keys_and_keeps_them(anybody, world):
    world.add("keeper", password="a long pass phrase")
    token = anybody.login(world.name("keeper"), "a long pass phrase").token
    found = anybody.get("/.well-known/jwks.json")
    keys = {key.pop("kid"): key for key in found.json["keys"]}

    header = token.partition(".")[0]
    kid = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    assert kid in keys
    assert {tuple(sorted(key)) for key in keys.values()} == {("alg", "crv", "kty", "use", "x")}
    assert found.headers["cache-control"] == "public, max-age=300"
    again = anybody.get("/.well-known/jwks.json", **{"If-None-Match": found.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_the_document_is_served_as_it_is_made(anybody):
    found = anybody.get("/openapi.json").json

    assert found["openapi"].startswith("3.1")
    assert found["info"]["version"] == campuscore.__version__


@pytest.mark.parametrize("path", ["/", "/docs", "/admin/", "/admin"])
def test_pages_stand_alone(anybody, path):
    answer = anybody.get(path)
    page = answer.body.decode()

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=['\"](?!/|#)", page)


def test_every_answer_forbids_sniffing(anybody, admin):
    answers = [anybody.get("/"), admin.get("/users/"), anybody.get("/users/"), anybody.get("/x")]

    assert {each.headers["x-content-type-options"] for each in answers} == {"nosniff"}


def test_answers_to_a_principal_are_not_stored_by_caches(admin):
    assert admin.get("/users/").headers["cache-control"] == "no-store"


def test_no_origin_is_allowed_unless_configured(anybody):
    answer = anybody.get("/healthz", Origin="https://portal.example")

    assert not [name for name in answer.headers if name.startswith("access-control")]


class TestCors:
    """A server whose answers the pages of one other origin may read."""

    ORIGIN = "https://portal.example.org"

    @pytest.fixture
    def ask(self):
        with open_campus(Settings(database_url="memory://", cors_origins=(self.ORIGIN,))) as campus:
            client = TestClient(create_app(campus))
            yield lambda path, **headers: client.simulate_get(path, headers=headers).headers

    @pytest.mark.parametrize("path", ["/healthz", "/users/", "/nowhere"])
    def test_it_may_read_answers_and_their_headers(self, ask, path):
        allowed = ask(path, Origin=self.ORIGIN)

        assert allowed["access-control-allow-origin"] == self.ORIGIN
        exposed = allowed["access-control-expose-headers"]
        assert exposed == "Link, ETag, Content-Disposition, X-Request-Id"
        for headers in ({"Origin": self.ORIGIN}, {"Origin": "https://x"}, {}):
            assert ask(path, **headers)["vary"] == "Origin"
        assert "access-control-allow-origin" not in ask(path, Origin="https://x")

"""Headers that every answer carries, whatever it is."""

from __future__ import annotations

import pytest
from falcon.testing import TestClient

from campuscore import open_campus
from campuscore.adapters.http import create_app

SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
PATHS = ("/", "/docs", "/healthz", "/users/", "/nowhere", "/simple/", "/openapi.json", "/auth/me/")


@pytest.fixture
def client():
    with open_campus("memory://") as campus:
        yield TestClient(create_app(campus))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "TRACE", "OPTIONS"])
def test_every_answer_is_safe_to_show(client, path, method):
    headers = client.simulate_request(method, path).headers

    assert {name: headers.get(name) for name in SAFE} == SAFE
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize("path", PATHS)
def test_over_tls_it_says_to_stay_there(client, path):
    headers = client.simulate_get(path, protocol="https").headers

    assert headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_may_have_styles_and_data_may_have_nothing(client, path):
    assert (
        "style-src 'unsafe-inline'" in client.simulate_get(path).headers["content-security-policy"]
    )
    assert client.simulate_get("/healthz").headers["content-security-policy"].endswith("sandbox")


@pytest.mark.parametrize("path", PATHS)
def test_trace_is_not_allowed(client, path):
    assert client.simulate_request("TRACE", path).status_code in {404, 405}


@pytest.mark.parametrize("path", ["/", "/docs", "/admin/"])
def test_a_host_that_is_markup_is_shown_as_text(client, path):
    page = client.simulate_get(path, host='x"><script>alert(1)</script>').text

    assert "<html" in page
    assert "<script" not in page

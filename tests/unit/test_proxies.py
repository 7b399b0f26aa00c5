"""What proxies say of the client counts from trusted peers alone."""

from __future__ import annotations

import pytest
from attrs import evolve
from falcon.testing import TestClient

from campuscore import NewUser, Settings, open_campus
from campuscore.adapters.http import create_app

FORGED = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-IP": "192.0.2.66",
    "Forwarded": "for=192.0.2.66",
}


@pytest.fixture
def ask():
    """Call a server that trusts some peers, from a peer; return the app's answer."""
    with open_campus("memory://") as campus:
        new = NewUser(username="alice", password="alice-has-one")
        campus.users.create(campus.operator, new)

        def call(trusted, peer, path="/", method="GET", **sent):
            settings = Settings(database_url="memory://", trusted_proxies=trusted)
            client = TestClient(create_app(evolve(campus, settings=settings)))
            return client.simulate_request(
                method, path, remote_addr=peer, host="here.example", **sent
            )

        call.campus = campus
        yield call


def recorded(ask, trusted, peer, **headers):
    """Return the address that a login is recorded with."""
    login = {"username": "alice", "password": "alice-has-one"}
    sent = {"json": login, "headers": headers}
    assert ask(trusted, peer, "/auth/login/", "POST", **sent).status_code == 200
    (found, *_) = ask.campus.attendance.list(ask.campus.operator).items
    return found.ip_address


ROUTES = [
    # who is trusted, the peer, X-Forwarded-For, who it was
    ((), "127.0.0.1", "192.0.2.1", "127.0.0.1"),
    (("10.0.0.0/8",), "127.0.0.1", "192.0.2.1", "127.0.0.1"),
    (("127.0.0.1",), "127.0.0.1", None, "127.0.0.1"),
    (("127.0.0.1",), "127.0.0.1", "192.0.2.1", "192.0.2.1"),
    (("127.0.0.1",), "127.0.0.1", "192.0.2.66, 192.0.2.1", "192.0.2.1"),
    (("127.0.0.0/8", "10.0.0.0/8"), "127.0.0.1", "6.6.6.6, 192.0.2.1, 10.1.1.1", "192.0.2.1"),
    (("127.0.0.1", "10.0.0.0/8"), "127.0.0.1", "10.2.2.2, 10.1.1.1", "10.2.2.2"),
    (("127.0.0.1", "10.0.0.0/8"), "127.0.0.1", "unknown, 10.1.1.1", "10.1.1.1"),
    (("127.0.0.1",), "127.0.0.1", "unknown", "127.0.0.1"),
    (("127.0.0.1",), "127.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
    (("::1",), "::1", "[2001:db8::7]:4711", "2001:db8::7"),
    (("127.0.0.1",), "127.0.0.1", "2001:DB8::7", "2001:db8::7"),
    (("10.0.0.0/8",), "::ffff:10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
    ((), "", "192.0.2.1", None),
    (("0.0.0.0/0", "::/0"), "", "192.0.2.1", None),
    (("0.0.0.0/0", "unix"), "no address", "192.0.2.1", None),
    (("unix",), "", "192.0.2.1", "192.0.2.1"),
    (("unix",), "127.0.0.1", "192.0.2.1", "127.0.0.1"),
]


@pytest.mark.parametrize(("trusted", "peer", "said", "expected"), ROUTES)
def test_the_address_of_a_check_in(ask, trusted, peer, said, expected):
    headers = {} if said is None else {"X-Forwarded-For": said}

    assert recorded(ask, trusted, peer, **headers) == expected


def test_forged_headers_change_nothing(ask):
    for trusted in ((), ("10.0.0.0/8", "unix")):
        forged = ask(trusted, "127.0.0.1", headers=FORGED)
        assert forged.text == ask(trusted, "127.0.0.1").text
        assert recorded(ask, trusted, "127.0.0.1", **FORGED) == "127.0.0.1"


ADDRESSES = [
    ({}, "http://here.example"),
    ({"X-Forwarded-Proto": "https"}, "https://here.example"),
    ({"X-Forwarded-Proto": "ftp"}, "http://here.example"),
    ({"X-Forwarded-Host": "campus.example:8443"}, "http://campus.example:8443"),
    ({"X-Forwarded-Host": "[2001:db8::7]:80"}, "http://[2001:db8::7]:80"),
    ({"X-Forwarded-Host": "x/<script>"}, "http://here.example"),
    ({"X-Forwarded-Host": "evil.example, campus.example"}, "http://campus.example"),
    ({"X-Forwarded-Prefix": "/campus/"}, "http://here.example/campus"),
    ({"X-Forwarded-Prefix": "//evil.example"}, "http://here.example"),
    (
        {"X-Forwarded-Proto": "https, http", "X-Forwarded-For": "192.0.2.1, 10.0.0.1"},
        "https://here.example",
    ),
]


@pytest.mark.parametrize(("headers", "address"), ADDRESSES)
def test_addresses_are_those_that_the_client_sees(ask, headers, address):
    page = ask(("127.0.0.1", "10.0.0.0/8"), "127.0.0.1", headers=headers).text

    assert f"curl -s {address}/users/" in page
    base = address.partition("//")[2].partition("/")[2]
    assert f'<a href="{f"/{base}" if base else ""}/docs">' in page


def test_pages_and_redirects_stay_below_the_prefix(ask):
    sent = {"headers": {"X-Forwarded-Prefix": "/campus"}}
    trusted, peer = ("127.0.0.1",), "127.0.0.1"

    assert ask(trusted, peer, "/simple", **sent).headers["location"] == "/campus/simple/"
    assert ask(trusted, peer, "/simple/A_b/", **sent).headers["location"] == "/campus/simple/a-b/"
    assert 'href="/campus/docs"' in ask(trusted, peer, "/admin/", **sent).text
    assert "href='/campus/openapi.json'" in ask(trusted, peer, "/docs", **sent).text


NAMED = "req-0123456789abcdef"


def test_a_trusted_proxy_names_the_request(ask):
    answer = ask(("127.0.0.1",), "127.0.0.1", headers={"X-Request-Id": NAMED})

    assert answer.headers["X-Request-Id"] == NAMED


@pytest.mark.parametrize("given", [NAMED, "short", "two words", "x" * 65, ""])
def test_any_other_request_is_named_anew_each_time(ask, given):
    trusted = () if given == NAMED else ("127.0.0.1",)

    names = [
        ask(trusted, "127.0.0.1", path, headers={"X-Request-Id": given}).headers["X-Request-Id"]
        for path in ("/healthz", "/healthz", "/nowhere", "/users/")
    ]

    assert given not in names
    assert len(set(names)) == len(names)

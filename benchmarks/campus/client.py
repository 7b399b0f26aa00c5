"""A small keep-alive JSON client for setting up and checking the peers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Answer", "Client", "Site", "Unexpected"]

TOKEN_AGE = 200.0


class Unexpected(RuntimeError):
    """A peer answered something that the contract does not allow here."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class Client:
    """One kept connection to a peer on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = HTTPConnection("127.0.0.1", port, timeout=600)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; a kept connection that was closed is opened anew."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            return self._once(method, path, body, sent)
        except (ConnectionError, HTTPException):
            self.connection.close()
            return self._once(method, path, body, sent)

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        content = response.read()
        lowered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lowered, content)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


@dataclass
class Site:
    """A running peer as its administrator sees it."""

    client: Client
    username: str
    password: str
    revisions: int = 0
    _token: str = ""
    _born: float = 0.0
    _known: dict[str, dict[str, int]] = field(default_factory=dict)

    def login(self, username: str, password: str) -> dict[str, str]:
        """A token pair."""
        body = {"username": username, "password": password}
        answer = self.client.call("POST", "/auth/login/", body)
        if answer.status != 200:
            raise Unexpected(f"login of {username}: {answer.status} {answer.body[:300]!r}")
        pair: dict[str, str] = answer.json()
        return pair

    def token(self) -> str:
        """A fresh access token of the administrator."""
        if time.monotonic() - self._born > TOKEN_AGE:
            self._token = self.login(self.username, self.password)["access"]
            self._born = time.monotonic()
        return self._token

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request of the administrator, whatever the answer."""
        bearer = {"Authorization": f"Bearer {self.token()}"}
        return self.client.call(method, path, body, bearer | dict(headers or {}))

    def must(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of a request that has to succeed."""
        answer = self.call(method, path, body, headers)
        if answer.status >= 300:
            raise Unexpected(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
        return answer.json()

    def pages(self, path: str, limit: int) -> list[str]:
        """The addresses of a paged list, by following the Link headers."""
        found = [path]
        while len(found) < limit:
            answer = self.call("GET", found[-1])
            link = re.search(r'<([^>]+)>;\s*rel="?next"?', answer.headers.get("link", ""))
            if answer.status != 200 or not link:
                break
            parts = urlsplit(link[1])
            found.append(f"{parts.path}?{parts.query}")
        return found

    def ids(self, path: str, name: str) -> dict[str, int]:
        """Ids by name, of all objects of a list."""
        if path not in self._known:
            rows: list[dict[str, Any]] = []
            for page in self.pages(f"{path}?limit=1000", 100):
                rows += self.must("GET", page)
            self._known[path] = {row[name]: row["id"] for row in rows}
        return self._known[path]

    def users(self) -> dict[str, int]:
        """User ids by username."""
        return self.ids("/data/", "username")

    def groups(self) -> dict[str, int]:
        """Group ids by name."""
        return self.ids("/groups/", "name")

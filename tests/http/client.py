"""A small client of the standard library: what anybody could write against the API."""

from __future__ import annotations

import json
import secrets
import socket
from http.client import HTTPConnection
from typing import Any

from attrs import define, evolve, field, frozen

from .schemas import check_answer

__all__ = ["Answer", "Client", "Part", "multipart"]

AGENT = "seed-client/1.0"
_NOTHING = object()


@frozen
class Answer:
    """A response, read whole; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable word of a refusal."""
        assert self.headers["content-type"] == "application/problem+json", self
        found: str = self.json["code"]
        return found

    @property
    def paths(self) -> list[str]:
        """The paths of the faults of a refusal."""
        assert self.code, self
        return [fault["path"] for fault in self.json["errors"]]

    @property
    def next_page(self) -> str | None:
        """The path and query of the page that the Link header names."""
        link = self.headers.get("link")
        if link is None:
            return None
        address, _, relation = link.partition(">; ")
        assert relation == 'rel="next"'
        return "/" + address.removeprefix("<").split("/", 3)[3]


@frozen
class Part:
    """A part of a form."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str = ""


def multipart(*parts: Part) -> tuple[bytes, str]:
    """Return the body of a form and its content type (RFC 7578)."""
    boundary = secrets.token_hex(16)
    lines: list[bytes] = []
    for part in parts:
        head = f'Content-Disposition: form-data; name="{part.name}"'
        if part.filename is not None:
            head += f'; filename="{part.filename}"'
        if part.content_type:
            head += f"\r\nContent-Type: {part.content_type}"
        lines += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), part.data, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return b"".join(lines), f"multipart/form-data; boundary={boundary}"


@define
class Client:
    """One caller of a server, with or without a token."""

    port: int
    token: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"

    def bearer(self, token: str) -> Client:
        return evolve(self, token=token)

    def login(self, username: str, password: str) -> Client:
        """Return a client with a fresh session."""
        answer = self.post("/auth/login/", {"username": username, "password": password})
        assert answer.status == 200, answer
        return self.bearer(answer.json["access"])

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, value: Any = _NOTHING) -> Answer:
        return self.request("POST", path, value)

    def put(self, path: str, value: Any) -> Answer:
        return self.request("PUT", path, value)

    def patch(self, path: str, value: Any) -> Answer:
        return self.request("PATCH", path, value)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def attach(
        self, user: int, day: str, data: bytes, name: str = "note.pdf", kind: str = ""
    ) -> Answer:
        """Send a file the way the seed's client did."""
        return self.form(
            Part("user_id", str(user).encode()),
            Part("date", day.encode()),
            Part("file", data, name, kind),
        )

    def form(self, *parts: Part, path: str = "/attendance/attach_file/") -> Answer:
        body, content_type = multipart(*parts)
        return self.request("POST", path, body=body, headers={"Content-Type": content_type})

    def request(
        self,
        method: str,
        path: str,
        value: Any = _NOTHING,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request on a connection of its own, and hold the answer against its schema."""
        sent = {"User-Agent": AGENT, **(headers or {})}
        if value is not _NOTHING:
            body = json.dumps(value).encode()
            sent.setdefault("Content-Type", "application/json")
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        connection = HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            found = {name.lower(): text for name, text in got.getheaders()}
            answer = Answer(got.status, found, got.read())
        finally:
            connection.close()
        check_answer(method, path, answer.status, found.get("content-type", ""), answer.body)
        return answer

    def raw(self, sent: bytes, *, half_closed: bool = False) -> Answer:
        """Send bytes as they are and read the answer until the server closes."""
        with socket.create_connection((self.host, self.port), timeout=30) as line:
            line.sendall(sent)
            if half_closed:
                line.shutdown(socket.SHUT_WR)
            return read_answer(line)

    def head(self, method: str, path: str, *lines: str) -> bytes:
        """Return the head of a request to send with ``raw``."""
        access = [f"Authorization: Bearer {self.token}"] if self.token else []
        first = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", "Connection: close"]
        return ("\r\n".join([*first, *access, *lines]) + "\r\n\r\n").encode()


def read_answer(line: socket.socket) -> Answer:
    """Read one final answer; interim ones are passed over, and nothing is an answer of status 0.

    It is read by its length: a server that refuses a body unread may leave the connection open.
    """
    data = b""
    while (answer := _parsed(data)) is None:
        block = line.recv(65536)
        if not block:
            return _parsed(data, ended=True) or Answer(0, {}, b"")
        data += block
    return answer


def _parsed(data: bytes, *, ended: bool = False) -> Answer | None:
    """Return the answer as soon as it is whole."""
    head, found, body = data.partition(b"\r\n\r\n")
    if found and head.startswith(b"HTTP/1.1 100"):
        return _parsed(body, ended=ended)
    if not found:
        return None
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (ln.partition(":") for ln in rest)}
    length = headers.get("content-length")
    if not ended and (length is None or len(body) < int(length)):
        return None
    return Answer(int(first.split(maxsplit=2)[1]), headers, body)

"""What trusted proxies say of a request (X-Forwarded-*), put where everything else reads it.

From any other peer these headers are dropped, so that nobody forges an address for a check-in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

import falcon
from attrs import frozen

from campuscore.domain.network import Peers

__all__ = ["Proxies"]

_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


@frozen
class Proxies:
    """Falcon middleware, which must be the first."""

    trusted: Peers

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        env = req.env
        said = {name: _parts(env.pop(name, "")) for name in _HEADERS}
        # Without an address Falcon says 127.0.0.1, which a Unix socket is not.
        if env.setdefault("REMOTE_ADDR", "") in self.trusted:
            self._believe(env, said)
        else:
            env.pop("HTTP_X_REQUEST_ID", None)

    def _believe(self, env: dict[str, Any], said: Mapping[str, Sequence[str]]) -> None:
        hops = self._hops(said["HTTP_X_FORWARDED_FOR"])
        if hops:
            env["REMOTE_ADDR"] = hops[-1]
        depth = max(len(hops), 1)
        proto = _said(said["HTTP_X_FORWARDED_PROTO"], depth).lower()
        if proto in {"http", "https"}:
            env["wsgi.url_scheme"] = proto
        host = _said(said["HTTP_X_FORWARDED_HOST"], depth)
        if _HOST.fullmatch(host):
            env["HTTP_HOST"] = host
        prefix = _said(said["HTTP_X_FORWARDED_PREFIX"], depth)
        if _PREFIX.fullmatch(prefix):
            env["SCRIPT_NAME"] = prefix.rstrip("/") + env.get("SCRIPT_NAME", "")

    def _hops(self, route: Sequence[str]) -> list[str]:
        """Return the addresses, nearest first, up to the first one that is not trusted."""
        hops: list[str] = []
        for text in reversed(route):
            address = _address(text)
            if address is None:
                break
            hops.append(address)
            if address not in self.trusted:
                break
        return hops


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")] if value else []


def _said(values: Sequence[str], depth: int) -> str:
    """Return what the outermost trusted proxy said: each may append to what it was told."""
    return values[-min(depth, len(values))] if values else ""


def _address(text: str) -> str | None:
    found = _WITH_PORT.fullmatch(text)
    bare = (found[1] or found[2]) if found else text
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None

"""Probes, metrics, keys and documents over HTTP."""

from __future__ import annotations

import hashlib
from typing import Any

from campuscore.adapters import wire
from campuscore.adapters.http import openapi, pages
from campuscore.adapters.http.headers import PAGE_POLICY
from campuscore.adapters.http.route import PUBLIC, Ask, Route, Stream

__all__ = ["ROUTES"]

_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_HTML = "text/html; charset=utf-8"


def healthz(ask: Ask) -> dict[str, str]:
    """Say that the process answers; nothing else is asked."""
    return {"status": "ok"}


def readyz(ask: Ask) -> dict[str, str]:
    """Say that the database answers and no migration is missing."""
    ask.campus.operations.ready()
    return {"status": "ready"}


def metrics(ask: Ask) -> bytes:
    """Write figures in the Prometheus text format, from the store, so that any worker knows."""
    lines = [
        "# HELP campuscore_outbox_messages Messages in the outbox.",
        "# TYPE campuscore_outbox_messages gauge",
    ]
    counts = ask.campus.operations.outbox_counts(ask.principal)
    lines += [f'campuscore_outbox_messages{{state="{state}"}} {n}' for state, n in counts.items()]
    return ("\n".join(lines) + "\n").encode()


def jwks(ask: Ask) -> bytes:
    """Show public signing keys (RFC 7517): none while tokens are signed with a secret (HS256)."""
    body = wire.encode({"keys": ask.campus.auth.keys.jwks()})
    ask.unless_tagged(hashlib.sha256(body).hexdigest()[:32], "public, max-age=300")
    return body


def openapi_json(ask: Ask) -> bytes:
    return wire.encode(openapi.document(ask.routes))


def docs(ask: Ask) -> Stream:
    return _page(pages.docs(openapi.document(ask.routes), ask.req.root_path))


def landing(ask: Ask) -> Stream:
    return _page(pages.landing(ask.req.prefix))


def admin(ask: Ask) -> Stream:
    return _page(pages.admin(ask.req.root_path))


def _page(text: str) -> Stream:
    headers = {"Content-Security-Policy": PAGE_POLICY}
    body = text.encode()
    return Stream(_HTML, iter((body,)), len(body), headers)


def _public(
    path: str, handler: Any, summary: str, answer: Any, media_type: str, **more: Any
) -> Route:
    return Route(
        method="GET",
        path=path,
        action=PUBLIC,
        handler=handler,
        summary=summary,
        answer=answer,
        media_type=media_type,
        **more,
    )


_JSON = "application/json"

ROUTES = (
    _public("/healthz", healthz, "Say that the process answers.", dict[str, str], _JSON),
    _public(
        "/readyz",
        readyz,
        "Say that requests can be served.",
        dict[str, str],
        _JSON,
        refusals=(503,),
    ),
    Route(
        method="GET",
        path="/metrics",
        action="operations.read",
        handler=metrics,
        summary="Figures in the Prometheus text format.",
        answer=bytes,
        media_type=_METRICS,
    ),
    _public(
        "/.well-known/jwks.json",
        jwks,
        "Public signing keys.",
        dict[str, Any],
        _JSON,
        also=(304,),
    ),
    _public("/openapi.json", openapi_json, "This API as OpenAPI 3.1.", dict[str, Any], _JSON),
    _public("/docs", docs, "This API as a page.", bytes, _HTML),
    _public("/admin/", admin, "Where the web console will be.", bytes, _HTML),
    _public("/", landing, "What this server is.", bytes, _HTML),
)

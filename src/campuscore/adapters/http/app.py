"""The Falcon app, generated from the route table."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import falcon
from attrs import evolve, frozen
from falcon.routing import BaseConverter

from campuscore.adapters import wire
from campuscore.adapters.http import problems
from campuscore.adapters.http.bodies import drain, let_go
from campuscore.adapters.http.headers import SafeHeaders
from campuscore.adapters.http.identity import identify
from campuscore.adapters.http.origin import RequestIds, origin_of
from campuscore.adapters.http.proxies import Proxies
from campuscore.adapters.http.route import PUBLIC, Ask, Elsewhere, Route, Stream
from campuscore.adapters.http.routes import ROUTES
from campuscore.bootstrap import Campus
from campuscore.domain.auth import ANONYMOUS, Principal
from campuscore.domain.network import Peers
from campuscore.domain.users import Role
from campuscore.errors import CampusError, Forbidden, Misconfigured, TooMany, Unauthenticated

__all__ = ["App", "create_app"]

App = falcon.App[falcon.Request, falcon.Response]

_NOBODY = Principal(-1, "", Role.DEVICE, method="none", scopes=())
_LARGEST_ID = (1 << 63) - 1


def create_app(campus: Campus, routes: tuple[Route, ...] = ROUTES) -> App:
    """Return a WSGI application that serves a campus.

    Parameters
    ----------
    campus
        An open campus; it stays the caller's to close.
    routes
        What is served; by default everything.

    Raises
    ------
    Misconfigured
        A route names an action that the policy does not know.

    Example
    -------
    >>> from campuscore import open_campus
    >>> from falcon.testing import TestClient
    >>> with open_campus("memory://") as campus:
    ...     TestClient(create_app(campus)).simulate_get("/healthz").json
    {'status': 'ok'}
    """
    app = falcon.App(middleware=_middleware(campus))
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_qs_csv = False
    app.req_options.keep_blank_qs_values = True
    app.router_options.converters["id"] = _Id
    problems.install(app, debug=campus.settings.debug)
    for path, methods in _by_path(routes).items():
        app.add_route(_template(path), _resource(campus, methods, routes))
    return app


def _by_path(routes: Iterable[Route]) -> dict[str, list[Route]]:
    grouped: dict[str, list[Route]] = {}
    for route in routes:
        grouped.setdefault(route.path, []).append(route)
    return grouped


def _template(path: str) -> str:
    """Turn ``/x/{some_id}/`` into Falcon's form: ids that fit, no slash at the end."""
    converted = path.replace("_id}", "_id:id}")
    return converted.rstrip("/") or "/"


class _Id(BaseConverter):
    """An id in a path: nothing but ASCII digits, where ``int`` takes signs and other scripts."""

    def convert(self, value: str) -> int | None:
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(_LARGEST_ID))):
            return None
        found = int(value)
        return found if found <= _LARGEST_ID else None


def _resource(campus: Campus, mine: list[Route], routes: tuple[Route, ...]) -> object:
    """Make the object that Falcon asks for ``on_get`` and the like."""
    methods: dict[str, Any] = {}
    for route in mine:
        for action in (route.action, route.or_action):
            if action != PUBLIC and action not in campus.policy.rules:
                raise Misconfigured(f"{route.method} {route.path}: no action {action!r}")
        responder = _Responder(campus, route, routes)
        methods[f"on_{route.method.lower()}"] = responder
        if route.method == "GET":  # RFC 9110, section 9.1: who offers the one offers the other
            methods["on_head"] = responder
    return type("Resource", (), methods)()


@frozen
class _Responder:
    """One method of one path: identify, ask the policy, handle, answer."""

    campus: Campus
    route: Route
    routes: tuple[Route, ...]

    def __call__(self, req: falcon.Request, resp: falcon.Response, **ids: int | str) -> None:
        try:
            principal = self._identify(req, resp)
            ask = Ask(self.campus, principal, req, resp, self.route, self.routes)
            resp.status = self.route.status
            _answer(req, resp, self.route, self.route.handler(ask, **ids))
        except CampusError as error:
            self._note(req, error)
            drain(req)
            raise
        finally:
            let_go(req)

    def _note(self, req: falcon.Request, error: CampusError) -> None:
        """Have the audit know of a refusal, if it does not yet."""
        audit = self.campus.audit
        if isinstance(error, Unauthenticated | Forbidden | TooMany):
            who = getattr(req.context, "principal", None)
            principal = who or evolve(ANONYMOUS, origin=origin_of(req))
            audit.refused(principal, self.route.action or self.route.path, error)
        audit.settle()

    def _identify(self, req: falcon.Request, resp: falcon.Response) -> Principal:
        if self.route.action == PUBLIC:
            return _NOBODY
        principal = identify(self.campus, self.route, req)
        req.context.principal = principal
        self._require(principal)
        resp.set_header("Cache-Control", "no-store")
        return principal

    def _require(self, principal: Principal) -> None:
        policy, other = self.campus.policy, self.route.or_action
        if not other or not policy.allows(principal, other):
            policy.scope(principal, self.route.action)


def _answer(req: falcon.Request, resp: falcon.Response, route: Route, result: Any) -> None:
    if isinstance(result, Stream):
        _send(req, resp, result)
    elif isinstance(result, Elsewhere):
        resp.status = 302
        resp.set_header("Location", result.address)
        resp.set_header("Cache-Control", "no-store")
        resp.delete_header("ETag")
    elif route.answer is not None:
        resp.content_type = resp.content_type or route.media_type
        resp.data = result if isinstance(result, bytes) else wire.encode(result)


def _send(req: falcon.Request, resp: falcon.Response, stream: Stream) -> None:
    """Send a stream; its first block is made before the status goes out, so that it can fail."""
    resp.content_type = stream.media_type
    for name, value in stream.headers.items():
        resp.set_header(name, value)
    if stream.length is not None:
        resp.set_header("Content-Length", str(stream.length))
    if req.method == "HEAD":
        resp.stream = iter(())  # for which no length is made up
    else:
        chunks = iter(stream.chunks)
        resp.stream = chain((next(chunks, b""),), chunks)


def _middleware(campus: Campus) -> list[Any]:
    origins = campus.settings.cors_origins
    trusted = Peers.parse(campus.settings.trusted_proxies)
    parts: list[Any] = [Proxies(trusted), RequestIds(), SafeHeaders()]
    if origins:
        exposed = ["Link", "ETag", "Content-Disposition", "X-Request-Id"]
        parts.append(falcon.CORSMiddleware(allow_origins=list(origins), expose_headers=exposed))
        parts.append(_VaryByOrigin())
    return parts


class _VaryByOrigin:
    """Keeps caches from giving one origin the answer that allows another."""

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        resp.append_header("Vary", "Origin")

"""Errors as problem details (RFC 9457), in one table."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import falcon

from campuscore import errors
from campuscore.adapters import wire
from campuscore.adapters.http.bodies import LengthRequired
from campuscore.adapters.http.identity import challenge_of

__all__ = ["MEDIA_TYPE", "install", "status_of"]

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger("campuscore.http")

_STATUS: dict[type[errors.CampusError], int] = {
    wire.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    LengthRequired: 411,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.Busy: 503,
    errors.Unavailable: 503,
    errors.Misconfigured: 500,
}
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 415: "media_type"}


def status_of(error: errors.CampusError) -> int:
    """Return the HTTP status of an error."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)


def install(app: falcon.App[falcon.Request, falcon.Response], *, debug: bool) -> None:
    """Answer every error of the app as a problem."""

    def unexpected(req: Any, resp: Any, error: Exception, params: Any) -> None:
        _LOG.error("%s %s failed", req.method, req.path, exc_info=error)
        detail = f"{type(error).__name__}: {error}" if debug else "an unexpected error; see the log"
        _answer(resp, 500, "internal_error", detail)

    app.add_error_handler(Exception, unexpected)
    app.add_error_handler(falcon.HTTPError, _framework_error)
    app.add_error_handler(errors.CampusError, _campus_error)


def _campus_error(req: Any, resp: Any, error: errors.CampusError, params: Any) -> None:
    status = status_of(error)
    extra: dict[str, Any] = {}
    if isinstance(error, errors.Invalid):
        extra["errors"] = [{"path": p.path, "detail": p.detail} for p in error.problems]
    if isinstance(error, errors.TooMany | errors.Busy):
        resp.set_header("Retry-After", str(error.retry_after))
    if isinstance(error, errors.Unavailable):
        resp.set_header("Retry-After", "5")
    if isinstance(error, errors.Unauthenticated):
        resp.set_header("WWW-Authenticate", f'{challenge_of(req)} realm="campuscore"')
    _answer(resp, status, error.code, error.detail, extra)


def _framework_error(req: Any, resp: Any, error: falcon.HTTPError, params: Any) -> None:
    status = error.status_code
    resp.set_headers(error.headers or {})
    code = _CODES.get(status, "refused")
    _answer(resp, status, code, error.description or error.title or HTTPStatus(status).phrase)


def _answer(
    resp: Any, status: int, code: str, detail: str, extra: dict[str, Any] | None = None
) -> None:
    resp.status = status
    resp.content_type = MEDIA_TYPE
    resp.stream = None
    phrase = HTTPStatus(status).phrase
    problem = {
        "type": "about:blank",
        "title": phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **(extra or {}),
    }
    resp.data = wire.encode(problem)

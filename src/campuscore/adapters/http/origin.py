"""Where a request came from, and the id by which logs, audit and answers name it."""

from __future__ import annotations

import re
import secrets
from typing import Final

import falcon

from campuscore.domain.attendance import clean_address
from campuscore.domain.auth import Origin

__all__ = ["RequestIds", "origin_of"]

_LONGEST_AGENT: Final = 512
_HEADER: Final = "X-Request-Id"
_SOUND: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Names each request: as a proxy that is trusted named it, else anew."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        given = req.get_header(_HEADER) or ""
        req.context.request_id = given if _SOUND.fullmatch(given) else secrets.token_hex(8)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        resp.set_header(_HEADER, req.context.request_id)


def origin_of(req: falcon.Request) -> Origin:
    """Return the caller's address and user agent, and the request's id."""
    agent = req.user_agent
    return Origin(
        clean_address(req.remote_addr),
        agent[:_LONGEST_AGENT] if agent else None,
        getattr(req.context, "request_id", None),
    )

"""Headers that every answer carries, so that no browser does with it what nobody meant."""

from __future__ import annotations

from typing import Final

import falcon

__all__ = ["PAGE_POLICY", "SafeHeaders"]

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
"""The Content-Security-Policy of pages: styles of their own, and nothing else."""

_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""The Content-Security-Policy of everything else, should a browser show it as a page."""

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SECURE: Final = "max-age=31536000"


class SafeHeaders:
    """Falcon middleware: OWASP's secure headers, as far as they concern an API."""

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        resp.set_headers(_ALWAYS)
        if resp.get_header("Content-Security-Policy") is None:
            resp.set_header("Content-Security-Policy", _DATA_POLICY)
        if req.scheme == "https":
            resp.set_header("Strict-Transport-Security", _SECURE)

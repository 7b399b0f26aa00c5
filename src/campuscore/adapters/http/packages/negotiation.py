"""Which form of a page a client wants (PEP 691), and in which encoding."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from enum import StrEnum

import falcon
from falcon.util import mediatypes

from campuscore.adapters.http.route import Ask
from campuscore.services.shelf import Kept, Shelf

__all__ = ["Form", "NotAcceptable", "choose", "send"]

_WORTH_IT = 1024


class Form(StrEnum):
    """The forms of a page; the first is for who accepts anything."""

    HTML = "text/html"
    HTML_V1 = "application/vnd.pypi.simple.v1+html"
    JSON = "application/vnd.pypi.simple.v1+json"


_LATEST = {
    "application/vnd.pypi.simple.latest+html": Form.HTML_V1,
    "application/vnd.pypi.simple.latest+json": Form.JSON,
}
_OFFERED = {**{form.value: form for form in Form}, **_LATEST}


class NotAcceptable(falcon.HTTPNotAcceptable):
    """None of the forms is wanted."""

    def __init__(self) -> None:
        super().__init__(description=f"this page comes as {', '.join(Form)}")


def choose(ask: Ask) -> Form:
    """Return the form that the parameter ``format`` or the header Accept asks for."""
    wanted = ask.values().get("format")
    # A plus sign in a query stands for a space, and clients forget to write it as %2B.
    header = str(wanted).replace(" ", "+") if wanted else ask.req.get_header("Accept") or "*/*"
    try:
        found = mediatypes.best_match(_OFFERED, header.lower())
    except falcon.InvalidMediaType as error:
        raise NotAcceptable from error
    if not found:
        raise NotAcceptable
    return _OFFERED[found]


def send(
    ask: Ask, shelf: Shelf, key: tuple[str, Form], revision: int, make: Callable[[], bytes]
) -> bytes:
    """Send a page that is made anew only after a change, or just 304 to a client that has it."""
    form = key[1]
    plain = kept = _kept(shelf, key, revision, make)
    ask.resp.content_type = form if form is Form.JSON else f"{form}; charset=utf-8"
    ask.resp.set_header("Vary", "Accept, Accept-Encoding")
    if len(plain.body) > _WORTH_IT and _takes_gzip(ask.req):
        packed = (*key, "gzip")
        kept = _kept(shelf, packed, revision, lambda: gzip.compress(plain.body, 9, mtime=0))
        ask.resp.set_header("Content-Encoding", "gzip")
    return ask.unless_known(kept, "no-cache")


def _kept(shelf: Shelf, key: tuple[str, ...], revision: int, make: Callable[[], bytes]) -> Kept:
    return shelf.find(key, revision) or shelf.keep(key, revision, make())


def _takes_gzip(req: falcon.Request) -> bool:
    for part in req.get_header("Accept-Encoding", default="").lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False

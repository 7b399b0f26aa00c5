"""What a route is, and what its handler is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

import attrs
import falcon
from attrs import field, frozen

from campuscore.adapters import wire
from campuscore.adapters.http.bodies import read_body
from campuscore.bootstrap import Campus
from campuscore.domain.auth import Principal
from campuscore.domain.checks import check_span
from campuscore.domain.paging import Page, PageRequest
from campuscore.errors import Invalid
from campuscore.services.shelf import Kept

__all__ = ["PAGING", "PUBLIC", "Ask", "Elsewhere", "Handler", "Param", "Route", "Stream"]

T = TypeVar("T")

Handler = Callable[..., Any]
"""Answers a request: it is given an Ask and the ids of the path."""

PUBLIC = ""
"""The action of a route that anybody may call without logging in."""

_LONGEST_ID = 20


@frozen
class Param:
    """A query parameter: its kind is ``int``, ``bool``, ``date``, ``str`` or an enumeration."""

    name: str
    kind: type
    help: str


PAGING = (
    Param("limit", int, "How many rows at the most, from 1 to 1000."),
    Param("cursor", str, "Where the next page begins: from the Link header of this one."),
)


@frozen(kw_only=True)
class Route:
    """One method of one path: who may call it, what it takes and what it answers.

    ``form`` names the file of a multipart form. ``forms`` are other media types of the answer, and
    ``also`` the other statuses of answers that are no refusals. Routes for ``installers`` take an
    API token as the password of Basic authentication, and are read without login where the
    settings say so. Where there is an ``or_action``,
    one of the two has to be allowed, and the service decides.
    """

    method: str
    path: str
    action: str
    handler: Handler
    summary: str
    body: Any = None
    answer: Any = None
    status: int = 200
    params: tuple[Param, ...] = ()
    refusals: tuple[int, ...] = ()
    media_type: str = "application/json"
    forms: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    form: str = ""
    installers: bool = False
    or_action: str = ""

    @property
    def only_answered(self) -> frozenset[str]:
        """The fields of the answer that the body lacks; a client may send back what it got."""
        both = attrs.has(self.answer) and attrs.has(self.body)
        if self.method not in {"PUT", "PATCH"} or not both:
            return frozenset()
        names = {each.name for each in attrs.fields(self.answer)}
        return frozenset(names - {each.name for each in attrs.fields(self.body)})

    @property
    def feature(self) -> str:
        """The name of the feature, for grouping in documents."""
        module = self.handler.__module__
        here = f"{__package__}."
        return module.removeprefix(here).partition(".")[0] if here in module else module


@frozen
class Stream:
    """An answer whose bytes are sent as they come."""

    media_type: str
    chunks: Iterable[bytes]
    length: int | None = None
    headers: dict[str, str] = field(factory=dict[str, str])


@frozen
class Elsewhere:
    """An answer that the client fetches at another address."""

    address: str


@frozen
class Ask:
    """One request, as handlers see it."""

    campus: Campus
    principal: Principal
    req: falcon.Request
    resp: falcon.Response
    route: Route
    routes: tuple[Route, ...]

    def body(self, kind: type[T]) -> T:
        """Return the JSON body as a type of ours, or raise Malformed or Invalid."""
        text = read_body(self.req, self.campus.settings.max_body)
        if not text.strip():
            raise wire.Malformed("the body is empty; it must be JSON")
        return wire.structure(wire.parse(text), kind, ignored=self.route.only_answered)

    def json(self) -> Any:
        """Return the JSON body as it is, or raise Malformed."""
        return wire.parse(read_body(self.req, self.campus.settings.max_body))

    def values(self) -> dict[str, Any]:
        """Return the query parameters that the route declares, each as its kind.

        A parameter that nobody declared is refused: a filter with a typing error in its name must
        not answer everything.
        """
        given = self.req.params
        if not given:
            return {}
        known = {param.name: param for param in self.route.params}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise Invalid.at(wire.pointer(unknown[0]), "is not a parameter of this address")
        values = {name: _convert(known[name], value) for name, value in given.items()}
        check_span(values.get("from"), values.get("to"), "/to")
        return values

    def knows(self, tag: str) -> bool:
        """Say whether the client has what this validator names (RFC 9110, section 13.1.2)."""
        return any(known in ("*", tag) for known in self.req.if_none_match or ())

    def unless_known(self, kept: Kept, cache: str) -> bytes:
        """Return an answer to send, or send just 304 to a client that has it."""
        self.unless_tagged(kept.tag, cache)
        return kept.body

    def unless_tagged(self, tag: str, cache: str) -> None:
        """Name what is sent by its validator, or send just 304 to a client that has it."""
        self.resp.etag = tag
        self.resp.set_header("Cache-Control", cache)
        if self.knows(tag):
            for name in ("Content-Type", "Content-Encoding"):  # RFC 9110, section 15.4.5
                self.resp.delete_header(name)
            raise falcon.HTTPStatus(falcon.HTTP_304)

    def page(self, values: dict[str, Any]) -> PageRequest:
        """Take the paging parameters out of the values."""
        return PageRequest(values.pop("limit", None), values.pop("cursor", None))

    def rows(self, page: Page[T]) -> list[T]:
        """Return the rows of a page, and point to the next one with a Link header (RFC 8288)."""
        if page.next is not None:
            query = {**self.req.params, "cursor": page.next}
            address = f"{self.req.prefix}{self.req.path}/?{urlencode(query, doseq=True)}"
            self.resp.append_header("Link", f'<{address}>; rel="next"')
        return page.items

    def address(self, path: str) -> str:
        """Return the absolute address of a path of this server."""
        return f"{self.req.prefix}{path}"


def _convert(param: Param, value: Any) -> Any:
    path = f"/{param.name}"
    if isinstance(value, list):
        raise Invalid.at(path, "is given more than once")
    text = str(value)
    if param.kind is int:
        return _whole(path, text)
    if param.kind is bool:
        return _truth(path, text)
    if param.kind is date:
        return _day(path, text)
    if issubclass(param.kind, StrEnum):
        return _choice(path, text, param.kind)
    if "\0" in text or any("\ud800" <= ch <= "\udfff" for ch in text):
        raise Invalid.at(path, "contains a character that no text has")
    return text


def _whole(path: str, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < _LONGEST_ID and int(text) < 1 << 63:
        return int(text)
    raise Invalid.at(path, "must be a whole number")


def _truth(path: str, text: str) -> bool:
    if text.lower() in {"true", "1"}:
        return True
    if text.lower() in {"false", "0"}:
        return False
    raise Invalid.at(path, "must be true or false")


def _day(path: str, text: str) -> date:
    try:
        if (found := date.fromisoformat(text)).isoformat() == text:
            return found
    except ValueError:
        pass
    raise Invalid.at(path, "must be a date, such as 2026-09-01")


def _choice(path: str, text: str, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(text)
    except ValueError:
        raise Invalid.at(path, f"must be one of {', '.join(kind)}") from None

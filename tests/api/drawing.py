"""Requests as schemathesis makes them from the document, with real values put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import schemathesis
from hypothesis import strategies as st

from .values import Values

__all__ = ["UPLOAD", "requests_to"]

UPLOAD = "POST /legacy/"
_HEADERS = (
    {},
    {},
    {"Accept": "application/vnd.pypi.simple.v1+json"},
    {"Accept": "image/png"},
    {"If-None-Match": "*"},
    {"Range": "bytes=0-3"},
    {"Range": "bytes=9999999-"},
)


@st.composite
def requests_to(
    draw, operation, mode: schemathesis.GenerationMode, values: Values
) -> schemathesis.Case:
    """Draw a request to an operation: often with ids, names and fields that mean something."""
    case = draw(operation.as_strategy(generation_mode=mode))
    case.path_parameters = _with_ids(draw, case.path_parameters or {}, values)
    case.query = _with_filters(draw, operation, case.query or {}, values)
    case.body = _filled(draw, case.body, values.body, tidy=draw(st.booleans()))
    case.headers = {**case.headers, **draw(st.sampled_from(_HEADERS))}
    if operation.label == UPLOAD and draw(_often):
        case.body, case.headers["Content-Type"] = draw(st.sampled_from(values.uploads))
    return case


_often = st.integers(0, 7).map(bool)
_mostly = st.integers(0, 3).map(bool)
_sometimes = st.integers(0, 2).map(lambda number: number == 2)


def _with_ids(draw, given: Mapping[str, Any], values: Values) -> dict[str, Any]:
    if {"filename", "name"} <= given.keys() or "rest" in given:
        whole = draw(st.sampled_from(values.files))
        return {n: whole[n] if draw(_often) else value for n, value in given.items()}
    return {
        name: draw(st.sampled_from(values.path[name])) if draw(_often) else value
        for name, value in given.items()
    }


def _with_filters(draw, operation, given: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """Keep the generated query, or ask for some of what there is, or for everything."""
    if draw(_sometimes):
        return dict(given)
    names = [each.name for each in operation.query if each.name in values.query]
    return {name: draw(st.sampled_from(values.query[name])) for name in names if draw(_sometimes)}


def _filled(draw, body: Any, pool: Mapping[str, Sequence[Any]], *, tidy: bool) -> Any:
    """Put real values into the fields of a body; a tidy one has no other fields than ours."""
    if isinstance(body, list):
        return [_filled(draw, each, pool, tidy=tidy) for each in body]
    if not isinstance(body, dict):
        return body
    kept = {name: value for name, value in body.items() if not tidy or name in pool}
    kept |= {name: body[name] for name in _OF_FORMS if name in body}
    return {
        name: draw(st.sampled_from(pool[name])) if name in pool and draw(_mostly) else value
        for name, value in kept.items()
    }


_OF_FORMS = ("file", "content", ":action")

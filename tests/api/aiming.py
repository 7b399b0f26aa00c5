"""Requests that reach each object of a side, in the ways that the document knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import schemathesis
from tests.http.schemas import DOCUMENT

from .drawing import UPLOAD
from .values import Values

__all__ = ["aimed_at"]

_LOGIN = "POST /auth/login/"


def aimed_at(operation: Any, values: Values) -> Iterator[schemathesis.Case]:
    """Yield requests to an operation for everything that a side has."""
    for path in _paths(operation, values):
        for query in _queries(operation, values):
            yield operation.Case(path_parameters=path, query=query, **_body(operation, values))


def _paths(operation: Any, values: Values) -> list[dict[str, Any]]:
    """Return path parameters: as many as the side has of what it has most."""
    names = [each.name for each in operation.path_parameters]
    if "rest" in names or {"name", "filename"} <= set(names):
        return [{name: where[name] for name in names} for where in values.files]
    pools = [values.path[name] for name in names]
    longest = max(map(len, pools), default=1)
    return [
        {name: pool[i % len(pool)] for name, pool in zip(names, pools, strict=True)}
        for i in range(longest)
    ]


def _queries(operation: Any, values: Values) -> list[dict[str, Any]]:
    """Return no query, all that is needed together, and each parameter alone."""
    names = [each.name for each in operation.query if each.name in values.query]
    found = [{name: value} for name in names for value in values.query[name]]
    if {"user", "date"} <= set(names):
        days = values.query["date"]
        found += [{"user": user, "date": days[0]} for user in values.query["user"]]
    return [{}, *found]


def _body(operation: Any, values: Values) -> dict[str, Any]:
    """Return the body with all its fields, and what says its kind."""
    if operation.label == UPLOAD:
        body, content_type = values.uploads[0]
        headers = {"Content-Type": content_type}
        return {"body": body, "media_type": "multipart/form-data", "headers": headers}
    described = DOCUMENT["paths"][operation.path][operation.method].get("requestBody")
    if described is None:
        return {}
    ((media_type, content),) = described["content"].items()
    fields = _fields(content["schema"])
    body = {name: values.body[name][0] for name in fields if name in values.body}
    if operation.label == _LOGIN:
        body["username"] = values.body["username"][1]
    if "file" in fields:
        body["file"] = b"a file"
    return {"body": body, "media_type": media_type}


def _fields(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields; of one row where a list of them would do too."""
    first = schema.get("anyOf", [schema])[0]
    name = first.get("$ref", "").rpartition("/")[2]
    known = DOCUMENT["components"]["schemas"][name] if name else first
    return list(known["properties"])

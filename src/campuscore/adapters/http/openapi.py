"""The OpenAPI 3.1 document, from the route table and the types themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import EnumType, StrEnum
from functools import cache
from http import HTTPStatus
from types import UnionType
from typing import Any, Union, get_args, get_origin

import attrs

from campuscore import __version__
from campuscore.adapters.http.problems import MEDIA_TYPE
from campuscore.adapters.http.route import PUBLIC, Route
from campuscore.domain.unset import Unset

__all__ = ["document"]

_SIMPLE: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "format": "binary"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    time: {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"},  # local
    type(None): {"type": "null"},
    Any: {},
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "A stable word for programs."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "detail"],
                "properties": {"path": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_BINARY = {"type": "string", "format": "binary"}
_FORMS: dict[str, dict[str, Any]] = {
    "file": {
        "type": "object",
        "required": ["user_id", "date", "file"],
        "properties": {
            "user_id": {"type": "integer"},
            "date": {"type": "string", "format": "date"},
            "file": _BINARY,
        },
    },
    "content": {
        "type": "object",
        "required": [":action", "name", "version", "content"],
        "properties": {
            ":action": {"type": "string", "const": "file_upload"},
            "name": {"type": "string"},
            "version": {"type": "string"},
            "filetype": {"type": "string", "enum": ["bdist_wheel", "sdist"]},
            "requires_python": {"type": "string"},
            "sha256_digest": {"type": "string"},
            "blake2_256_digest": {"type": "string"},
            "md5_digest": {"type": "string"},
            "content": _BINARY,
        },
    },
}
"""The multipart forms, by the name of their file."""


@cache
def document(routes: tuple[Route, ...]) -> dict[str, Any]:
    """Return the document of these routes."""
    types = _Types()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, types)
        if attrs.has(route.body) and not route.only_answered:
            types.found[route.body.__name__]["additionalProperties"] = False
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "campuscore",
            "version": __version__,
            "summary": "People, attendance, timetable and package index of a teaching department.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **dict(sorted(types.found.items()))},
            "securitySchemes": {
                name: {"type": "http", "scheme": name} for name in ("bearer", "basic")
            },
        },
    }


class _Types:
    """Collects the schemas of the types that the routes name."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    def schema(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a type, or a reference to it."""
        if kind in _SIMPLE:
            return dict(_SIMPLE[kind])
        if get_origin(kind) in {Union, UnionType}:
            return self._union(kind)
        if get_origin(kind) in {dict, Mapping}:
            return self._mapping(kind)
        if get_origin(kind) is not None:
            return {"type": "array", "items": self.schema(get_args(kind)[0])}
        if isinstance(kind, EnumType) and issubclass(kind, StrEnum):
            return {"type": "string", "enum": [member.value for member in kind]}
        return self._object(kind)

    def _union(self, kind: Any) -> dict[str, Any]:
        parts = [self.schema(part) for part in get_args(kind) if part is not Unset]
        return parts[0] if len(parts) == 1 else {"anyOf": parts}

    def _object(self, kind: type) -> dict[str, Any]:
        name = kind.__name__
        if name not in self.found:
            self.found[name] = {}
            attrs.resolve_types(kind)
            fields: tuple[Any, ...] = attrs.fields(kind)
            made: dict[str, Any] = {
                "type": "object",
                "description": (kind.__doc__ or "").strip().split("\n")[0],
                "properties": {field.name: self.schema(field.type) for field in fields},
            }
            required = [field.name for field in fields if field.default is attrs.NOTHING]
            if required:
                made["required"] = required
            self.found[name] = made
        return {"$ref": f"#/components/schemas/{name}"}

    def _mapping(self, kind: Any) -> dict[str, Any]:
        """Describe members with any names; what a mapping holds may be any JSON."""
        if get_origin(kind) is Mapping:
            return {"type": "object"}
        return {"type": "object", "additionalProperties": self.schema(get_args(kind)[1])}


def _operation(route: Route, types: _Types) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": f"{route.feature}_{route.handler.__name__}_{_suffix(route)}",
        "summary": route.summary,
        "tags": [route.feature],
        "responses": _responses(route, types),
    }
    parameters = [*_path_parameters(route), *_query_parameters(route, types)]
    if parameters:
        made["parameters"] = parameters
    if route.action != PUBLIC:
        made["security"] = _security(route)
        made["x-action"] = route.action
    if route.or_action:
        made["x-or-action"] = route.or_action
    if route.form:
        made["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": _FORMS[route.form]}},
        }
    elif route.body is not None:
        content = {"application/json": {"schema": types.schema(route.body)}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _security(route: Route) -> list[dict[str, list[str]]]:
    """Say how to log in; installers may read without, where the settings let them."""
    if not route.installers:
        return [{"bearer": []}]
    nobody: list[dict[str, list[str]]] = [{}] if route.method == "GET" else []
    return [*nobody, {"bearer": []}, {"basic": []}]


def _suffix(route: Route) -> str:
    """Tell apart routes that share a handler: by their method and first path segment."""
    top = route.path.strip("/").split("/")[0]
    return f"{route.method.lower()}_{re.sub('[^a-z]+', '_', top).strip('_') or 'root'}"


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        is_id = name.endswith("_id")
        schema = {"type": "integer", "minimum": 0} if is_id else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route, types: _Types) -> Iterable[dict[str, Any]]:
    for param in route.params:
        schema = types.schema(param.kind)
        if param.name == "limit":
            schema |= {"minimum": 1, "maximum": 1000}
        yield {"name": param.name, "in": "query", "description": param.help, "schema": schema}


def _form(media_type: str) -> dict[str, Any]:
    return {"type": "object"} if media_type.endswith("json") else dict(_BINARY)


def _responses(route: Route, types: _Types) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        good["content"] = {route.media_type: {"schema": types.schema(route.answer)}}
        good["content"] |= {kind: {"schema": _form(kind)} for kind in route.forms}
    made: dict[str, Any] = {str(route.status): good}
    for status in route.also:
        has_body = status < HTTPStatus.MULTIPLE_CHOICES
        described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        made[str(status)] = {**good, **described} if has_body else described
    refusals = set(route.refusals)
    if route.action != PUBLIC:
        refusals |= {401, 403, 503}
    if route.body is not None or route.form:
        refusals |= {400, 411, 413, 422}
    if route.params:
        refusals.add(422)
    if "{" in route.path or route.body is not None or route.form:
        refusals.add(404)
    for status in sorted(refusals):
        reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
        phrase = HTTPStatus(status).phrase
        made[str(status)] = {"description": phrase, "content": {MEDIA_TYPE: reference}}
    return made

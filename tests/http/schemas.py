"""Answers held against the OpenAPI document: each answer of each test, on the spot."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from campuscore.adapters.http.openapi import document
from campuscore.adapters.http.routes import ROUTES

__all__ = ["DOCUMENT", "check_answer", "find_operation"]

DOCUMENT = document(ROUTES)


def check_answer(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Fail when an answer is not one that the document describes."""
    operation = find_operation(method, path.partition("?")[0])
    if operation is None:
        assert status in {404, 405}, f"{method} {path} answers {status} and is not documented"
        return
    described = operation["responses"].get(str(status))
    assert described is not None, f"{method} {path}: {status} is not documented"
    media_type = content_type.partition(";")[0]
    documented = {kind.partition(";")[0]: each for kind, each in _contents(described).items()}
    if method == "HEAD":
        assert not body
    elif not documented:
        assert not body, f"{method} {path}: {status} has a body that is not documented"
    elif "*/*" not in documented:
        assert media_type in documented, f"{method} {path}: {media_type} is not documented"
    if body and media_type.endswith("json") and media_type in documented:
        _validator(json.dumps(documented[media_type]["schema"])).validate(json.loads(body))


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """Return what the document says of a request, or None."""
    verb = method.lower().replace("head", "get")
    for template, methods in DOCUMENT["paths"].items():
        if verb in methods and _pattern(template).fullmatch(path.rstrip("/")):
            found: dict[str, Any] = methods[verb]
            return found
    return None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    numbers = re.sub(r"\{\w+_id\}", "[0-9]+", template.rstrip("/"))
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", numbers))


def _contents(described: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = described.get("content", {})
    return found


@cache
def _validator(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return Draft202012Validator(whole)

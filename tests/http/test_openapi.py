"""The OpenAPI document: valid, complete, and what the server really answers.

Whether answers match their schemas is checked on each answer of these tests (schemas.py).
"""

from __future__ import annotations

import re

import pytest
from jsonschema import ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator

from campuscore.adapters.http import pages
from campuscore.adapters.http.openapi import document
from campuscore.adapters.http.route import PUBLIC
from campuscore.adapters.http.routes import ROUTES

from .schemas import DOCUMENT, check_answer, find_operation

OPERATIONS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def test_it_is_valid():
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_it_is_the_one_that_is_served(anybody):
    assert anybody.get("/openapi.json").json == DOCUMENT


def test_every_route_is_in_it_and_nothing_else():
    assert sorted((path, method.upper()) for path, method, _ in OPERATIONS) == sorted(
        (route.path, route.method) for route in ROUTES
    )


def test_operations_have_ids_of_their_own_and_a_summary():
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", each) for each in ids), ids
    assert all(operation["summary"].endswith(".") for _, _, operation in OPERATIONS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method}{route.path}")
def test_an_operation_says_what_its_route_says(route):
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    named = {parameter["name"] for parameter in operation.get("parameters", ())}

    assert named == {param.name for param in route.params} | set(
        re.findall(r"\{(\w+)\}", route.path)
    )
    assert ("security" in operation) is (route.action != PUBLIC)
    assert operation.get("x-action", PUBLIC) == route.action
    assert operation.get("x-or-action", "") == route.or_action
    assert ("requestBody" in operation) is bool(route.body or route.form)
    assert str(route.status) in operation["responses"]
    if route.action != PUBLIC:
        assert {"401", "403"} <= set(operation["responses"])


def test_no_password_is_in_any_answer():
    schemas = DOCUMENT["components"]["schemas"]

    assert "password" in schemas["NewUser"]["properties"]
    assert "password" not in schemas["User"]["properties"]
    assert set(schemas["User"]["required"]) == set(schemas["User"]["properties"])


def test_what_may_be_left_out_is_not_required():
    change = DOCUMENT["components"]["schemas"]["UserChange"]

    assert "required" not in change
    assert change["properties"]["username"] == {"type": "string"}
    assert change["properties"]["password"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}


def test_a_document_is_made_of_the_routes_that_are_given():
    routes = tuple(route for route in ROUTES if route.path == "/healthz")

    assert list(document(routes)["paths"]) == ["/healthz"]


class TestPage:
    """The same for people."""

    @pytest.fixture
    def page(self, anybody):
        return anybody.get("/docs").body.decode()

    def test_it_names_every_path_and_method(self, page):
        for path, method, operation in OPERATIONS:
            assert f"<code class='path'>{path}</code>" in page
            assert f"<span class='verb'>{method.upper()}</span>" in page
            assert operation["summary"].replace("'", "&#x27;") in page

    def test_it_names_every_type(self, page):
        for name in DOCUMENT["components"]["schemas"]:
            assert f"id='type-{name}'" in page

    def test_it_works_offline(self, page):
        assert "http" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
        assert "//" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
        assert "<script" not in page

    def test_every_link_within_it_leads_somewhere(self, page):
        ids = set(re.findall(r"id='([^']+)'", page))

        assert set(re.findall(r"href='#([^']+)'", page)) <= ids

    def test_what_comes_from_the_types_is_escaped(self):
        evil = {
            **DOCUMENT,
            "info": {"version": "<b>"},
            "components": {"schemas": {"X": {"description": "<i>", "properties": {"<u>": {}}}}},
        }

        assert not {"<b>", "<i>", "<u>"} & set(re.findall(r"<\w>", pages.docs(evil)))


class TestChecking:
    """The check of answers can fail."""

    def check(self, status=200, body=b'{"status": "ok"}', kind="application/json"):
        check_answer("GET", "/healthz", status, kind, body)

    def test_a_good_answer_passes(self):
        self.check()

    def test_another_body_fails(self):
        with pytest.raises(ValidationError):
            self.check(body=b'{"status": 1}')

    def test_another_status_fails(self):
        with pytest.raises(AssertionError):
            self.check(status=418)

    def test_another_media_type_fails(self):
        with pytest.raises(AssertionError):
            self.check(kind="application/problem+json")

    @pytest.mark.parametrize("path", ["/docs", "/attendance/aggregated/download"])
    def test_another_media_type_that_is_no_json_fails(self, path):
        with pytest.raises(AssertionError):
            check_answer("GET", path, 200, "text/plain", b"words")

    def test_a_sheet_is_documented_in_both_forms(self):
        check_answer("GET", "/attendance/aggregated/download", 200, "text/csv", b"id")

    def test_304_fails_where_the_document_knows_of_none(self):
        check_answer("GET", "/.well-known/jwks.json", 304, "", b"")
        with pytest.raises(AssertionError):
            check_answer("GET", "/healthz", 304, "", b"")

    def test_a_missing_field_fails(self):
        with pytest.raises(ValidationError):
            check_answer("GET", "/auth/me", 200, "application/json", b'{"id": 1}')

    def test_paths_are_found_with_and_without_the_slash(self):
        assert find_operation("GET", "/users/7") == find_operation("GET", "/users/7/") is not None
        assert find_operation("GET", "/users/x/") is None

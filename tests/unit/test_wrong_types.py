"""What a program gives by mistake, such as a header that is not there, is named and refused."""

from __future__ import annotations

import inspect

import pytest

from campuscore import Campus, open_campus
from campuscore.errors import Invalid

TEXTS = [
    ("auth", "authenticate", "token", {}),
    ("auth", "refresh", "token", {}),
    ("auth", "login", "username", {"password": "word"}),
    ("auth", "login", "password", {"username": "anna"}),
    ("users", "find_named", "username", {}),
    ("demo", "let_in", "password", {}),
    ("packages", "find", "name", {}),
    ("packages", "page", "name", {}),
    ("packages", "yank", "name", {"version": "1"}),
    ("packages", "delete", "name", {"version": "1"}),
]
LISTS = [("users", "list"), ("groups", "list"), ("attendance", "list"), ("attendance", "aggregate")]
LISTS += [("schedule", "list"), ("packages", "list"), ("auth", "me"), ("operations", "status")]


@pytest.fixture
def campus():
    with open_campus("memory://") as campus:
        yield campus


def called(campus: Campus, service: str, method: str, **given):
    function = getattr(getattr(campus, service), method)
    if "principal" in inspect.signature(function).parameters:
        given = {"principal": campus.operator, **given}
    return function(**given)


@pytest.mark.parametrize("wrong", [None, 7, b"bytes"])
@pytest.mark.parametrize(("service", "method", "name", "others"), TEXTS)
def test_what_is_no_text_is_named(campus, service, method, name, others, wrong):
    with pytest.raises(Invalid) as refused:
        called(campus, service, method, **{name: wrong}, **others)
    (problem,) = refused.value.problems
    assert problem.path == f"/{name}"
    assert problem.detail == f"must be str, not {type(wrong).__name__}"


@pytest.mark.parametrize("wrong", [None, "anna", 7])
@pytest.mark.parametrize(("service", "method"), LISTS)
def test_who_is_no_principal_is_named(campus, service, method, wrong):
    with pytest.raises(Invalid, match="principal: must be Principal"):
        called(campus, service, method, principal=wrong)

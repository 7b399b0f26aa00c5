"""The table of guards is not stale; that every removal is noticed is shown by ``nox -s guards``."""

from __future__ import annotations

import ast
from functools import cache

import pytest
from attrs import evolve

import campuscore.testing

from .table import ROOT, read_attacks, read_table

GUARDS = read_table()


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_stands_where_the_table_says(guard):
    assert list(guard.faults(ROOT)) == []


def test_each_has_a_name_of_its_own():
    names = [guard.name for guard in GUARDS]

    assert len(set(names)) == len(names) >= 40


def test_each_row_of_the_threat_model_has_a_guard_and_each_guard_a_row():
    attacks = read_attacks()

    assert len(set(attacks)) == len(attacks) > 20
    assert {guard.row for guard in GUARDS} == set(attacks)


@cache
def named(path):
    """Return the functions and classes of a module of tests."""
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def is_there(node):
    """Say whether there is such a test: a function, a method, or one of the contract kit."""
    path, *classes, name = node.split("::")
    if not classes:
        return isinstance(named(path).get(name), ast.FunctionDef)
    found = named(path)[classes[0]]
    own = {each.name for each in found.body if isinstance(each, ast.FunctionDef)}
    kits = (getattr(campuscore.testing, ast.unparse(base), None) for base in found.bases)
    return name in own or any(hasattr(kit, name) for kit in kits)


def test_the_tests_that_it_names_are_there():
    assert [node for guard in GUARDS for node in guard.tests if not is_there(node)] == []
    assert not is_there("tests/guards/test_table.py::test_of_nothing")
    assert not is_there("tests/contracts/test_sqlite.py::TestSessions::test_of_nothing")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": "nowhere to be found"}, "0 times"),
        ({"text": "import"}, "times"),
        ({"tests": ()}, "no test"),
        ({"without": GUARDS[0].text}, "nothing"),
        ({"without": GUARDS[0].text.replace("sessions", "trains", 1)}, "does not know trains"),
    ],
)
def test_a_stale_entry_is_told(change, words):
    (fault, *_) = evolve(GUARDS[0], **change).faults(ROOT)

    assert words in fault

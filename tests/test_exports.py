"""What is public is exactly what is listed: in ``__all__``, by ``dir`` and in the reference."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import campuscore

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "campuscore"
REFERENCE = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")

# The migrations run inside Alembic only.
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts]
NAMES = [
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in FILES
    if path.name != "__main__.py"
]
MODULES = [name for name in NAMES if name != "campuscore.adapters.http.wsgi"]


def listed_for_type_checkers():
    """Return the names that the package imports under TYPE_CHECKING."""
    tree = ast.parse(Path(campuscore.__file__).read_text(encoding="utf-8"))
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        alias.name
        for block in guarded
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_public_face_is_what_dir_shows():
    assert sorted(campuscore.__all__) == dir(campuscore)
    assert len(set(campuscore.__all__)) == len(campuscore.__all__)


def test_type_checkers_see_what_is_loaded_lazily():
    eager = {"CampusError", "__version__", "errors"}

    assert listed_for_type_checkers() | eager == set(campuscore.__all__)


@pytest.mark.parametrize("name", campuscore.__all__)
def test_a_public_name_resolves_and_is_in_the_reference(name):
    assert getattr(campuscore, name) is not None
    assert re.search(rf"^### `{name}`$", REFERENCE, re.MULTILINE), f"{name} has no entry"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        _ = campuscore.Nobody


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_exports_is_there(name):
    module = import_module(name)
    exported = getattr(module, "__all__", [])

    assert len(set(exported)) == len(exported)
    assert [one for one in exported if not hasattr(module, one)] == []


@pytest.mark.parametrize("name", ["campuscore", "campuscore.testing"])
def test_lazy_packages_name_every_export_once(name):
    module = import_module(name)
    lazy = set(module._WHERE)

    assert lazy <= set(module.__all__)
    assert dir(module) == sorted(module.__all__)

"""Every Python example in the README, the documents and the docstrings runs and is true.

A document is one test, because its examples build on one another.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.doctest import DocTestParser
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted((ROOT / "src").rglob("*.py"))

PROSE = Sybil(parsers=[PythonCodeBlockParser()])
CODE = Sybil(parsers=[DocTestParser()], document_types={".py": PythonDocStringDocument})


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def run(document):
    """Run the examples of a document in their order, and return how many there were."""
    examples = list(document.examples())
    for example in examples:
        example.evaluate()
    return len(examples)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_examples_on_a_page(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = path.read_text(encoding="utf-8")

    assert run(PROSE.parse(path)) >= text.count("```python\n")


@pytest.mark.parametrize(
    "path", [path for path in MODULES if ">>> " in path.read_text(encoding="utf-8")], ids=name_of
)
def test_examples_in_docstrings(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert run(CODE.parse(path)) > 0

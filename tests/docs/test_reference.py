"""The generated pages of the reference are up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from campuscore.domain.access import Reach
from campuscore.services.policy import RULES

SCRIPT = Path(__file__).parents[2] / "docs" / "generate.py"
PAGES = ("settings.md", "cli.md", "http.md", "python.md")


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_what_the_code_says(generate, name):
    written = (SCRIPT.parent / "reference" / name).read_text(encoding="utf-8")

    assert written == generate.PAGES[name](), "stale: run python docs/generate.py"


def test_every_page_is_compared(generate):
    assert set(PAGES) == set(generate.PAGES)


WORDS = [
    (Reach.SELF, "own"),
    (Reach.FELLOW, "fellows"),
    (Reach.TAUGHT | Reach.ASSISTED, "led"),
    (Reach.TAUGHT, "taught"),
    (Reach.WARD, "wards"),
]


def in_words(reach):
    """Name a reach as the page does."""
    if reach is Reach.ALL:
        return "all"
    words = []
    for flags, word in WORDS:
        if flags in reach:
            words.append(word)
            reach &= ~flags
    return ", ".join(words)


@pytest.mark.parametrize("action", RULES)
def test_the_page_of_rights_says_what_the_policy_does(action):
    text = (SCRIPT.parent / "explanation" / "rights.md").read_text(encoding="utf-8")
    rule = RULES[action]
    columns = [in_words(each) for each in (rule.admin, rule.teacher, rule.anyone, rule.device)]
    rows = [line for line in text.splitlines() if line.startswith(f"| `{action}`")]

    assert len(rows) == 1
    cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
    assert cells[1:] == [*columns, "in person" if rule.in_person else ""]

"""Commands that the documents show exist, with the options that they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from campuscore.adapters.cli.main import main
from campuscore.settings import Settings, SettingsSource

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CALL = re.compile(r"((?:\w+=\S+ +)*)(?:\S*/)?campuscore +([^|&;<>]*)")
SHELL = re.compile(r"^```(?:bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page):
    """Return the variables and words of each call of campuscore in the shell blocks of a page."""
    text = page.read_text(encoding="utf-8").replace("$(date +%F)", "2026-09-01")
    blocks = SHELL.findall(text)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    calls = [found for line in lines if (found := CALL.match(line))]
    return [(shlex.split(call[1]), shlex.split(call[2], comments=True)) for call in calls]


SHOWN = [
    pytest.param(variables, words, id=f"{page.relative_to(ROOT).as_posix()}: {' '.join(words)}")
    for page in PAGES
    for variables, words in commands(page)
]


@pytest.mark.parametrize(("variables", "words"), SHOWN)
def test_a_shown_command_is_understood(variables, words, monkeypatch):
    for variable in variables:
        monkeypatch.setenv(*variable.split("=", 1))
    # The files that the pages speak of are not here.
    for kind in (click.Path, click.File):
        monkeypatch.setattr(kind, "convert", lambda self, value, param, ctx: value)
    context = click.Context(main, info_name="campuscore")
    command = main
    while isinstance(command, click.Group):
        context = command.make_context(command.name, list(words), parent=context)
        name, command, words = command.resolve_command(context, context._protected_args)
        words = [*words, *context.args]
    command.make_context(name, list(words), parent=context)


def test_shown_settings_can_be_set():
    known = set()
    for item in SettingsSource().read(Settings).__attrs_attrs__:
        known |= {f"CAMPUSCORE_{item.name.upper()}", f"CAMPUSCORE_{item.name.upper()}_FILE"}
    known |= {"CAMPUSCORE_CONFIG"}
    shown = {
        name
        for page in PAGES
        for name in re.findall(r"\bCAMPUSCORE_[A-Z_]+\b", page.read_text(encoding="utf-8"))
    }

    assert shown <= known

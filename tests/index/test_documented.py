"""What the how-to shows works as it is shown, with the real programs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "package-index.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN_AT, SHOWN_NAME = "127.0.0.1:8000", "demo-lab"
READER = """
[project]
name = "reader"
version = "0"
requires-python = ">=3.11"

[tool.poetry]
package-mode = false

"""


@pytest.fixture
def shown(index):
    """Return a function that gives the blocks of a language, at the address of the server."""
    text = PAGE.read_text(encoding="utf-8").replace(SHOWN_AT, f"127.0.0.1:{index.port}")
    blocks = BLOCK.findall(text)
    return lambda language: [body for kind, body in blocks if kind == language]


@pytest.fixture
def command(shown):
    """Return a function that gives the words of the one shown command that begins so."""

    def find(*begin):
        lines = [shlex.split(line) for block in shown("bash") for line in block.splitlines()]
        (found,) = [words for words in lines if words[: len(begin)] == [*begin]]
        return found[1:]

    return find


@pytest.fixture
def dist(programs):
    """Build the project of the page into ``dist/``, where its commands look."""
    files = programs.build(SHOWN_NAME, "1.0", text="x = 'shown'")
    (programs.folder / "dist").mkdir()
    return [path.rename(programs.folder / "dist" / path.name) for path in files]


def filled(words, token, files):
    """Put a token and files where a shell would."""
    given = [token if word == "$TOKEN" else word for word in words]
    return [each for word in given for each in (files if word == "dist/*" else [word])]


def test_what_is_shown_publishes_and_installs(programs, command, dist):
    twine = filled(command("twine", "upload"), programs.token, dist)
    programs.run(sys.executable, "-m", "twine", *twine)
    publish = filled(command("uv", "publish"), programs.token, dist)
    assert "skipping" in programs.uv(*publish).words

    python = programs.venv()
    words = command("pip", "install")
    programs.run(sys.executable, "-m", "pip", "--python", python, *words)
    assert programs.value(python, "demo_lab") == "shown"
    python = programs.venv()
    programs.uv(*command("uv", "pip", "install"), "--python", python)
    assert programs.value(python, "demo_lab") == "shown"


def test_the_shown_configuration_is_what_pip_uv_and_poetry_need(index, programs, shown, dist):
    programs.twine(*dist)
    begin = index.mark()
    (conf,), (settings, source) = shown("ini"), shown("toml")
    (programs.folder / "pip.conf").write_text(conf)
    place = {"PIP_CONFIG_FILE": f"{programs.folder}/pip.conf", "PIP_INDEX_URL": index.simple}
    for _ in range(2):
        python = programs.venv()
        pip = (sys.executable, "-m", "pip", "--python", python)
        programs.run(*pip, "install", SHOWN_NAME, **place)
        assert programs.value(python, "demo_lab") == "shown"
    requests = index.requests(begin)
    assert 304 in {each.status for each in requests}
    assert len([each for each in requests if each.path.endswith(".whl")]) == 1

    (programs.folder / "uv.toml").write_text(settings)
    python = programs.venv()
    uv = (Path(sys.executable).with_name("uv"), "--config-file", "uv.toml", "pip", "install")
    programs.run(*uv, SHOWN_NAME, "--python", python, UV_NO_CONFIG="0")
    assert programs.value(python, "demo_lab") == "shown"

    (programs.folder / "pyproject.toml").write_text(READER + source)
    poetry = (sys.executable, "-m", "poetry", "--no-interaction")
    programs.run(*poetry, "install", "--no-root")
    assert programs.value(programs.folder / ".venv" / "bin" / "python", "demo_lab") == "shown"

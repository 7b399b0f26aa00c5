"""What went up installs into new virtual environments with the real pip, uv and poetry."""

from __future__ import annotations

import sys
from functools import partial

import pytest

from .conftest import Programs

_POETRY = """
[project]
name = "reader"
version = "0"
requires-python = ">=3.11"
dependencies = ["{name} (>=1)"]

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "campus"
url = "{url}"
priority = "primary"
"""


@pytest.fixture(scope="module")
def name():
    return "lab-demo"


@pytest.fixture(scope="module")
def published(tmp_path_factory, index, token, name):
    """Publish a project with a dependency, two versions of it, and return the wheels' names."""
    programs = Programs(tmp_path_factory.mktemp("published"), index, token)
    base = programs.build(f"{name}-base", "2.0", text="x = 'base'")
    old = programs.build(name, "1.0", f"{name}-base>=2", text="x = 'old'")
    new = programs.build(name, "1.10", f"{name}-base>=2", text="x = 'new'")
    programs.twine(*base, *old, *new)
    return [paths[1].name for paths in (base, old, new)]


def fetched(requests):
    """Return the file names that were got, in their order."""
    return [
        each.path.rsplit("/", 1)[-1]
        for each in requests
        if each.method == "GET" and each.path.startswith("/packages/") and each.status < 300
    ]


def assert_metadata_came_first(requests, published):
    """Fail where a wheel was fetched before its metadata, or one that is not installed."""
    base, old, new = published
    names = fetched(requests)
    assert sorted(set(names)) == sorted({base, f"{base}.metadata", new, f"{new}.metadata"})
    for wheel in (base, new):
        assert names.index(f"{wheel}.metadata") < names.index(wheel)
    assert old not in names


def installed(programs, python, name):
    module = name.replace("-", "_")
    return programs.value(python, module), programs.value(python, f"{module}_base")


def test_pip(index, programs, published, name):
    begin = index.mark()
    python = programs.venv()
    programs.pip(python, name)
    assert installed(programs, python, name) == ("new", "base")
    assert_metadata_came_first(index.requests(begin), published)

    begin = index.mark()
    again = programs.venv()
    programs.pip(again, name)
    assert installed(programs, again, name) == ("new", "base")
    requests = index.requests(begin)
    assert {each.status for each in requests if each.path.startswith("/simple/")} == {304}
    assert fetched(requests) == []

    pinned = programs.venv()
    programs.pip(pinned, f"{name}==1.0")
    assert installed(programs, pinned, name) == ("old", "base")


def test_pip_without_trust_fetches_all_again(index, programs, published, name):
    for _ in range(2):
        begin = index.mark()
        programs.pip(programs.venv(), name, trusted=False)
        requests = index.requests(begin)
        assert {each.status for each in requests} == {200}
        assert_metadata_came_first(requests, published)


def test_pip_from_source(index, programs, published, name, site_packages):
    begin = index.mark()
    python = programs.venv()
    source = ("--no-binary", name, "--no-build-isolation", "--no-deps")
    programs.pip(python, *source, name, PYTHONPATH=site_packages)
    assert programs.value(python, name.replace("-", "_")) == "new"
    assert fetched(index.requests(begin)) == [published[2].replace("-py3-none-any.whl", ".tar.gz")]


def test_pip_and_yanked_releases(index, programs, published, name):
    with index.campus() as campus:
        yank = partial(campus.packages.yank, campus.operator, name, "1.10")
        yank(reason="sad on Mondays")
        try:
            python = programs.venv()
            programs.pip(python, name)
            assert installed(programs, python, name) == ("old", "base")
            pinned = programs.pip(programs.venv(), f"{name}==1.10")
            assert "sad on Mondays" in pinned.words
        finally:
            yank(reason=None)


def test_uv(index, programs, published, name):
    install = ("pip", "install", "--index-url", index.simple, name, "--python")
    begin = index.mark()
    python = programs.venv()
    programs.uv(*install, python)
    assert installed(programs, python, name) == ("new", "base")
    assert_metadata_came_first(index.requests(begin), published)

    begin = index.mark()
    again = programs.venv()
    programs.uv(*install, again, "--refresh")
    assert installed(programs, again, name) == ("new", "base")
    requests = index.requests(begin)
    assert {each.status for each in requests if each.path.startswith("/simple/")} == {304}
    assert not [name for name in fetched(requests) if name.endswith(".whl")]


def test_poetry(index, programs, published, name):
    text = _POETRY.format(name=name, url=index.simple)
    (programs.folder / "pyproject.toml").write_text(text)
    begin = index.mark()
    poetry = (sys.executable, "-m", "poetry", "--no-interaction")
    programs.run(*poetry, "install", "--no-root")
    python = programs.folder / ".venv" / "bin" / "python"
    assert installed(programs, python, name) == ("new", "base")
    names = fetched(index.requests(begin))
    assert names.index(f"{published[2]}.metadata") < names.index(published[2])
    lock = (programs.folder / "poetry.lock").read_text()
    assert published[2] in lock
    assert "sha256:" in lock

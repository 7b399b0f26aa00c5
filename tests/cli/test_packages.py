"""``campuscore packages``: what it prints and refuses, with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.index.dists import Dist, sdist, wheel

from campuscore import Settings, open_campus
from campuscore.adapters.cli.main import main


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"

    def __call__(self, *words: object, code: int = 0, given: str | None = None) -> Result:
        arguments = ["--home", str(self.home), "packages", *map(str, words)]
        found = CliRunner().invoke(main, arguments, input=given, env={"CAMPUSCORE_HOME": None})
        assert found.exit_code == code, found.output
        return found

    def rows(self, *words: object) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self(*words, "--json").stdout)
        return found

    def write(self, dist: Dist) -> Path:
        path = self.folder / dist.filename
        path.write_bytes(dist.data)
        return path


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def published(run: Shell) -> Shell:
    run("upload", *(run.write(dist) for dist in (wheel(), sdist(), wheel(version="1.1"))))
    return run


def test_upload_prints_what_was_published(run: Shell) -> None:
    files = [run.write(wheel()), run.write(sdist())]
    rows = run.rows("upload", *files)
    assert [row["filename"] for row in rows] == [path.name for path in files]
    assert rows[0]["sha256"] == wheel().sha256
    assert rows[0]["uploader"] is None
    again = run("upload", *files)
    assert [line.split()[0] for line in again.stdout.splitlines()[1:]] == [p.name for p in files]
    assert [line for line in again.stderr.splitlines() if "is there already" in line] == [
        f"{path.name}: is there already" for path in files
    ]
    with open_campus(Settings(home=str(run.home))) as campus:
        assert campus.packages.find(campus.operator, "demo-lab").owner is None


def test_upload_refuses_with_1_and_says_which_field(run: Shell) -> None:
    run("upload", run.write(wheel()))
    other = run("upload", run.write(wheel(text="other")), code=1)
    assert "File already exists" in other.stderr
    assert other.stdout == ""
    broken = run("upload", run.write(Dist("demo_lab-2.0-py3-none-any.whl", b"x")), code=1)
    assert "content: demo_lab-2.0-py3-none-any.whl cannot be read" in broken.stderr
    wrong = run("upload", run.write(Dist("notes.txt", b"x")), code=1)
    assert "content: " in wrong.stderr
    missing = run("upload", run.folder / "nothing.whl", code=2)
    assert "does not exist" in missing.stderr
    run("upload", code=2)
    assert [row["version"] for row in run.rows("show", "demo-lab")] == ["1.0"]


def test_list_and_show(published: Shell) -> None:
    published("upload", published.write(wheel("Other")))
    assert [row["name"] for row in published.rows("list")] == ["demo_lab", "Other"]
    assert published("list").stdout.splitlines()[0].split() == [
        "name", "serial", "owner", "created", "at",
    ]  # fmt: skip
    rows = published.rows("show", "Demo.Lab")
    assert [(row["version"], row["files"], row["yanked"]) for row in rows] == [
        ("1.1", 1, False),
        ("1.0", 2, False),
    ]
    assert "no" in published("show", "demo-lab").stdout
    assert "no project 'nothing'" in published("show", "nothing", code=1).stderr
    assert published("list", "--json").stderr == ""


def test_an_empty_index_is_an_empty_list(run: Shell) -> None:
    open_campus(Settings(home=str(run.home))).close()
    assert run.rows("list") == []


def test_yank_and_undo(published: Shell) -> None:
    rows = published.rows("yank", "demo-lab", "1.0", "--reason", "sad")
    assert [(row["version"], row["yanked"]) for row in rows] == [("1.1", False), ("1.0", True)]
    with open_campus(Settings(home=str(published.home))) as campus:
        page = campus.packages.page(campus.operator, "demo-lab")
    assert [file.yanked for file in page.files] == ["sad", "sad", None]
    rows = published.rows("yank", "demo-lab", "1.0", "--file", wheel().filename, "--undo")
    assert rows[1]["yanked"] is False
    assert "no release 9" in published("yank", "demo-lab", "9", code=1).stderr
    assert "reason: " in published("yank", "demo-lab", "1.0", "--reason", "a\nb", code=1).stderr
    published("yank", "demo-lab", code=2)


def test_delete_needs_a_yes(published: Shell) -> None:
    for given in (None, "y\n", ""):
        refused = published("delete", "demo-lab", "1.0", code=2, given=given)
        assert "is deleted only with --yes" in refused.stderr
    assert len(published.rows("show", "demo-lab")) == 2
    gone = published.rows("delete", "demo-lab", "1.0", "--file", sdist().filename, "--yes")
    assert [row["filename"] for row in gone] == [sdist().filename]
    assert wheel().filename in published("delete", "demo-lab", "1.0", "--yes").stdout
    assert [row["version"] for row in published.rows("show", "demo-lab")] == ["1.1"]
    again = published("upload", published.write(wheel()), code=1)
    assert "never used again" in again.stderr
    assert "no release 1.0" in published("delete", "demo-lab", "1.0", "--yes", code=1).stderr

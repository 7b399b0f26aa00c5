"""Files built on the spot go up with the real twine and the real uv."""

from __future__ import annotations

import hashlib
import json

import pytest

JSON = "application/vnd.pypi.simple.v1+json"


def listed(index, name):
    """Return the hashes of a project's files by name."""
    status, body = index.get(f"/simple/{name}/", Accept=JSON)
    if status == 404:
        return {}
    return {each["filename"]: each["hashes"]["sha256"] for each in json.loads(body)["files"]}


def digests(paths):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_twine_fresh_identical_and_different(index, programs, name):
    files = programs.build(name, "1.0")
    assert [path.suffix for path in files] == [".gz", ".whl"]
    programs.twine(*files)
    assert listed(index, name) == digests(files)
    programs.twine(*files)
    other = programs.build(name, "1.0", text="x = 2")
    refused = programs.twine(*other, code=1)
    assert "409" in refused.words
    assert "File already exists" in refused.words
    assert listed(index, name) == digests(files)


def test_twine_skips_what_exists(index, programs, name):
    files = programs.build(name, "1.0")
    programs.twine(files[0])
    begin = index.mark()
    skipped = programs.twine("--skip-existing", *programs.build(name, "1.0", text="x = 2"))
    assert f"Skipping {files[0].name}" in skipped.words
    asked = index.requests(begin)
    assert f"/pypi/{name}/json" in {request.path for request in asked}
    assert set(listed(index, name)) == {path.name for path in files}
    assert listed(index, name)[files[0].name] == digests(files)[files[0].name]
    programs.twine("--skip-existing", *files)


def test_uv_fresh_identical_and_different(index, programs, name):
    files = programs.build(name, "1.0")
    programs.uv_publish(*files)
    assert listed(index, name) == digests(files)
    programs.uv_publish(*files)
    other = programs.build(name, "1.0", text="x = 2")
    refused = programs.uv_publish(*other, code=2)
    assert "409" in refused.words
    assert "File already exists" in refused.words
    assert listed(index, name) == digests(files)


def test_uv_looks_before_it_sends(index, programs, name):
    files = programs.build(name, "1.0")
    check = ("--check-url", index.simple)
    programs.uv_publish(*check, *files)
    begin = index.mark()
    again = programs.uv_publish(*check, *files)
    assert "already exists, skipping" in again.words
    assert "POST" not in {request.method for request in index.requests(begin)}
    refused = programs.uv_publish(*check, *programs.build(name, "1.0", text="x = 2"), code=2)
    assert "Local file and index file do not match" in refused.words
    assert listed(index, name) == digests(files)


@pytest.mark.parametrize("client", ["twine", "uv_publish"])
def test_refusals_are_shown_to_people(index, programs, client, name):
    files = programs.build(name, "1.0")
    publish = getattr(programs, client)
    programs.token = index.token(f"{client}.other", "packages.upload:another-project")
    assert "403" in publish(*files, code=None).words
    programs.token = "wrong"
    assert "401" in publish(*files, code=None).words
    programs.token = index.token(f"{client}.mine", f"packages.upload:{name}")
    renamed = [path.rename(path.with_name(path.name.replace("1.0", "1.1"))) for path in files]
    refused = publish(renamed[1], code=None)
    assert "422" in refused.words
    assert listed(index, name) == {}

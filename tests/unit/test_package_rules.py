"""Names, versions, metadata and what an upload may say of its file."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.index.dists import metadata_of

from campuscore.domain.packages import (
    Digests,
    DistFile,
    DistKind,
    NewUpload,
    Project,
    ProjectPage,
    describe,
    parse_filename,
    project_key,
    releases_of,
    version_key,
)
from campuscore.errors import Invalid, Problem

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
WHEEL = "demo_lab-1.0-py3-none-any.whl"
LETTERS = st.sampled_from("abzABZ019")
NAMES = st.from_regex(r"\A[a-zA-Z0-9]([a-zA-Z0-9._-]{0,20}[a-zA-Z0-9])?\Z")
VERSIONS = st.builds(
    "{}{}{}".format,
    st.lists(st.integers(0, 20), min_size=1, max_size=3).map(lambda p: ".".join(map(str, p))),
    st.sampled_from(["", "a1", "b2", "rc3", ".post1"]),
    st.sampled_from(["", ".dev4", "+local.5"]),
)


def faults(call, *given):
    with pytest.raises(Invalid) as caught:
        call(*given)
    assert all(problem.detail for problem in caught.value.problems)
    return [problem.path for problem in caught.value.problems]


@given(name=NAMES)
def test_a_normalized_name_is_its_own_and_that_of_every_spelling(name):
    key = project_key(name)
    assert key == project_key(key) == project_key(name.upper())
    assert key == project_key(name.replace("-", "_").replace(".", "_"))
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert "--" not in key


@given(text=st.text(max_size=30))
def test_any_text_is_a_name_or_is_refused_as_one(text):
    try:
        assert project_key(project_key(text)) == project_key(text)
    except Invalid as error:
        assert [problem.path for problem in error.problems] == ["/name"]  # noqa: PT017 - or a key


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "имя", "a/b", "..", "a\n", "a" * 201])
def test_what_is_no_name_is_refused(name):
    assert faults(project_key, name) == ["/name"]


@pytest.mark.parametrize("version", ["", "x", "1.0-", "1..0", "latest", "1.0\n2"])
def test_what_is_no_version_is_refused(version):
    assert faults(version_key, version) == ["/version"]


@given(name=NAMES, version=VERSIONS)
def test_a_file_name_says_what_it_was_made_of(name, version):
    stem = f"{project_key(name).replace('-', '_')}-{version_key(version)}"
    for filename, python in (
        (f"{stem}-cp311.py3-none-any.whl", "cp311.py3"),
        (f"{stem}-1build-py2.py3-none-any.whl", "py2.py3"),
        (f"{stem}.tar.gz", "source"),
        (f"{stem}.zip", "source"),
    ):
        found = parse_filename(filename)
        assert (found.project, found.version) == (project_key(name), str(version_key(version)))
        assert found.python == python


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "demo.whl",
        "demo-1.0.whl",
        "demo-1.0-py3-none.whl",
        "demo-1.0-x-py3-none-any.whl",
        "demo-1.0.tar.bz2",
        "demo-1.0.tgz",
        "demo-1.0.exe",
        "demo-1.0.egg",
        "demo.tar.gz",
        "-1.0.tar.gz",
        "demo-x.tar.gz",
        "демо-1.0.tar.gz",
        "demo-1.0\0.tar.gz",
        "demo-1.0\n.tar.gz",
        "../demo-1.0.tar.gz",
        "a/demo-1.0-py3-none-any.whl",
        f"{'d' * 250}-1.0.tar.gz",
    ],
)
def test_what_is_no_name_of_a_distribution_is_refused(filename):
    assert set(faults(parse_filename, filename)) <= {"/content", "/name"}


@pytest.mark.parametrize("filename", ["setup.exe", "demo-1.0.egg", "demo-1.0.tar.bz2", "demo"])
def test_the_kinds_that_are_taken_are_named(filename):
    text = "is neither a wheel (.whl) nor a source distribution (.tar.gz, .zip)"
    with pytest.raises(Invalid) as refused:
        parse_filename(filename)
    assert refused.value.problems == (Problem("/content", f"{filename!r} {text}"),)


@given(text=st.text(max_size=40) | st.from_regex(r"[a-z./-]{0,9}-[0-9.]{0,5}(\.whl|\.tar\.gz)"))
def test_any_text_is_a_file_name_or_is_refused(text):
    with suppress(Invalid):
        found = parse_filename(text)
        assert found.project == project_key(found.project)
        assert "/" not in text


@pytest.mark.parametrize("kind", ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"])
def test_every_version_of_the_metadata_is_read(kind):
    lines = ("Requires-Python: >=3.9", "Import-Name: demo", "Dynamic: version")
    found = describe(metadata_of("Demo_Lab", "1.00", *lines, kind=kind))
    assert (found.project, found.version, found.requires_python) == ("demo-lab", "1.0", ">=3.9")
    assert found.fields["name"] == "Demo_Lab"


@pytest.mark.parametrize("kind", ["2.0", "2.7", "3.0", "0.9", "x", "-1"])
def test_a_version_of_the_metadata_that_nobody_knows_is_refused(kind):
    with pytest.raises(Invalid, match=f"/content: its metadata is of the unknown version {kind}"):
        describe(metadata_of(kind=kind))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no metadata_version"),
        (b"Name: demo\nVersion: 1\n", "no metadata_version"),
        (b"Metadata-Version: 2.1\nVersion: 1\n", "no name"),
        (b"Metadata-Version: 2.1\nName: demo\n", "no version"),
        (b"Metadata-Version: 2.1\nName: a\nName: b\nVersion: 1\n", "no name"),
        (b"Metadata-Version: 2.1\nName: a\nVersion: 1\nAuthor: \xff\xfe\n", "not UTF-8: byte 49"),
        (metadata_of("demo", "1", "Requires-Python: three"), "Requires-Python 'three'"),
        (metadata_of("demo", "1", "Requires-Python: >=3.x"), "Requires-Python '>=3.x'"),
    ],
)
def test_metadata_that_installers_cannot_use_is_refused(text, words):
    with pytest.raises(Invalid, match=words):
        describe(text)
    assert set(faults(describe, text)) == {"/content"}


def test_a_bad_name_or_version_in_the_metadata_is_refused_as_such():
    assert faults(describe, metadata_of("-demo-")) == ["/name"]
    assert faults(describe, metadata_of("demo", "one")) == ["/version"]


@given(text=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_metadata_or_are_refused(text):
    for full in (text, metadata_of() + text, metadata_of().rstrip() + b"\n" + text):
        with suppress(Invalid):
            describe(full)


def upload(**fields) -> NewUpload:
    return NewUpload(filename=fields.pop("filename", WHEEL), **fields)


def test_an_upload_may_leave_out_what_the_file_says():
    found = upload().check()
    assert (found.project, found.version, found.python) == ("demo-lab", "1.0", "py3")
    upload(name="Demo.Lab", version="1", kind=DistKind.WHEEL, digests={"md5": "0aF"}).check()


def test_every_field_that_contradicts_the_name_is_told_at_once():
    wrong = upload(
        name="other", version="2", kind=DistKind.SDIST, digests={"sha256": "xyz", "md5": "é"}
    )
    fields = ["/name", "/version", "/filetype", "/sha256_digest", "/md5_digest"]
    assert faults(wrong.check) == fields
    assert faults(upload(filename="demo-1.tar.gz", kind=DistKind.WHEEL).check) == ["/filetype"]


def test_unreadable_fields_are_refused_as_what_they_are():
    assert faults(upload(name="-").check) == ["/name"]
    assert faults(upload(version="one").check) == ["/version"]
    assert faults(upload(filename="x").check) == ["/content"]


def test_the_files_own_metadata_has_the_last_word():
    name = upload().check()
    for text in (metadata_of("other"), metadata_of("demo-lab", "1.1")):
        assert faults(upload().check_metadata, name, describe(text)) == ["/content"]
    found = describe(metadata_of("Demo_lab", "1", "Requires-Python: >=3.9, <4"))
    upload(requires_python=">=3.9,<4").check_metadata(name, found)
    upload().check_metadata(name, found)
    for wrong in (">=3.8", "junk"):
        fields = upload(requires_python=wrong)
        assert faults(fields.check_metadata, name, found) == ["/requires_python"]


@given(chunks=st.lists(st.binary(max_size=50), max_size=5))
def test_digests_are_watched_while_bytes_stream_by(chunks):
    data = b"".join(chunks)
    right = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "blake2_256": hashlib.blake2b(data, digest_size=32).hexdigest().upper(),
        "md5": hashlib.md5(data).hexdigest(),
    }
    assert b"".join(Digests(right).watch(chunks)) == data
    assert b"".join(Digests({}).watch(chunks)) == data
    for name in right:
        wrong = {**right, name: hashlib.sha256(data + b"x").hexdigest()}
        assert faults(lambda given=wrong: list(Digests(given).watch(chunks))) == [f"/{name}_digest"]


def page(*files: tuple[str, str | None]) -> ProjectPage:
    """Return a project with files of these versions, yanked for these reasons."""
    rows = [
        DistFile(
            number, 1, version, f"f{number}", DistKind.WHEEL, "py3", "", 10, "", "", 1,
            NOON + timedelta(hours=number), None, reason,
        )
        for number, (version, reason) in enumerate(files)
    ]  # fmt: skip
    return ProjectPage(Project(1, "demo", "Demo", None, 7, NOON), rows)


def test_versions_are_ordered_as_installers_do():
    assert page(("1.10", None), ("1.9", None), ("1.10", None), ("2a1", None)).versions == [
        "1.9",
        "1.10",
        "2a1",
    ]


@pytest.mark.parametrize(
    ("files", "latest"),
    [
        ([], None),
        ([("1", None), ("2a1", None)], "1"),
        ([("1a1", None), ("1a2", None)], "1a2"),
        ([("1", None), ("2", "bad")], "1"),
        ([("2", "bad"), ("2", None), ("1", None)], "2"),
        ([("1", "bad"), ("2", "")], "2"),
        ([("1", "bad"), ("2a1", None)], "2a1"),
    ],
)
def test_the_latest_version_is_the_one_that_installers_choose(files, latest):
    assert page(*files).latest == latest


def test_releases_sum_up_their_files_newest_first():
    found = releases_of(page(("1", ""), ("2", "bad"), ("2", None)))
    assert [(r.project, r.version, r.files, r.size, r.yanked) for r in found] == [
        ("Demo", "2", 2, 20, False),
        ("Demo", "1", 1, 10, True),
    ]
    assert found[0].uploaded_at == NOON + timedelta(hours=1)

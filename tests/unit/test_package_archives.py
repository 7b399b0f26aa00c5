"""Archives as they come in: what is read out of good ones, and what is said of bad ones."""

from __future__ import annotations

import io
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.index.dists import metadata_of, sdist, tarball, wheel, zipped

from campuscore.domain.packages import archives, describe, read_metadata
from campuscore.errors import Invalid

MIB = 1024 * 1024
WHEEL, SDIST, ZIP = "demo_lab-1.0-py3-none-any.whl", "demo_lab-1.0.tar.gz", "demo_lab-1.0.zip"
FOLDER, TOP = "demo_lab-1.0.dist-info", "demo_lab-1.0"


def read(filename: str, data: bytes) -> bytes:
    return read_metadata(filename, io.BytesIO(data), len(data))


def refused(filename: str, data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        describe(read(filename, data))
    assert {problem.path for problem in caught.value.problems} == {"/content"}
    return "; ".join(problem.detail for problem in caught.value.problems)


def test_metadata_comes_out_of_every_kind_as_it_is():
    text = metadata_of("demo_lab", body="Привет\r\n")
    assert read(WHEEL, wheel(metadata=text).data) == text
    assert read(SDIST, tarball([(f"{TOP}/setup.py", b""), (f"{TOP}/PKG-INFO", text)])) == text
    assert read(ZIP, zipped([(f"{TOP}/PKG-INFO", text)])) == text


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_every_form_of_tar_is_read(form):
    text = metadata_of()
    long = f"{TOP}/{'d' * 90}/{'f' * 90}"
    members = [(long, b"x" * 10_000), (f"{TOP}/src/demo.egg-info/PKG-INFO", b"not this")]
    assert read(SDIST, tarball([*members, (f"{TOP}/PKG-INFO", text)], form)) == text


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_compression_of_zip_is_read(method):
    text = metadata_of()
    members = [(f"{FOLDER}/{name}", text) for name in ("METADATA", "RECORD", "WHEEL")]
    assert read(WHEEL, zipped(members, method)) == text


UNSAFE = ["../evil.py", "demo_lab/../../evil.py", "/etc/evil", "demo\\..\\..\\evil", "C:\\evil"]


@pytest.mark.parametrize("name", UNSAFE)
def test_a_path_that_leads_outside_is_refused(name):
    assert "unsafe path" in refused(WHEEL, wheel(extra=[(name, b"")]).data)
    assert "unsafe path" in refused(ZIP, zipped([(name, b""), (f"{TOP}/PKG-INFO", b"")]))
    assert "unsafe path" in refused(SDIST, tarball([(name, b""), (f"{TOP}/PKG-INFO", b"")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused():
    twice = wheel(extra=[(f"{FOLDER}/METADATA", metadata_of("other"))]).data
    assert f"'{FOLDER}/METADATA' twice" in refused(WHEEL, twice)


def around(data: bytes, at: int, more: bytes) -> bytes:
    """Return an archive with more bytes in it, and a directory that knows where things are."""
    end = data.rindex(b"PK\x05\x06")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    moved = struct.pack("<L", start + len(more))
    data = data[: end + 16] + moved + data[end + 20 :]
    return data[:at] + more + data[at:]


def test_bytes_around_the_files_of_a_zip_are_refused():
    data = wheel().data
    start = data.index(b"PK\x01\x02")
    hidden = zipped([("hidden.py", b"1")]).partition(b"PK\x01\x02")[0]
    for bad in (b"x" * 400 + data, hidden + data, around(data, start, hidden), data + b"x"):
        assert "not every reader would see" in refused(WHEEL, bad)


def test_a_file_of_a_zip_has_one_name():
    data = wheel().data
    assert "under another name" in refused(WHEEL, data.replace(b"/RECORD", b"/DROCER", 1))


class Pipe(list):
    """What a zip file is written into where nobody can go back."""

    def write(self, data):
        self.append(bytes(data))
        return len(data)

    def flush(self):
        """Do nothing: it is there already."""


@pytest.mark.parametrize("target", [io.BytesIO(), Pipe()], ids=["file", "stream"])
def test_a_zip_that_was_written_as_a_stream_or_has_a_comment_is_read(target):
    with zipfile.ZipFile(target, "w") as made:
        for name in ("METADATA", "RECORD", "WHEEL", "жить"):
            with made.open(f"{FOLDER}/{name}", "w") as entry:
                entry.write(b"Metadata-Version: 2.1\n")
        made.comment = b"said of all of it"
    data = b"".join(target) if isinstance(target, Pipe) else target.getvalue()

    assert read(WHEEL, data) == b"Metadata-Version: 2.1\n"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_metadata_that_is_there_twice_in_a_source_distribution_is_refused():
    members = [(f"{TOP}/PKG-INFO", metadata_of()), ("other-1.0/PKG-INFO", metadata_of("other"))]
    assert "twice" in refused(ZIP, zipped([members[0], members[0]]))
    assert "PKG-INFO" in refused(ZIP, zipped(members))


@pytest.mark.parametrize("name", ["METADATA", "RECORD", "WHEEL"])
def test_a_wheel_has_what_installers_need(name):
    assert f"no {FOLDER}/{name}" in refused(WHEEL, wheel(change={name: None}).data)


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ([], "0 .dist-info folders"),
        ([FOLDER, "other-1.0.dist-info"], "2 .dist-info folders"),
        (["other-1.0.dist-info"], "another release's"),
        (["demo_lab-1.1.dist-info"], "another release's"),
        (["demo_lab.dist-info"], "another release's"),
        (["-.dist-info"], "another release's"),
        (["demo_lab-x.dist-info"], "another release's"),
    ],
)
def test_a_wheel_has_the_one_folder_of_its_own(folders, words):
    assert words in refused(WHEEL, zipped([(f"{folder}/METADATA", b"") for folder in folders]))


def test_a_wheel_may_write_its_folder_in_another_way():
    text = metadata_of()
    files = [(f"Demo.Lab-1.dist-info/{name}", text) for name in ("METADATA", "RECORD", "WHEEL")]
    assert read(WHEEL, zipped(files)) == text


@pytest.mark.parametrize("data", [b"", b"PK", b"\0" * 1000, b"<html>", tarball([("a", b"")])])
def test_what_is_no_zip_is_refused(data):
    assert f"{WHEEL} cannot be read" in refused(WHEEL, data)
    assert f"{ZIP} cannot be read" in refused(ZIP, data)


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"\0" * 1000, b"<html>", zipped([("a", b"")])])
def test_what_is_no_tar_is_refused(data):
    assert SDIST in refused(SDIST, data) or "no PKG-INFO" in refused(SDIST, data)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_archive_is_refused(part):
    filler = (f"{TOP}/filler", bytes(i * i % 251 for i in range(100_000)))
    whole = tarball([filler, (f"{TOP}/PKG-INFO", metadata_of())])
    assert refused(SDIST, whole[: int(len(whole) * part)])
    assert refused(WHEEL, wheel().data[: int(len(wheel().data) * part)])


def test_a_source_distribution_without_pkg_info_is_refused():
    for members in ([(f"{TOP}/setup.py", b"")], [("PKG-INFO", b"")], [(f"{TOP}/a/PKG-INFO", b"")]):
        assert "no PKG-INFO in its top folder" in refused(SDIST, tarball(members))
        assert "no PKG-INFO in its top folder" in refused(ZIP, zipped(members))


def test_what_comes_behind_the_metadata_is_looked_at_too():
    metadata = (f"{TOP}/PKG-INFO", metadata_of())
    assert "unsafe path" in refused(SDIST, tarball([metadata, ("../evil", b"")]))
    assert "twice" in refused(SDIST, tarball([metadata, metadata]))
    assert "more than one" in refused(SDIST, tarball([metadata, ("other-1.0/PKG-INFO", b"")]))


def linked(kind: bytes, target: str) -> bytes:
    info = tarfile.TarInfo(f"{TOP}/docs/link")
    info.type, info.linkname = kind, target
    last = header(f"{TOP}/PKG-INFO".encode(), tarfile.REGTYPE, 0)
    return gzipped(info.tobuf(), last, bytes(1024))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "../../../etc/passwd"),
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "../etc/passwd"),
        (tarfile.CHRTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
)
def test_a_link_to_the_outside_and_a_device_are_refused(kind, target):
    words = refused(SDIST, linked(kind, target))
    assert "unsafe path" in words or "device" in words


def test_a_link_that_stays_inside_is_none_of_our_business():
    assert read(SDIST, linked(tarfile.SYMTYPE, "../README")) == b""
    assert read(SDIST, linked(tarfile.LNKTYPE, f"{TOP}/README")) == b""


def test_an_archive_of_too_many_files_is_refused(monkeypatch):
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 3)
    members = [(f"{TOP}/{number}", b"") for number in range(4)]
    assert "more than 3 files" in refused(ZIP, zipped(members))
    assert "more than 3 files" in refused(SDIST, tarball(members))


def test_an_encrypted_metadata_is_refused():
    data = bytearray(wheel().data)
    # The flag of encryption, in the local header and in the directory of each file.
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := data.find(mark, start + 1)) >= 0:
            data[start + at] |= 1
    assert "is encrypted" in refused(WHEEL, bytes(data))


def test_metadata_that_unpacks_to_a_bomb_is_refused():
    bomb = b"\0" * (9 * MIB)
    assert "longer than" in refused(WHEEL, wheel(metadata=bomb).data)
    assert "longer than" in refused(SDIST, tarball([(f"{TOP}/PKG-INFO", bomb)]))
    assert "longer than" in refused(ZIP, zipped([(f"{TOP}/PKG-INFO", bomb)]))


def test_a_tar_that_unpacks_to_a_bomb_is_refused():
    members = [(f"{TOP}/bomb", b"\0" * (80 * MIB)), (f"{TOP}/PKG-INFO", b"")]
    assert "far more than its size" in refused(SDIST, tarball(members))
    assert "far more than its size" in refused(ZIP, zipped(members))


def header(name: bytes, kind: bytes, size: int) -> bytes:
    """Return a header of a tar file as it is on disk, whatever it says."""
    info = tarfile.TarInfo(name.decode())
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def gzipped(*parts: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*map(packer.compress, parts), packer.flush()])


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_a_header_as_long_as_a_bomb_takes_no_memory(kind):
    size = 100 * MIB
    data = gzipped(header(b"long", kind, size), *[b"\0" * MIB] * 100)
    tracemalloc.start()
    assert refused(SDIST, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 * MIB


def test_a_directory_as_long_as_a_bomb_takes_no_memory():
    size = 100 * MIB
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0)
    with io.BytesIO() as content:
        content.seek(size)
        content.write(end)
        tracemalloc.start()
        with pytest.raises(Invalid):
            read_metadata(WHEEL, content, size + len(end))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 32 * MIB


def test_headers_that_nest_without_end_are_refused():
    nested = (header(b"n", tarfile.GNUTYPE_LONGNAME, 512), b"n" * 512) * 5000
    assert refused(SDIST, gzipped(*nested))


def test_a_name_in_bad_utf_8_is_refused():
    data = wheel(extra=[("demo_lab/ЖЖ", b"")]).data
    assert refused(WHEEL, data.replace("ЖЖ".encode(), b"\xff\xfe\xff\xfe"))


def test_a_wheel_whose_file_is_damaged_is_refused():
    data = zipped(
        [(f"{FOLDER}/{name}", metadata_of()) for name in ("METADATA", "RECORD", "WHEEL")],
        zipfile.ZIP_STORED,
    )
    assert "Bad CRC-32" in refused(WHEEL, data.replace(b"Version: 1.0", b"Version: 2.0", 1))


ORIGINALS = {
    WHEEL: wheel().data,
    SDIST: sdist().data,
    ZIP: zipped([(f"{TOP}/PKG-INFO", metadata_of()), (f"{TOP}/a.py", b"x = 1")]),
}


@given(
    filename=st.sampled_from(sorted(ORIGINALS)),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    keep=st.floats(0, 1) | st.just(1.0),
)
def test_a_damaged_archive_is_read_or_refused(filename, places, keep):
    data = bytearray(ORIGINALS[filename])
    for where, value in places:
        data[int(where * (len(data) - 1))] = value
    with suppress(Invalid):
        describe(read(filename, bytes(data[: int(len(data) * keep)])))


@given(
    places=st.lists(st.tuples(st.integers(0, 1535), st.binary(max_size=8)), max_size=4),
    kind=st.sampled_from([tarfile.XHDTYPE, tarfile.GNUTYPE_SPARSE, tarfile.REGTYPE, b"K", b"L"]),
    words=st.sampled_from(
        [
            b"",
            b"30 GNU.sparse.size=-1\n",
            b"20 size=abc\n",
            b"99 path=x\n",
            b"22 GNU.sparse.map=a\n",
        ]
    ),
)
def test_a_damaged_tar_under_its_compression_is_read_or_refused(places, kind, words):
    data = bytearray(header(b"x", kind, len(words)) + words.ljust(512, b"\0"))
    data += header(f"{TOP}/PKG-INFO".encode(), tarfile.REGTYPE, 0) + bytes(1024)
    for at, value in places:
        data[at : at + len(value)] = value
    with suppress(Invalid):
        read(SDIST, gzipped(bytes(data)))

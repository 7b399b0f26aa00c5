"""Blobs in a folder survive, are shared by content, and leave nothing half done."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from campuscore.adapters.files import FileTree, open_files
from campuscore.domain.files import Blob
from campuscore.errors import NotFound, TooLarge, Unavailable
from campuscore.ports.files import BlobStore
from campuscore.testing.files import put

LIMIT = 1 << 20
HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> FileTree:
    return open_files(tmp_path / "files")


def everything(files: FileTree) -> list[str]:
    found = (path for path in files.root.rglob("*") if path.is_file())
    return sorted(path.relative_to(files.root).as_posix() for path in found)


@given(chunks=st.lists(st.binary(max_size=300), max_size=8))
def test_what_is_put_can_be_opened(
    chunks: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    files: BlobStore = open_files(tmp_path_factory.mktemp("files"))
    content = b"".join(chunks)
    blob = put(files, chunks, len(content))
    assert blob == Blob(hashlib.sha256(content).hexdigest(), len(content))
    assert b"".join(files.open(blob.sha256)) == content
    assert files.size(blob.sha256) == len(content)
    assert list(files.names()) == [blob.sha256]


def test_a_blob_lies_where_its_hash_says(files: FileTree) -> None:
    put(files, [b"hel", b"", b"lo"], LIMIT)
    assert everything(files) == [f"{HELLO[:2]}/{HELLO[2:]}"]
    assert (files.root / HELLO[:2] / HELLO[2:]).read_bytes() == b"hello"


def test_a_blob_comes_in_blocks_of_256_kib(files: FileTree) -> None:
    blob = put(files, [bytes(600 * 1024)], LIMIT)
    assert [len(block) // 1024 for block in files.open(blob.sha256)] == [256, 256, 88]


def test_an_empty_blob_has_no_blocks(files: FileTree) -> None:
    assert list(files.open(put(files, [], 0).sha256)) == []


def test_the_same_content_twice_is_the_first_file(files: FileTree) -> None:
    put(files, [b"hello"], LIMIT)
    first = (files.root / HELLO[:2] / HELLO[2:]).stat()
    put(files, [b"he", b"llo"], LIMIT)
    second = (files.root / HELLO[:2] / HELLO[2:]).stat()
    assert (second.st_ino, second.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert len(everything(files)) == 1


def test_a_file_that_lost_its_end_is_replaced(files: FileTree) -> None:
    put(files, [b"hello"], LIMIT)
    (files.root / HELLO[:2] / HELLO[2:]).write_bytes(b"hel")
    put(files, [b"hello"], LIMIT)
    assert b"".join(files.open(HELLO)) == b"hello"


def test_two_writers_of_the_same_content_agree(files: FileTree) -> None:
    def slow() -> Iterator[bytes]:
        yield b"hel"
        put(files, [b"hello"], LIMIT)
        yield b"lo"

    assert put(files, slow(), LIMIT).sha256 == HELLO
    assert everything(files) == [f"{HELLO[:2]}/{HELLO[2:]}"]


def test_too_much_leaves_nothing_and_reads_no_further(files: FileTree) -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b"xxxx"

    with pytest.raises(TooLarge):
        put(files, endless(), 10)
    assert len(taken) == 3
    assert everything(files) == []


def test_the_limit_itself_is_not_too_much(files: FileTree) -> None:
    assert put(files, [b"hello"], 5).size == 5
    with pytest.raises(TooLarge):
        put(files, [b"hello"], 4)


@pytest.mark.parametrize("error", [RuntimeError("broken"), ConnectionResetError(), SystemExit(1)])
def test_a_stream_that_breaks_leaves_nothing_and_keeps_its_error(
    files: FileTree, error: BaseException
) -> None:
    def broken() -> Iterator[bytes]:
        yield b"hello"
        raise error

    with pytest.raises(type(error)) as raised:
        put(files, broken(), LIMIT)
    assert raised.value is error
    assert everything(files) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../../etc/passwd",
        "..",
        HELLO[:-1],
        HELLO + "0",
        HELLO + "\n",
        HELLO.upper(),
        HELLO[:2] + "/" + HELLO[3:],
        "..///" + HELLO[5:],
        HELLO[:-1] + "\x00",
        HELLO[:-1] + "\u0667",
    ],
)
def test_what_is_no_hash_never_reaches_the_file_system(files: FileTree, name: str) -> None:
    put(files, [b"hello"], LIMIT)
    with pytest.raises(NotFound) as refused:
        files.open(name)
    assert refused.value.code == "blob_not_found"
    assert files.size(name) is None
    files.remove(name)
    assert list(files.names()) == [HELLO]


def test_a_missing_blob_is_told_when_it_is_opened(files: FileTree) -> None:
    with pytest.raises(NotFound) as refused:
        files.open(HELLO)
    assert refused.value.code == "blob_not_found"
    assert files.size(HELLO) is None
    files.remove(HELLO)
    assert list(files.names()) == []


def test_a_removed_blob_is_gone_and_can_come_back(files: FileTree) -> None:
    put(files, [b"hello"], LIMIT)
    files.remove(HELLO)
    assert everything(files) == []
    put(files, [b"hello"], LIMIT)
    assert files.size(HELLO) == 5


def test_an_opened_blob_can_be_read_to_its_end_while_it_is_removed(files: FileTree) -> None:
    put(files, [b"hello"], LIMIT)
    blocks = files.open(HELLO)
    files.remove(HELLO)
    assert b"".join(blocks) == b"hello"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_file_stays_open(files: FileTree) -> None:
    before = descriptors()
    blob = put(files, [bytes(300 * 1024)], LIMIT)
    unread, begun = files.open(blob.sha256), files.open(blob.sha256)
    next(begun)
    assert descriptors() == before + 2
    del unread, begun
    with pytest.raises(TooLarge):
        put(files, [b"hello"], 1)
    assert descriptors() == before


def test_names_are_blobs_and_nothing_else(files: FileTree) -> None:
    wanted = {put(files, [bytes([n])], LIMIT).sha256 for n in range(20)}
    (files.root / "ab").mkdir(exist_ok=True)
    (files.root / "ab" / "notes.txt").touch()
    (files.root / "zz").mkdir()
    (files.root / "zz" / ("0" * 62)).touch()
    (files.root / "tmp" / ("0" * 62)).touch()
    (files.root / "ff.txt").touch()
    assert set(files.names()) == wanted
    assert len(list(files.names())) == 20


def failing(monkeypatch: pytest.MonkeyPatch, name: str, after: int = 0) -> None:
    real = getattr(os, name)
    calls: list[int] = []

    def fails(*args: object, **keywords: object) -> object:
        calls.append(1)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, "disk full")
        return real(*args, **keywords)

    monkeypatch.setattr(os, name, fails)


@pytest.mark.parametrize(("name", "after"), [("write", 0), ("write", 1), ("fsync", 0), ("open", 0)])
def test_a_full_disk_is_told_and_leaves_nothing(
    files: FileTree, monkeypatch: pytest.MonkeyPatch, name: str, after: int
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, name, after)
        with pytest.raises(Unavailable) as refused:
            put(files, [b"hel", b"lo"], LIMIT)
    assert refused.value.code == "files_unavailable"
    assert isinstance(refused.value.__cause__, OSError)
    assert everything(files) == []
    assert put(files, [b"hello"], LIMIT).sha256 == HELLO


def test_a_short_write_is_continued(files: FileTree, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    put(files, [b"hello"], LIMIT)
    assert b"".join(files.open(HELLO)) == b"hello"


def test_bytes_and_folders_are_on_the_disk_before_put_returns(
    files: FileTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append(path.relative_to(files.root.resolve()).parts[0] if path != root else ".")
        fsync(descriptor)

    root = files.root.resolve()
    monkeypatch.setattr(os, "fsync", watched)
    put(files, [b"hello"], LIMIT)
    assert synced == ["tmp", ".", HELLO[:2]]
    put(files, [b"hello"], LIMIT)
    assert synced == ["tmp", ".", HELLO[:2]] * 2


def test_a_root_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "files").touch()
    files = open_files(tmp_path / "files")
    with pytest.raises(Unavailable):
        put(files, [b"hello"], LIMIT)
    with pytest.raises(Unavailable):
        files.open(HELLO)
    with pytest.raises(Unavailable):
        files.size(HELLO)


def test_what_cannot_be_read_is_told(files: FileTree) -> None:
    (files.root / HELLO[:2] / HELLO[2:]).mkdir(parents=True)
    with pytest.raises(Unavailable):
        files.open(HELLO)
    with pytest.raises(Unavailable):
        files.remove(HELLO)


CRASH = """
import os, sys
from pathlib import Path
from campuscore.adapters.files import open_files
def chunks():
    yield b"half"
    os._exit(3)
open_files(Path(sys.argv[1])).draft(chunks(), 100)
"""


def crash(files: FileTree) -> None:
    package = str(Path(sys.modules["campuscore"].__path__[0]).parent)
    ended = subprocess.run(
        [sys.executable, "-c", CRASH, str(files.root)],
        env=os.environ | {"PYTHONPATH": package},
        check=False,
    )
    assert ended.returncode == 3
    assert len(everything(files)) == 1


def test_what_a_crash_left_is_tidied_away_at_once(files: FileTree) -> None:
    crash(files)
    assert files.tidy() == 1
    assert everything(files) == []


def test_without_locks_what_a_crash_left_is_tidied_away_once_it_is_old(
    files: FileTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    crash(files)
    monkeypatch.setattr(fcntl, "flock", unsupported)
    assert files.tidy() == 0
    assert len(everything(files)) == 1
    assert evolve(files, grace=timedelta(0)).tidy() == 1
    assert everything(files) == []


def test_a_file_that_is_tidied_away_before_it_is_locked_is_made_anew(
    files: FileTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, seen = fcntl.flock, []

    def late(descriptor: int, operation: int) -> None:
        if not seen:
            seen.append(descriptor)
            for path in (files.root / "tmp").iterdir():
                path.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    assert put(files, [b"hello"], LIMIT).sha256 == HELLO
    assert everything(files) == [f"{HELLO[:2]}/{HELLO[2:]}"]


def test_a_living_writer_is_never_disturbed_however_slow(files: FileTree) -> None:
    def slow() -> Iterator[bytes]:
        yield b"hel"
        (partial,) = (files.root / "tmp").iterdir()
        os.utime(partial, (0, 0))
        assert files.tidy() == 0
        yield b"lo"

    assert b"".join(files.open(put(files, slow(), LIMIT).sha256)) == b"hello"


def test_a_file_is_locked_until_it_has_its_place(
    files: FileTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[int] = []
    replace = Path.replace

    def tidying(self: Path, target: Path) -> Path:
        tidied.append(files.tidy())
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", tidying)
    assert put(files, [b"hello"], LIMIT).sha256 == HELLO
    assert tidied == [0]


def test_there_is_nothing_to_tidy_before_the_first_put(files: FileTree) -> None:
    assert files.tidy() == 0
    assert not files.root.exists()

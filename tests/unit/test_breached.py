"""Lists of breached passwords: packed, refused where they are broken, and never missing one."""

from __future__ import annotations

import hashlib
import io
import runpy
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campuscore import NewUser, Settings, open_campus
from campuscore.adapters.passwords import open_breached, pack
from campuscore.adapters.passwords.packed import HEAD, Head, Packed, digest_of
from campuscore.adapters.passwords.packing import Packing, pack_digests
from campuscore.errors import Conflict, Invalid, Misconfigured, Unavailable

SCRIPT = Path(__file__).parents[2] / "tools/common_passwords.py"


def dump_of(*passwords: str, count: int = 3) -> bytes:
    digests = sorted(hashlib.sha1(each.encode()).hexdigest().upper() for each in passwords)
    return b"".join(f"{digest}:{count}\r\n".encode() for digest in digests)


def packed(folder: Path, dump: bytes, **how: int) -> Path:
    target = folder / "list.words"
    pack(io.BytesIO(dump), target, replace=True, **how)
    return target


class TestTheBuiltInList:
    @pytest.fixture
    def source(self) -> dict[str, Any]:
        return runpy.run_path(str(SCRIPT))

    def test_is_what_the_script_makes_of_its_source(self, source, tmp_path: Path) -> None:
        source["build"](tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == source["TARGET"].read_bytes()

    def test_misses_none_of_its_passwords(self, source) -> None:
        known, common = open_breached(), source["common"]()
        assert len(common) > 25_000
        assert [each for each in common if not known.contains(each)] == []

    def test_is_small_and_hardly_ever_wrong(self, source) -> None:
        octets = source["TARGET"].read_bytes()
        assert len(octets) < 200_000
        head = Head.read(octets)
        assert head.count / 256**head.width < 1e-7
        known = open_breached()
        assert not any(known.contains(f"not on any list {number}") for number in range(20_000))


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.text(max_size=6), max_size=60),
    others=st.lists(st.text(max_size=6), max_size=20),
    width=st.integers(4, 8),
    run=st.integers(1, 20),
)
def test_no_password_of_a_list_is_missed(
    words: list[str], others: list[str], width: int, run: int
) -> None:
    """In whatever order they come, however many times, and however few fit into memory."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "words"
        digests = [digest_of(each) for each in words]
        assert pack_digests(digests, target, width=width, run=run) == len(set(words))
        found = Packed.of(target.read_bytes())
    assert all(found.has(digest) for digest in digests)
    kept = {digest[:width] for digest in digests}
    assert [found.has(digest_of(each)) for each in others] == [
        digest_of(each)[:width] in kept for each in others
    ]


@given(
    digests=st.sets(st.binary(min_size=4, max_size=4), max_size=40),
    asked=st.binary(min_size=4, max_size=4),
)
def test_lookups_are_right_however_the_digests_lie(digests: set[bytes], asked: bytes) -> None:
    octets = Head(4, len(digests)).encode() + b"".join(sorted(digests))
    found = Packed.of(octets)
    assert all(found.has(each) for each in digests)
    assert found.has(asked) is (asked in digests)


def test_a_lookup_reads_a_few_places_even_where_digests_lie_close_together() -> None:
    class Watched(bytes):
        reads = 0

        def __getitem__(self, key):
            Watched.reads += 1
            return super().__getitem__(key)

    many = 1 << 12
    octets = Head(8, many).encode() + b"".join(n.to_bytes(8, "big") for n in range(many))
    found = Packed(Watched(octets), 8, many)
    assert found.has((many - 1).to_bytes(8, "big"))
    assert Watched.reads <= 2 * 13


def test_a_dump_is_packed_by_count(tmp_path: Path) -> None:
    dump = dump_of("rare", count=1) + dump_of("often", count=9) + b"0" * 40 + b"\n"
    target = tmp_path / "words"
    assert pack(io.BytesIO(dump), target, least=9) == Packing(lines=3, kept=2)
    known = open_breached(str(target))
    assert known.contains("often")
    assert not known.contains("rare")
    assert known.contains("password")  # the built-in list is asked as well
    assert list(tmp_path.iterdir()) == [target]


def test_progress_adds_up_to_the_size_of_the_dump(tmp_path: Path) -> None:
    said: list[int] = []
    dump = dump_of(*map(str, range(3000)))
    pack(io.BytesIO(dump), tmp_path / "words", said=said.append)
    assert sum(said) == len(dump)
    assert len(said) > 1


@pytest.mark.parametrize(
    "line", [b"hello\n", b"0" * 39 + b":1\n", b"0" * 40 + b":x\n", b"0" * 300, b"\n", b"\xff\n"]
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(Invalid) as error:
        pack(io.BytesIO(dump_of("a") + line), tmp_path / "words")
    assert [problem.path for problem in error.value.problems] == ["/2"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    target = packed(tmp_path, dump_of("one"))
    with pytest.raises(Conflict):
        pack(io.BytesIO(dump_of("two")), target)
    assert open_breached(str(target)).contains("one")
    pack(io.BytesIO(dump_of("two")), target, replace=True)
    assert not open_breached(str(target)).contains("one")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        pack(io.BytesIO(dump_of("one")), tmp_path / "nowhere" / "words")


def _sorted_lines(count: int) -> Iterator[bytes]:
    step = (1 << 160) // count
    return (b"%040X:1\n" % (number * step) for number in range(count))


class _Stream(io.RawIOBase):
    """A dump that is never in memory as a whole."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        super().__init__()
        self.lines = lines

    def readline(self, size: int | None = -1) -> bytes:  # type: ignore[override]
        return next(self.lines, b"")


def test_memory_does_not_grow_with_the_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campuscore.adapters.passwords.packing._RUN", 1 << 12)

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            done = pack(_Stream(_sorted_lines(count)), tmp_path / "words", replace=True)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert done.kept == count

    small, large = peak(10_000), peak(80_000)
    assert large < small * 1.1


GOOD = Head(8, 2).encode() + bytes(8) + b"\xff" * 8
BROKEN = {
    "empty": (b"", "is too short"),
    "cut head": (GOOD[:20], "is too short"),
    "cut": (GOOD[:-1], "has 47 bytes, and should have 48"),
    "longer": (GOOD + b"x", "has 49 bytes, and should have 48"),
    "another file": (b"PK\3\4" + bytes(60), "is no packed list"),
    "another version": (HEAD.pack(b"CCWORDS\0", 2, 8, 0), "of version 2, not of 1"),
    "narrow": (HEAD.pack(b"CCWORDS\0", 1, 3, 0), "digests of 3 bytes"),
    "wide": (HEAD.pack(b"CCWORDS\0", 1, 9, 0), "digests of 9 bytes"),
    "unsorted": (GOOD[:32] + b"\xff" * 8 + bytes(8), "is not sorted"),
    "unsorted inside": (
        Head(4, 65).encode() + b"".join(bytes([0, 0, 0, 64 - n]) for n in range(65)),
        "is not sorted",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_and_the_setting_named(tmp_path: Path, case: str) -> None:
    octets, words = BROKEN[case]
    path = tmp_path / "words"
    path.write_bytes(octets)
    with pytest.raises(Misconfigured) as error:
        open_breached(str(path))
    assert error.value.detail.startswith(f"breached_passwords: {path} ")
    assert words in error.value.detail


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    settings = Settings(database_url="memory://", breached_passwords=str(tmp_path / "nowhere"))
    with pytest.raises(Misconfigured, match=r"breached_passwords: .*nowhere: No such file"):
        open_campus(settings)


def test_a_campus_refuses_what_is_on_its_file(tmp_path: Path) -> None:
    path = packed(tmp_path, dump_of("the tram was late"))
    settings = Settings(database_url="memory://", breached_passwords=str(path))
    with open_campus(settings) as campus:
        new = NewUser(username="ada", password="the tram was late")
        with pytest.raises(Invalid, match="well-known"):
            campus.users.create(campus.operator, new)


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    assert not open_breached(str(packed(tmp_path, b""))).contains("the tram")

"""Sheets stream in constant memory, and other people's programs read in them what was written."""

from __future__ import annotations

import csv
import io
import math
import re
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from campuscore.adapters.sheets import Csv, StreamingXlsx, open_sheets
from campuscore.adapters.sheets.cells import Cells
from campuscore.ports.sheets import Cell, SheetWriter

HEAD = ("id", "name")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
EXACT = 10**15
LONGEST = 32_767


def written(
    rows: Iterable[Sequence[Cell]],
    head: Sequence[str] = HEAD,
    title: str = "Attendance",
    writer: SheetWriter | None = None,
) -> bytes:
    return b"".join((writer or StreamingXlsx()).write(title, head, rows))


def by_openpyxl(octets: bytes) -> list[list[list[object]]]:
    book = openpyxl.load_workbook(io.BytesIO(octets))
    return [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]


def by_calamine(octets: bytes) -> list[list[list[object]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(octets))
    names = book.sheet_names
    return [list(map(list, book.get_sheet_by_name(name).to_python())) for name in names]


def part(octets: bytes, name: str) -> str:
    return ZipFile(io.BytesIO(octets)).read(name).decode()


def sheet_xml(octets: bytes, number: int = 1) -> str:
    return part(octets, f"xl/worksheets/sheet{number}.xml")


def texts(octets: bytes, number: int = 1) -> list[str]:
    """Return the texts below the head as an XML parser sees them, decoded as ST_Xstring."""
    found = [node.text or "" for node in ET.fromstring(sheet_xml(octets, number)).iter(f"{MAIN}t")]
    decoded = (re.sub("_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), text) for text in found)
    return list(decoded)[len(HEAD) :]


def csv_rows(octets: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline="")))


def test_both_readers_find_the_rows_under_the_head() -> None:
    octets = written([(1, "Ann"), (2, "Жанна Ёлкина"), (3, None)])
    assert by_openpyxl(octets) == [[["id", "name"], [1, "Ann"], [2, "Жанна Ёлкина"], [3, None]]]
    assert by_calamine(octets) == [[["id", "name"], [1.0, "Ann"], [2.0, "Жанна Ёлкина"], [3.0, ""]]]


WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TAMED = st.text("Ab &<>\"'|_x0041 \n\r\t=+@é😀\ufeff\u00a0", max_size=14)
NUMBER = st.integers(1 - EXACT, EXACT - 1) | st.floats(allow_nan=False, allow_infinity=False)
ANY: st.SearchStrategy[Cell] = WORD | TAMED | NUMBER | st.none()


def legal(text: str) -> str:
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(WORD | TAMED | st.none(), ANY), max_size=6))
def test_whatever_is_written_is_read(rows: list[tuple[Cell, Cell]]) -> None:
    octets = written(rows)
    read = by_openpyxl(octets)[0][1:]
    assert texts(octets) == [legal(cell) for row in rows for cell in row if isinstance(cell, str)]
    for row, found in zip(rows, read, strict=True):
        for cell, back in zip(row, found, strict=True):
            assert isinstance(back, str) == isinstance(cell, str)
            if isinstance(cell, int | float):
                assert back == cell
            elif cell is None:
                assert back is None


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([WORD, TAMED, NUMBER, ANY]).flatmap(lambda kind: st.lists(kind, min_size=1)))
def test_a_column_of_one_kind_reads_as_its_cells_one_by_one(column: list[Cell]) -> None:
    together = written([(cell,) for cell in column], ["name"])
    apart = [by_openpyxl(written([(cell,)], ["name"]))[0][1:] for cell in column]
    assert by_openpyxl(together)[0][1:] == [row for rows in apart for row in rows]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "{=1+1}", "=HYPERLINK(1)"]


def test_text_is_never_a_formula() -> None:
    octets = written([(1, text) for text in FORMULAS])
    assert "<f" not in sheet_xml(octets)
    assert texts(octets) == FORMULAS
    sheet = openpyxl.load_workbook(io.BytesIO(octets)).worksheets[0]
    assert {sheet.cell(row, 2).data_type for row in range(2, len(FORMULAS) + 2)} <= {
        "s",
        "inlineStr",
    }


@pytest.mark.parametrize("text", ["_x0041_", "a_x000D_b", "_x_x0041_", "__x0041__"])
def test_a_text_like_an_escape_stays_itself(text: str) -> None:
    octets = written([(1, text)])
    assert texts(octets) == [text]
    assert by_calamine(octets)[0][1][1] == text


@pytest.mark.parametrize("text", [" a", "a ", "a  b", "a\nb", "a\r\nb", "\t", " "])
def test_white_space_is_preserved(text: str) -> None:
    octets = written([(1, text)])
    assert '<t xml:space="preserve">' in sheet_xml(octets).rpartition("<row>")[2]
    assert texts(octets) == [text]


@pytest.mark.parametrize("text", ["\x00", "a\x0bb", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_hold_is_replaced(text: str) -> None:
    found = texts(written([(1, text)]))
    assert found == [re.sub("[^ab]", "\ufffd", text)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * (LONGEST + 1), "x" * LONGEST),
        ("😀" * 16_384, "😀" * 16_383),
        ("&" * 40_000, "&" * LONGEST),
    ],
)
def test_a_text_is_cut_where_excel_refuses_more(text: str, kept: str) -> None:
    assert texts(written([(1, text)])) == [kept]
    assert texts(written([(1, text), (2, None)])) == [kept]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (EXACT, "1000000000000000"),
        (-EXACT, "-1000000000000000"),
        (10**400, "1" + "0" * 400),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_a_number_that_a_sheet_cannot_hold_is_text(number: float, text: str) -> None:
    assert by_openpyxl(written([(number, "a")]))[0][1][0] == text
    assert by_openpyxl(written([(1, "a"), (number, "b")]))[0][2][0] == text


@pytest.mark.parametrize("number", [0, -1, 1.5, -0.25, 1e300, 5e-324, EXACT - 1, True])
def test_other_numbers_are_numbers(number: float) -> None:
    assert by_openpyxl(written([(number, "a")]))[0][1][0] == number
    assert by_calamine(written([(number, "a")]))[0][1][0] == number


def test_rows_may_be_ragged_or_empty() -> None:
    rows = [(1,), (), (2, "b", "beyond")]
    assert by_openpyxl(written(rows))[0] == [
        ["id", "name", None],
        [1, None, None],
        [None, None, None],
        [2, "b", "beyond"],
    ]
    assert len(by_openpyxl(written([(), ()], ()))) == 1


def test_the_head_is_bold_frozen_and_filters() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(written([(1, "a"), (2, "b")]))).worksheets[0]
    assert [cell.font.bold for cell in sheet[1]] == [True, True]
    assert [bool(cell.font.bold) for cell in sheet[2]] == [False, False]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"


def test_the_filter_spans_more_columns_than_letters() -> None:
    head = [f"column {number}" for number in range(1, 704)]
    assert '<autoFilter ref="A1:AAA1"/>' in sheet_xml(written([], head))
    assert '<autoFilter ref="A1:ZZ1"/>' in sheet_xml(written([], head[:702]))


def test_columns_are_as_wide_as_what_they_show_within_bounds() -> None:
    rows = [(1, "a" * 20, "b" * 500, None)]
    octets = written(rows, ["id", "name", "long", "a rather long head"])
    sheet = openpyxl.load_workbook(io.BytesIO(octets)).worksheets[0]
    assert [sheet.column_dimensions[name].width for name in "ABCD"] == [8, 21, 60, 21]


def test_no_rows_make_a_sheet_with_a_head() -> None:
    octets = written([])
    assert by_openpyxl(octets) == [[["id", "name"]]]
    assert by_calamine(octets) == [[["id", "name"]]]


@pytest.mark.parametrize(
    ("count", "heights"),
    [(0, [1]), (1, [2]), (9, [10]), (10, [10, 2]), (18, [10, 10]), (19, [10, 10, 2])],
)
def test_a_full_sheet_is_followed_by_another_with_the_same_head(
    count: int, heights: list[int]
) -> None:
    octets = written(((n, f"name {n}") for n in range(count)), writer=StreamingXlsx(sheet_rows=10))
    sheets = by_openpyxl(octets)
    assert [len(sheet) for sheet in sheets] == heights
    assert all(sheet[0] == ["id", "name"] for sheet in sheets)
    assert [row[0] for sheet in sheets for row in sheet[1:]] == list(range(count))
    assert [len(sheet) for sheet in by_calamine(octets)] == heights
    book = openpyxl.load_workbook(io.BytesIO(octets))
    assert [sheet.auto_filter.ref for sheet in book] == [f"A1:B{height}" for height in heights]
    assert sum("tabSelected" in sheet_xml(octets, n + 1) for n in range(len(heights))) == 1


def test_a_sheet_also_ends_before_its_entry_would_need_zip64() -> None:
    octets = written(((n, "x") for n in range(1000)), writer=StreamingXlsx(sheet_bytes=20_000))
    sheets = by_openpyxl(octets)
    assert len(sheets) > 1
    assert [row[0] for sheet in sheets for row in sheet[1:]] == list(range(1000))


def test_no_part_needs_zip64_and_every_part_is_whole() -> None:
    archive = ZipFile(io.BytesIO(written([(1, "a")])))
    assert archive.testzip() is None
    assert all(entry.extract_version < 45 and not entry.extra for entry in archive.infolist())


def test_the_same_rows_make_the_same_bytes() -> None:
    assert written([(1, "a")]) == written([(1, "a")])


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Attendance", ["Attendance", "Attendance (2)"]),
        ("a/b\\c[d]:*?\x00e", ["a b c d     e", "a b c d     e (2)"]),
        ("", ["Sheet", "Sheet (2)"]),
        ("''", ["Sheet", "Sheet (2)"]),
        ("O'Neil & <Sons>", ["O'Neil & <Sons>", "O'Neil & <Sons> (2)"]),
        ('say "no"', ['say "no"', 'say "no" (2)']),
        ("x" * 40, ["x" * 31, "x" * 27 + " (2)"]),
        ("😀" * 20, ["😀" * 15, "😀" * 13 + " (2)"]),
        ("history", ["History sheet", "History sheet (2)"]),
    ],
)
def test_titles_are_such_as_excel_takes(title: str, names: list[str]) -> None:
    octets = written([(1, "a"), (2, "b")], title=title, writer=StreamingXlsx(sheet_rows=2))
    assert openpyxl.load_workbook(io.BytesIO(octets)).sheetnames == names
    assert CalamineWorkbook.from_filelike(io.BytesIO(octets)).sheet_names == names
    filters = ET.fromstring(part(octets, "xl/workbook.xml")).iter(f"{MAIN}definedName")
    quoted = [name.replace("'", "''") for name in names]
    assert [node.text for node in filters] == [f"'{name}'!$A$1:$B$2" for name in quoted]


def many(count: int) -> Iterator[tuple[Cell, ...]]:
    return ((n, f"user{n}", f"Name & {n}", n / 7, None if n % 3 else str(n)) for n in range(count))


@pytest.mark.parametrize("writer", open_sheets().values(), ids=list(open_sheets()))
def test_the_memory_does_not_grow_with_the_rows(writer: SheetWriter) -> None:
    # The rows repeat themselves, but for too long for any cache; making them costs no memory.
    made = [row[:3] for row in many(50_000)]
    rows = (made[number % len(made)] for number in range(200_000))
    early = 0
    tracemalloc.start()
    try:
        for size in map(len, writer.write("t", "abc", rows)):
            assert size < 256 * 1024
            early = early or tracemalloc.get_traced_memory()[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < early + 300_000
    assert peak < 4_000_000


def test_neither_many_cells_nor_long_ones_are_kept() -> None:
    cells = Cells()
    assert cells["&" * 300].count("&amp;") == 300
    assert not cells
    assert all(cells[number] == f"<c><v>{number}</v></c>" for number in range(10_000))
    assert 0 < len(cells) <= 4096


@pytest.mark.parametrize("writer", open_sheets().values(), ids=list(open_sheets()))
def test_bytes_come_before_the_rows_have_ended(writer: SheetWriter) -> None:
    taken: list[int] = []

    def endless() -> Iterator[tuple[Cell, ...]]:
        while True:
            taken.append(1)
            yield (len(taken), f"user {len(taken)}")

    chunks = writer.write("t", HEAD, endless())
    assert taken == []
    assert len(next(chunks)) > 60_000
    assert len(taken) < 30_000


@pytest.mark.parametrize("writer", open_sheets().values(), ids=list(open_sheets()))
def test_rows_that_break_break_the_stream(writer: SheetWriter) -> None:
    def broken() -> Iterator[tuple[Cell, ...]]:
        yield from many(1000)
        raise LookupError

    with pytest.raises(LookupError):
        list(writer.write("t", "abcde", broken()))


@pytest.mark.parametrize("writer", open_sheets().values(), ids=list(open_sheets()))
def test_a_stream_may_be_left_halfway(writer: SheetWriter) -> None:
    chunks = writer.write("t", "abcde", many(100_000))
    next(chunks)
    del chunks


@given(st.lists(st.lists(WORD | TAMED, min_size=1, max_size=4), max_size=5))
def test_csv_reads_back_with_formulas_disarmed(rows: list[list[str]]) -> None:
    octets = written(rows, writer=Csv())
    read = csv_rows(octets)
    assert read[0] == list(HEAD)
    for row, found in zip(rows, read[1:], strict=True):
        assert [text.removeprefix("'") for text in found] == [
            text.removeprefix("'") for text in row
        ]
        assert not any(
            text.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")) for text in found
        )


def test_csv_is_utf_8_with_a_mark_and_crlf() -> None:
    octets = written([(1, "Ёж"), (2, 'say "no", twice\nor more'), (3, None)], writer=Csv())
    expected = 'id,name\r\n1,Ёж\r\n2,"say ""no"", twice\nor more"\r\n3,\r\n'
    assert octets == b"\xef\xbb\xbf" + expected.encode()


@pytest.mark.parametrize(
    "text", ["=1", "+7 900", "-", "@x", "\t", "\r", "\n=1", "\uff1d1", "\uff0b", "\uff0d", "\uff20"]
)
def test_csv_text_that_would_run_gets_an_apostrophe(text: str) -> None:
    assert csv_rows(written([(text, 1)], [text, "n"], writer=Csv())) == [
        ["'" + text, "n"],
        ["'" + text, "1"],
    ]


def test_csv_numbers_stay_numbers() -> None:
    octets = written([(-1, -2.5), (10**20, 0)], writer=Csv())
    assert csv_rows(octets)[1:] == [["-1", "-2.5"], ["100000000000000000000", "0"]]


def test_csv_survives_half_a_surrogate_pair() -> None:
    assert csv_rows(written([(1, "a\ud800b")], writer=Csv()))[1] == ["1", "a?b"]


def test_the_formats_are_known_by_name() -> None:
    known = {name: (writer.suffix, writer.media_type) for name, writer in open_sheets().items()}
    assert known == {
        "xlsx": (
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        "csv": (".csv", "text/csv; charset=utf-8"),
    }

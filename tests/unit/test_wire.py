"""JSON and types: every fault with its path, every answer as its schema says."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

import pytest
from attrs import define, frozen
from hypothesis import given
from hypothesis import strategies as st

from campuscore import NewUser, UserChange
from campuscore.adapters import wire
from campuscore.adapters.wire import Malformed
from campuscore.domain.attendance import NewCheckIn
from campuscore.domain.groups import GroupChange
from campuscore.domain.unset import UNSET
from campuscore.errors import Invalid

INSTANT = datetime(2026, 3, 4, 8, 10, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@define
class Leaf:
    number: int
    colour: Colour = Colour.RED


@frozen
class Everything:
    text: str = "x"
    number: int = 1
    truth: bool = False
    instant: datetime | None = None
    day: date | None = None
    clock: time | None = None
    leaf: Leaf | None = None
    leaves: list[Leaf] = []  # noqa: RUF008 - attrs copies nothing here, and no test changes it
    words: tuple[str, ...] = ()


def faults(value: object, kind: type = Everything) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        wire.structure(value, kind)
    return {p.path: p.detail for p in error.value.problems}


class TestParsing:
    @pytest.mark.parametrize(
        ("text", "value"), [(b"1", 1), (b" [ ] ", []), (b'"\xc3\xa9"', "é"), (b"null", None)]
    )
    def test_json_is_read(self, text, value):
        assert wire.parse(text) == value

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"{",
            b"{} {}",
            b"'a'",
            b"\xff",
            b"NaN",
            b"[Infinity]",
            b"-Infinity",
            b"[" * 100_000,
            b"1" * 5000,
        ],
    )
    def test_anything_else_is_malformed(self, text):
        with pytest.raises(Malformed) as error:
            wire.parse(text)
        assert error.value.code == "malformed_json"

    @given(st.binary(max_size=50))
    def test_no_bytes_make_it_crash(self, text):
        with suppress(Malformed):
            wire.parse(text)


class TestStructuring:
    def test_everything_is_read(self):
        given_ = {
            "text": "a",
            "number": -7,
            "truth": True,
            "instant": "2026-03-04T11:10:00+03:00",
            "day": "2026-03-04",
            "clock": "09:30",
            "leaf": {"number": 1, "colour": "blue"},
            "leaves": [{"number": 2}],
            "words": ["a", "b"],
        }
        assert wire.structure(given_, Everything) == Everything(
            "a",
            -7,
            True,
            INSTANT,
            date(2026, 3, 4),
            time(9, 30),
            Leaf(1, Colour.BLUE),
            [Leaf(2)],
            ("a", "b"),
        )

    def test_an_instant_comes_in_utc(self):
        found = wire.structure({"instant": "2026-03-04T11:10:00+03:00"}, Everything).instant

        assert found is not None
        assert found.tzinfo is UTC

    @pytest.mark.parametrize(
        ("field", "values", "words"),
        [
            ("text", [1, None, True, [], {}], "must be a text"),
            ("text", ["\ud800", "a\udfffb"], "contains half of a surrogate pair"),
            ("number", ["1", 1.0, True, None, 2**63, -(2**63) - 1], "must be a whole number"),
            ("truth", [0, 1, "true", None], "must be true or false"),
            (
                "instant",
                ["", "now", "2026-03-04", "2026-03-04 08:10:00Z", 7, True, [], "20260304"],
                "must be an instant (RFC 3339), such as 2026-09-01T08:10:00Z",
            ),
            (
                "instant",
                ["2026-03-04T08:10:00"],
                "must be an instant with an offset, such as Z or +03:00",
            ),
            (
                "instant",
                ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"],
                "lies outside of the years 1 to 9999",
            ),
            (
                "day",
                ["", "20260304", "2026-3-4", "2026-02-30", "2026-W10-3", 7, "2026-03-04T00:00"],
                "must be a date, such as 2026-09-01",
            ),
            (
                "clock",
                ["", "9", "25:00", "noon", 9, True],
                "must be a local time, such as 09:30 or 09:30:00",
            ),
            ("leaf", [[], "x", 1], "must be an object"),
        ],
    )
    def test_a_value_of_the_wrong_kind_is_named(self, field, values, words):
        for value in values:
            assert faults({field: value}) == {f"/{field}": words}, value

    def test_paths_go_down_into_what_holds_others(self):
        assert faults(
            {
                "leaf": {"colour": "green"},
                "leaves": [{"number": 1}, {"number": "x", "size": 1}, 7],
                "words": ["a", 1],
                "b": 1,
                "a": 1,
            }
        ) == {
            "/leaf/number": "is missing",
            "/leaf/colour": "must be one of red, blue",
            "/leaves/1/number": "must be a whole number",
            "/leaves/1/size": "is not a known field",
            "/leaves/2": "must be an object",
            "/words/1": "must be a text",
            "/a": "is not a known field",
            "/b": "is not a known field",
        }

    @pytest.mark.parametrize("value", [None, 1, "x", [], True])
    def test_what_is_no_object_is_named_as_a_whole(self, value):
        assert faults(value) == {"": "must be an object"}

    def test_a_row_of_an_array_has_its_number(self):
        assert faults([{}, {"user": "x"}, 7], list[NewCheckIn]) == {
            "/1/user": "must be a whole number",
            "/2": "must be an object",
        }

    @pytest.mark.parametrize("value", [7, None, True, "ab", {"a": 1}, {}])
    def test_what_is_no_array_is_named(self, value):
        words = "must be an array"

        assert faults(value, list[NewCheckIn]) == {"": words}
        assert faults({"words": value, "leaves": value}) == {"/words": words, "/leaves": words}

    def test_fields_to_ignore_are_passed_over_outside_and_nowhere_else(self):
        given_ = {"text": "a", "id": 7, "url": None}

        assert wire.structure(given_, Everything, ignored={"id", "url"}) == Everything("a")
        with pytest.raises(Invalid) as error:
            wire.structure({"leaf": {"number": 1, "id": 7}}, Everything, ignored={"id"})
        assert [p.path for p in error.value.problems] == ["/leaf/id"]
        assert faults({"username": "anna", "id": 7}, NewUser) == {"/id": "is not a known field"}

    def test_paths_are_escaped_and_printable(self):
        assert set(faults({"a/b": 1, "~": 1, "\ud800": 1, "é": 1})) == {
            "/a~1b",
            "/~0",
            "/\\ud800",
            "/é",
        }

    def test_not_given_is_not_none(self):
        change = wire.structure({"parent": None}, GroupChange)

        assert (change.parent, change.name) == (None, UNSET)
        assert wire.structure({"parent": 7}, GroupChange).parent == 7
        assert faults({"parent": "x"}, GroupChange) == {"/parent": "must be a whole number"}
        assert faults({"username": None}, UserChange) == {"/username": "must be a text"}
        assert wire.structure({"password": None}, UserChange).password is None

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["text", "number", "day", "leaf", "leaves", "words", "x"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        )
    )
    def test_any_json_is_read_or_refused_with_paths(self, value):
        problems = ()
        try:
            assert isinstance(wire.structure(value, Everything), Everything)
        except Invalid as error:
            problems = error.problems or (None,)
        assert all(p.path == "" or p.path.startswith("/") for p in problems)


class TestEncoding:
    VALUE = Everything(
        "é\u2028<",
        2**53,
        True,
        INSTANT,
        date(2026, 3, 4),
        time(9, 30),
        Leaf(1, Colour.BLUE),
        [Leaf(2)],
        ("a",),
    )
    TEXT = (
        '{"text":"é\u2028<","number":9007199254740992,"truth":true,'
        '"instant":"2026-03-04T08:10:00Z","day":"2026-03-04","clock":"09:30:00",'
        '"leaf":{"number":1,"colour":"blue"},"leaves":[{"number":2,"colour":"red"}],"words":["a"]}'
    )

    @pytest.fixture(params=["msgspec", "json"])
    def encode(self, request, monkeypatch):
        if request.param == "json":
            monkeypatch.setattr(wire, "_DUMP", wire._dump)
        return wire.encode

    def test_fields_come_in_the_order_of_their_class(self, encode):
        assert encode(self.VALUE).decode() == self.TEXT
        assert encode([self.VALUE, self.VALUE]).decode() == f"[{self.TEXT},{self.TEXT}]"

    def test_lists_of_several_kinds_and_of_none(self, encode):
        assert encode([]) == b"[]"
        assert encode([Leaf(1), 7, None, "x"]) == b'[{"number":1,"colour":"red"},7,null,"x"]'
        assert encode({"a": [Leaf(1)]}) == b'{"a":[{"number":1,"colour":"red"}]}'

    def test_an_instant_of_another_zone_is_told_in_utc(self, encode):
        moved = INSTANT.astimezone(timezone(timedelta(hours=3)))

        assert json.loads(wire._dump(moved)) == "2026-03-04T08:10:00Z"
        assert json.loads(encode(INSTANT.replace(microsecond=5))) == "2026-03-04T08:10:00.000005Z"

    def test_what_has_no_json_form_is_a_programming_error(self, encode):
        with pytest.raises(TypeError):
            encode(object())

    @given(
        st.builds(
            Everything,
            text=st.text(st.characters(exclude_categories=["Cs"])),
            number=st.integers(-(2**63), 2**63 - 1),
            instant=st.none() | st.datetimes(timezones=st.just(UTC)),
            day=st.none() | st.dates(),
            clock=st.none() | st.times(),
            leaf=st.none() | st.builds(Leaf, st.integers(0, 9), st.sampled_from(Colour)),
        )
    )
    def test_what_is_written_is_read_back(self, value):
        assert wire.structure(wire.parse(wire.encode(value)), Everything) == value
        assert wire.parse(wire._dump(wire._loosen(value))) == wire.plain(value)

    def test_without_msgspec_the_standard_library_writes(self, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "msgspec", None)
        monkeypatch.setitem(sys.modules, "msgspec.json", None)

        assert wire._find_dump() is wire._dump


def test_an_array_is_told_from_the_rest():
    assert wire.is_array([])
    assert not any(map(wire.is_array, ({}, "x", None, ())))

"""What fields may hold: each rule at its edge."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campuscore import EntryChange, GroupChange, NewEntry, NewGroup, NewUser, UserChange
from campuscore.domain.access import Reach, Scope
from campuscore.domain.attendance import (
    CheckInQuery,
    DayQuery,
    NewAttachment,
    clean_address,
    clean_filename,
    login_retry,
)
from campuscore.domain.auth import Origin, Principal
from campuscore.domain.groups import GroupKind, Membership
from campuscore.domain.schedule import EntryQuery, NewRoom, NewTerm, ScheduleEntry
from campuscore.domain.unset import UNSET
from campuscore.domain.unset import given as given_or
from campuscore.domain.users import Role, User, UserQuery, username_key
from campuscore.errors import CampusError, Invalid, Misconfigured, Problem, TooMany

DAY = date(2026, 3, 4)
DAYS = st.none() | st.dates()


def faults(value) -> set[str]:
    try:
        value.check()
    except Invalid as error:
        return {p.path for p in error.problems}
    return set()


def user(**values):
    return NewUser(**{"username": "anna", **values})


def entry(**values):
    return NewEntry(**{"group": 1, "title": "Algebra", "date": DAY, **values})


def file(**values):
    return NewAttachment(**{"user": 1, "date": DAY, "filename": "a", **values})


def term(**values):
    return NewTerm(**{"name": "Spring", "first_day": DAY, "last_day": DAY, **values})


FINE = [
    user(),
    user(username="x" * 150, first_name="x" * 150, last_name="x" * 150, email="a@b"),
    user(email=f"{'x' * 252}@x", locale="ru-RU"),
    user(first_name="two words", locale="zh-Hant-TW"),
    UserChange(),
    UserChange(username="anna", first_name=""),
    NewGroup(name="x" * 200, code="x" * 64),
    GroupChange(),
    GroupChange(parent=None, code=""),
    entry(title="x" * 200),
    entry(start=time(9), end=time(9, 0, 1)),
    entry(start=time(9)),
    term(name="x" * 200, code="x" * 64),
    NewRoom(name="x", capacity=0),
    NewRoom(name="x", capacity=100_000),
    file(filename="x" * 255, content_type="x" * 127),
    file(filename="справка 1.pdf", content_type="text/plain; charset=utf-8"),
]

BAD = [
    (user(username=""), {"/username"}),
    (user(username="x" * 151), {"/username"}),
    *((user(username=f"a{ch}b"), {"/username"}) for ch in " \t\n\u00a0\u2003\x00\x7f"),
    (user(username=" a"), {"/username"}),
    (user(username="\ud800"), {"/username"}),
    *(
        (user(username=f"a{ch}b"), {"/username"})
        for ch in "\u200b\u200d\u202e\u00ad\u2028\ue000\x85"
    ),
    (user(first_name="x" * 151, last_name="\x1f"), {"/first_name", "/last_name"}),
    (user(email="x"), {"/email"}),
    (user(email="a b@c"), {"/email"}),
    (user(email=f"{'x' * 253}@x"), {"/email"}),
    *((user(locale=text), {"/locale"}) for text in ("x", "english", "en-", "e1", "en us")),
    (UserChange(username=""), {"/username"}),
    (UserChange(first_name="\x00", email="x"), {"/first_name", "/email"}),
    (NewGroup(name=" "), {"/name"}),
    (NewGroup(name="x" * 201, code="x" * 65), {"/name", "/code"}),
    (NewGroup(name="a\x00b", code="\ud800"), {"/name", "/code"}),
    (GroupChange(name=""), {"/name"}),
    (GroupChange(name="a\nb"), {"/name"}),
    (GroupChange(code="x" * 65), {"/code"}),
    (entry(title=" "), {"/title"}),
    (entry(title="x" * 201), {"/title"}),
    (entry(title="a\x00"), {"/title"}),
    (entry(end=time(9)), {"/end"}),
    (entry(start=time(9), end=time(9)), {"/end"}),
    (entry(start=time(9, tzinfo=UTC), end=time(8, tzinfo=UTC)), {"/start", "/end"}),
    (entry(start=time(9, 0, 0, 1)), {"/start"}),
    (term(last_day=date(2026, 3, 3)), {"/last_day"}),
    (term(name="", code="x" * 65), {"/name", "/code"}),
    (NewRoom(name="", capacity=-1), {"/name", "/capacity"}),
    (term(name="\ud800", code="\x7f"), {"/name", "/code"}),
    (NewRoom(name="x", capacity=100_001), {"/capacity"}),
    (NewRoom(name="\x1b[31m"), {"/name"}),
    (file(filename=""), {"/file"}),
    (file(filename="x" * 256), {"/file"}),
    (file(content_type="x" * 128), {"/file"}),
    (file(content_type="a\nb"), {"/file"}),
    *((file(content_type=text), {"/file"}) for text in ("", " ", "текст", "a/b\x7f", "\ud800")),
    *((file(filename=text), {"/file"}) for text in ("a/b", "a\\b", "a\x00", "a\nb", "\ud800")),
]


@pytest.mark.parametrize("value", FINE, ids=repr)
def test_what_is_allowed(value):
    assert faults(value) == set()


def name_of(part):
    """Name a case alike in every process, where sets have orders of their own."""
    return ascii(sorted(part) if isinstance(part, set) else part)[:60]


@pytest.mark.parametrize(("value", "paths"), BAD, ids=name_of)
def test_what_is_refused_with_the_path_of_each(value, paths):
    assert faults(value) == paths


@pytest.mark.parametrize(
    ("kind", "fields", "word", "member"),
    [
        (NewUser, {"username": "a"}, {"role": "teacher"}, Role.TEACHER),
        (UserChange, {}, {"role": "teacher"}, Role.TEACHER),
        (UserQuery, {}, {"role": "teacher"}, Role.TEACHER),
        (DayQuery, {}, {"role": "teacher"}, Role.TEACHER),
        (NewGroup, {"name": "x"}, {"kind": "lab"}, GroupKind.LAB),
        (GroupChange, {}, {"kind": "lab"}, GroupKind.LAB),
    ],
)
def test_a_word_stands_for_its_member_and_another_is_refused(kind, fields, word, member):
    (name,) = word

    assert getattr(kind(**fields, **word), name) is member
    for wrong in ("king", "", 7, object()):
        with pytest.raises(Invalid) as error:
            kind(**fields, **{name: wrong})
        assert [p.path for p in error.value.problems] == [f"/{name}"]


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other"), [("Anna", "ANNA"), ("ß", "SS"), ("é", "e\u0301"), ("ﬁ", "FI")]
    )
    def test_usernames_that_look_alike_are_one(self, one, other):
        assert username_key(one) == username_key(other)

    def test_others_are_not(self):
        assert username_key("anna") != username_key("anne")

    @pytest.mark.parametrize(
        ("first", "last", "full"),
        [("Anna", "Berg", "Berg Anna"), ("Anna", "", "Anna"), ("", "Berg", "Berg"), ("", "", "")],
    )
    def test_sheets_show_the_last_name_first(self, first, last, full):
        now = datetime(2026, 3, 4, tzinfo=UTC)

        assert User(1, "a", first, last, Role.STUDENT, "", "", True, now).full_name == full


class TestFiles:
    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("a.pdf", "a.pdf"),
            ("/tmp/a.pdf", "a.pdf"),
            ("C:\\x\\a.pdf", "a.pdf"),
            ("..", ""),
            ("a/", ""),
            ("\x00a\r\n.pdf", "a.pdf"),
            (" .a. ", "a"),
            ("\u202efdp.a", "fdp.a"),
        ],
    )
    def test_a_name_is_the_last_part_of_a_path(self, sent, kept):
        assert clean_filename(sent) == kept

    @given(st.text())
    def test_no_name_leaves_its_folder_or_breaks_a_header(self, name):
        kept = clean_filename(name)

        assert not set(kept) & {"/", "\\", "\r", "\n", "\x00"}
        assert kept not in {".", ".."}
        assert clean_filename(kept) == kept


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.7", "10.0.0.7"),
        (" 10.0.0.7 ", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("unix:", None),
        ("10.0.0.256", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_has_one_form(text, address):
    assert clean_address(text) == address


def test_a_retry_carries_all_that_the_check_in_needs():
    at = datetime(2026, 3, 4, tzinfo=UTC)
    message = login_retry(7, at, Origin("10.0.0.7", None))

    assert (message.topic, message.key) == ("attendance.login_check_in", "7")
    assert message.payload == {
        "at": "2026-03-04T00:00:00+00:00",
        "ip_address": "10.0.0.7",
        "user_agent": None,
    }


def test_a_membership_is_half_open():
    row = Membership(1, 1, 1, Role.STUDENT, date(2026, 3, 2), date(2026, 3, 4), "manual")

    assert [row.covers(date(2026, 3, day)) for day in (1, 2, 3, 4)] == [False, True, True, False]
    row.end = None
    assert row.covers(date(2999, 1, 1))


def test_a_change_keeps_what_is_not_given():
    before = ScheduleEntry(1, 2, "Algebra", DAY, time(9), time(10), 3)

    assert EntryChange().over(before) == NewEntry(
        group=2, title="Algebra", date=DAY, start=time(9), end=time(10), room=3
    )
    cleared = EntryChange(room=None, start=None, end=None, title="Logic").over(before)
    assert (cleared.room, cleared.start, cleared.end, cleared.title) == (None, None, None, "Logic")
    assert (given_or(UNSET, 7), given_or(None, 7)) == (7, None)


def test_a_scope_of_all_is_everything_and_no_other_is():
    assert Scope(Reach.ALL, 1, DAY).everything
    rest = Reach.SELF | Reach.FELLOW | Reach.TAUGHT | Reach.ASSISTED
    assert not Scope(rest, 1, DAY).everything
    assert rest.leading_roles == (Role.TEACHER, Role.ASSISTANT)
    assert Reach.ASSISTED.leading_roles == (Role.ASSISTANT,)
    assert Reach.TAUGHT.leading_roles == (Role.TEACHER,)
    assert Reach.ALL.leading_roles == ()


@pytest.mark.parametrize(
    ("scope", "within"),
    [
        ("*", True),
        ("users.*", True),
        ("users.read", True),
        ("users.write", False),
        ("user.*", False),
        ("users", False),
        ("", False),
    ],
)
def test_scopes_match_whole_words(scope, within):
    assert Principal(1, "a", Role.STUDENT, scopes=(scope,)).within("users.read") is within


class TestErrors:
    def test_each_has_a_code_of_its_own_unless_told(self):
        kinds = CampusError.__subclasses__()

        assert CampusError("x").code == "error"
        assert Misconfigured("x").code == "misconfigured"
        assert Misconfigured("x", code="y").code == "y"
        assert len({kind.default_code for kind in kinds}) >= 8

    def test_one_that_says_when_to_come_back(self):
        assert (TooMany("x").retry_after, TooMany("x", retry_after=9).retry_after) == (1, 9)

    def test_faults_are_told_in_words(self):
        error = Invalid(Problem("/a", "is bad"), Problem("", "is odd"))

        assert error.detail == "/a: is bad; body: is odd"
        assert Invalid(Problem("/a", "x"), detail="words").detail == "words"
        assert Invalid.at("/a", "x").problems == (Problem("/a", "x"),)


@pytest.mark.parametrize("kind", [CheckInQuery, DayQuery, EntryQuery])
@given(since=DAYS, until=DAYS)
def test_days_that_are_asked_for_end_no_earlier_than_they_begin(kind, since, until):
    reversed_ = since is not None and until is not None and until < since
    assert faults(kind(since=since, until=until)) == ({"/until"} if reversed_ else set())

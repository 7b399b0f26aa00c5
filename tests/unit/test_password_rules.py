"""What a password must be, and that the rule holds wherever one is set."""

from __future__ import annotations

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campuscore import NewUser, Settings
from campuscore.adapters.memory import open_breached
from campuscore.domain.passwords import LONGEST, Holder, PasswordRules
from campuscore.domain.users import Role, UserChange
from campuscore.errors import Invalid, Misconfigured

from .campuses import Clock, new_store, town_on

KNOWN = open_breached(["password", "1234567890", "iloveyou", "dragon", "correct-Horse-battery"])
RULES = PasswordRules(known=KNOWN.contains, words=("Hogwarts", "lab 7"))
ADA = Holder(Role.STUDENT, ("ada.lovelace", "countess.ada", "Ada", "King-Noël"))
STAFF = (Role.TEACHER, Role.ASSISTANT, Role.ADMIN)
GOOD = "the tram was late"


def refusal(password: str, holder: Holder = ADA, rules: PasswordRules = RULES) -> str:
    with pytest.raises(Invalid) as error:
        rules.check(password, holder, "/new")
    (problem,) = error.value.problems
    assert problem.path == "/new"
    return problem.detail


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "паровоз опять",
        "🐎🚃🌧🎻🧂🔭🪁🧶🧭🪗🥁🎺",
        "a" + GOOD * 60,
        "ada likes tea with milk",  # a name in it is no harm (NIST: the entire password)
        "my password is longer",
        "83910274615203",
    ],
)
def test_long_is_enough(password: str) -> None:
    RULES.check(password, ADA)


@pytest.mark.parametrize("role", Role)
def test_staff_needs_more(role: Role) -> None:
    least = 15 if role in STAFF else 12
    text = "qxzjvkwpfmbghyd"[:least]
    RULES.check(text, Holder(role))
    assert f"at least {least} characters" in refusal(text[:-1], Holder(role))
    assert RULES.least_for(role) == least


def test_the_larger_minimum_holds_for_staff() -> None:
    rules = PasswordRules(known=KNOWN.contains, least=20, least_staff=9)
    assert [rules.least_for(role) for role in (Role.STUDENT, Role.ADMIN)] == [20, 20]


def test_characters_are_counted_as_they_are_composed() -> None:
    eleven = unicodedata.normalize("NFD", "éàüöñçîåÿšž")
    assert len(eleven) == 22
    assert "at least 12" in refusal(eleven)
    RULES.check(eleven + "x", ADA)


def test_length_has_an_end() -> None:
    mixed = "".join(chr(0x4E00 + n) for n in range(LONGEST))
    RULES.check(mixed, ADA)
    assert "at most 1024" in refusal(mixed + "x")
    assert "surrogate" in refusal("\ud800" + GOOD)


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace",
        "ADA.Lovelace!",
        "lovelace-1815",
        "Lovelace, Ada 10.12.",
        "adaadaadaadaX"[:-1] + "lovelace",
        "countess.ada1",
        "KING-NOE\u0308L 1815",
        "".join(chr(ord(ch) + 0xFEE0) for ch in "lovelace1234"),  # full width
    ],
)
def test_it_is_more_than_names(password: str) -> None:
    assert refusal(password) == "is made of nothing but the username, a name or the e-mail address"


@pytest.mark.parametrize(
    "password", ["campuscore2027", "Hogwarts-Campus", "lab 7 hogwarts", "lab 7 lab 7 LAB 7 7"]
)
def test_it_is_more_than_words_of_the_place(password: str) -> None:
    assert "words that everybody expects here" in refusal(password)


@pytest.mark.parametrize("password", ["aaaaaaaaaaaa", "abcabcabcabca", "1234" * 4, "     " * 3])
def test_it_does_not_repeat_itself(password: str) -> None:
    assert refusal(password) == "repeats a few characters"


@pytest.mark.parametrize(
    "password",
    [
        "correct-Horse-battery",
        "PASSWORD2027",
        "!password!!!",
        "1234567890123",
        "dragonDragon",
        "iloveyouiloveyou!",
        "12dragondragon",
    ],
)
def test_it_is_not_well_known(password: str) -> None:
    assert "well-known password" in refusal(password)


def test_no_names_make_no_rule() -> None:
    RULES.check("qx jv kwpfmb", Holder(Role.STUDENT, ("", "qx", "jv", "k")))


@given(
    password=st.text(max_size=40),
    names=st.lists(st.text(max_size=12), max_size=4),
    role=st.sampled_from(Role),
)
def test_whatever_is_asked_nothing_short_passes_and_nothing_breaks(
    password: str, names: list[str], role: Role
) -> None:
    length = len(unicodedata.normalize("NFC", password))
    with suppress(Invalid):
        RULES.check(password, Holder(role, tuple(names)))
        assert length >= RULES.least_for(role)


@given(prefix=st.text("0123456789 -!", max_size=20), suffix=st.text("0123456789!._", max_size=20))
def test_signs_around_a_name_are_no_help(prefix: str, suffix: str) -> None:
    password = f"{prefix}lovelace{suffix}".ljust(12, "9")
    assert "nothing but the username" in refusal(password)


@pytest.mark.parametrize("least", [8, 15, 64])
@pytest.mark.parametrize("role", [Role.STUDENT, Role.ADMIN])
def test_what_is_made_up_keeps_the_rules(least: int, role: Role) -> None:
    rules = PasswordRules(known=KNOWN.contains, least=least, least_staff=least)
    made = {rules.invent(Holder(role)) for _ in range(20)}
    assert len(made) == 20
    for password in made:
        rules.check(password, Holder(role))
        assert len(password) >= 16


def test_made_up_ones_that_are_refused_are_thrown_away() -> None:
    asked: list[str] = []

    def known(text: str) -> bool:
        asked.append(text)
        return text == asked[0]

    assert PasswordRules(known=known).invent(Holder()) != asked[0]


class TestEverywhere:
    """The rule holds in each service that takes a password."""

    @pytest.fixture
    def town(self, tmp_path):
        clock = Clock()
        settings = Settings(password_context_words=("Hogwarts",))
        return town_on(new_store("memory", clock, tmp_path), clock, settings=settings)

    @pytest.fixture
    def users(self, town):
        return town.campus.users

    @staticmethod
    def detail(call, *args) -> tuple[str, str]:
        with pytest.raises(Invalid) as error:
            call(*args)
        (problem,) = error.value.problems
        return problem.path, problem.detail

    def test_of_new_users(self, town, users) -> None:
        for new, words in (
            (NewUser(username="ada", password="short"), "at least 12"),
            (NewUser(username="ada", role=Role.TEACHER, password="fourteen chars"), "at least 15"),
            (NewUser(username="adalovelace", password="AdaLovelace1815"), "nothing but"),
            (NewUser(username="a", email="ada.k@b.c", password="ada-ada-1815"), "nothing but"),
            (NewUser(username="a", password="hogwarts-1998"), "everybody expects"),
            (NewUser(username="a", password="password2027"), "well-known"),
        ):
            path, detail = self.detail(users.create, town.campus.operator, new)
            assert path == "/password"
            assert words in detail

    def test_of_changed_users_as_they_will_be(self, town, users) -> None:
        operator, ada = town.campus.operator, town.user("ada")
        for change, words in (
            (UserChange(password="fourteen chars", role=Role.ADMIN), "for the role admin"),
            (UserChange(password="lovelace 1815", last_name="Lovelace"), "nothing but"),
        ):
            path, detail = self.detail(users.update, operator, ada, change)
            assert path == "/password"
            assert words in detail
        users.update(operator, ada, UserChange(password="fourteen chars", last_name="Lovelace"))
        assert "at least 12" in self.detail(users.set_password, operator, ada, "short")[1]
        assert "nothing but" in self.detail(users.set_password, operator, ada, "lovelace-1815")[1]

    def test_of_ones_own(self, town) -> None:
        auth, old = town.campus.auth, "the tram was late again"
        town.user("adalovelace", Role.TEACHER, password=old)
        principal = auth.authenticate(auth.login("adalovelace", old).access)
        for new in ("fourteen chars", "AdaLovelace-1815"):
            assert self.detail(auth.change_password, principal, old, new)[0] == "/new_password"

    def test_of_the_first_administrator(self, town, users) -> None:
        assert "at least 15" in self.detail(users.ensure_administrator, "root", "fourteen chars")[1]
        made = users.ensure_administrator("root", None)
        assert made is not None
        assert town.campus.auth.login("root", made)

    def test_of_the_demonstration(self, town) -> None:
        demo, operator = town.campus.demo, town.campus.operator
        assert "at least 15" in self.detail(demo.let_in, operator, "fourteen chars")[1]


@pytest.mark.parametrize("name", ["password_length", "staff_password_length"])
def test_the_lengths_have_bounds(name: str) -> None:
    for wrong in (7, 65):
        with pytest.raises(Misconfigured, match=f"{name}: must be from 8 to 64"):
            Settings(**{name: wrong})
    assert getattr(Settings(**{name: 8}), name) == 8

"""Stored hashes are sealed; every login costs one argon2 hash, whatever is stored."""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

import pytest
from argon2 import PasswordHasher as Argon2
from argon2.exceptions import VerifyMismatchError
from hypothesis import given, settings
from hypothesis import strategies as st

from campuscore import Role
from campuscore.adapters.passwords import Argon2Hasher, SealingHasher, open_hasher
from campuscore.domain.passwords import Rewrapped, Wrapping
from campuscore.errors import Forbidden, Misconfigured, Unauthenticated
from campuscore.ports.auth import Verdict

from .campuses import town_on

FIRST, SECOND, THIRD = b"1" * 32, b"2" * 32, b"3" * 32
GOOD = "the tram was late again"
# Made by Django 5.2 of "correct horse", with 1,000 iterations.
DJANGO = "pbkdf2_sha256$1000$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso="
GREEDY = "$argon2id$v=19$m=1048577,t=1,p=1$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYQ"
LIKE = r"\$campuscore\$v=1,k=[\w-]{8},p=nfc\$[\w-]*"
ODD = "$argon2id$v=19$m=8,t=1,p=1$YQ$YQ"


def cheap(*secrets: bytes) -> SealingHasher:
    hasher = open_hasher(secrets[0], secrets[1:], memory_kib=8, rounds=1)
    assert isinstance(hasher, SealingHasher)
    return hasher


class Counting(Argon2):
    """The argon2 library, noting what it really computed: the parameters of each hash."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.computed: list[str] = []

    def hash(self, password: str | bytes, **more: Any) -> str:
        made = super().hash(password, **more)
        self.computed.append(made.split("$")[3])
        return made

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
        try:
            fits = super().verify(hash, password)
        except VerifyMismatchError:
            self.computed.append(str(hash).split("$")[3])
            raise
        self.computed.append(str(hash).split("$")[3])
        return fits


def counted(hasher: SealingHasher) -> list[str]:
    """Put the counting library into its place, and return what it notes."""
    library = hasher.argon2._argon2 = Counting(1, 8, 1, 32, 16)
    return library.computed


@pytest.fixture
def town(store, clock):
    return town_on(store, clock, hasher=cheap(SECOND, FIRST))


def put(town, user: int, stored: str) -> None:
    with town.store.write() as work:
        work.credentials.set(user, stored, town.clock())
        work.commit()


def stored_of(town, user: int) -> str:
    with town.store.read() as work:
        return work.credentials.find_of(user).password_hash


PATHS = {
    "wrong": lambda: cheap(SECOND).hash("another one"),
    "right but empty": lambda: cheap(SECOND).hash(GOOD),
    "over-long": lambda: cheap(SECOND).hash(GOOD),
    "no password": str,
    "unreadable": lambda: "!",
    "unreadable parameters": lambda: ODD,
    "greedy": lambda: GREEDY,
    "unwrapped": lambda: cheap(SECOND).argon2.hash("another one"),
    "old key": lambda: cheap(FIRST).hash("another one"),
    "unknown key": lambda: cheap(THIRD).hash(GOOD),
    "damaged": lambda: cheap(SECOND).hash(GOOD)[:-1],
    "unreadable inside": lambda: cheap(SECOND)._seal("!", "nfc"),
    "greedy inside": lambda: cheap(SECOND)._seal(GREEDY, "raw"),
    "Django": lambda: DJANGO,
    "Django inside": lambda: cheap(SECOND)._seal(DJANGO, "raw"),
}
TYPED = {"right but empty": "", "over-long": GOOD + "x" * 5000}


class TestOneHash:
    @pytest.mark.parametrize("path", PATHS)
    def test_of_a_refused_login(self, town, path) -> None:
        put(town, town.user("anna"), PATHS[path]())
        computed = counted(town.hasher)
        with pytest.raises(Unauthenticated) as error:
            town.campus.auth.login("anna", TYPED.get(path, GOOD))
        assert error.value.code == "wrong_credentials"
        assert computed == ["m=8,t=1,p=1"]

    @pytest.mark.parametrize("password", ["", GOOD, "x" * 5000])
    def test_of_nobody_and_of_somebody_who_was_shut_out(self, town, password) -> None:
        anna = town.user("anna", password=GOOD)
        town.campus.users.deactivate(town.campus.operator, anna)
        for name in ("nobody", "anna"):
            computed = counted(town.hasher)
            with pytest.raises(Unauthenticated):
                town.campus.auth.login(name, password)
            assert computed == ["m=8,t=1,p=1"]

    def test_of_a_login(self, town) -> None:
        town.user("anna", password=GOOD)
        computed = counted(town.hasher)
        town.campus.auth.login("anna", GOOD)
        assert computed == ["m=8,t=1,p=1"]

    @pytest.mark.parametrize("kind", ["unwrapped", "old key"])
    def test_and_one_more_where_a_hash_is_renewed(self, town, kind) -> None:
        first = cheap(FIRST)
        old = first.hash(GOOD) if kind == "old key" else first.argon2.hash(GOOD)
        anna = town.user("anna")
        put(town, anna, old)
        computed = counted(town.hasher)
        town.campus.auth.login("anna", GOOD)
        assert len(computed) == 2
        assert town.hasher.wrapping(stored_of(town, anna)) is Wrapping.CURRENT
        town.campus.auth.login("anna", GOOD)
        assert len(computed) == 3

    def test_a_wrong_password_for_a_weaker_hash_costs_one_of_today_as_well(self) -> None:
        hasher = cheap(FIRST)
        weak = Argon2Hasher(memory_kib=16, rounds=2).hash(GOOD)
        computed = counted(hasher)
        assert not hasher.verify("another", weak).fits
        assert computed == ["m=16,t=2,p=1", "m=8,t=1,p=1"]


class TestEnvelopes:
    def test_show_nothing_of_hash_or_key(self) -> None:
        stored = cheap(FIRST).hash(GOOD)
        assert stored.startswith("$campuscore$v=1,k=")
        assert "argon2" not in stored
        assert stored.split("k=")[1][:8] != cheap(SECOND).hash(GOOD).split("k=")[1][:8]
        assert stored.split("k=")[1][:8] == cheap(FIRST).hash("x").split("k=")[1][:8]

    def test_of_one_hash_differ(self) -> None:
        hasher = cheap(FIRST)
        assert hasher._seal("one", "nfc") != hasher._seal("one", "nfc")

    @settings(max_examples=60)
    @given(data=st.data())
    def test_do_not_open_when_a_character_of_them_was_changed(self, data: st.DataObject) -> None:
        hasher = cheap(FIRST)
        stored = hasher.hash(GOOD)
        at = data.draw(st.integers(0, len(stored) - 2))  # the last one may have bits to spare
        other = data.draw(st.sampled_from("Aa9_-$=n ").filter(lambda ch: ch != stored[at]))
        changed = stored[:at] + other + stored[at + 1 :]
        assert not hasher.verify(GOOD, changed).fits

    def test_are_bound_to_what_their_head_says(self) -> None:
        hasher = cheap(FIRST)
        stored = hasher.hash(GOOD)
        assert hasher.wrapping(stored.replace("p=nfc", "p=raw")) is Wrapping.DAMAGED

    @given(
        text=st.text()
        | st.from_regex(r"\$campuscore\$v=1,k=[\w-]{8},p=nfc\$[\w-]*", fullmatch=True)
    )
    @settings(max_examples=60)
    def test_made_up_ones_fit_nothing_and_break_nothing(self, text: str) -> None:
        hasher = cheap(FIRST)
        assert not hasher.verify(GOOD, text).fits
        assert hasher.wrapping(text) is not Wrapping.CURRENT

    def test_hold_hashes_of_before_and_keep_how_those_were_made(self) -> None:
        hasher = cheap(FIRST)
        decomposed = unicodedata.normalize("NFD", "späte Züge")
        for raw in ("spate Zuge", decomposed, "\ud800"):
            sealed = hasher.rewrap(hasher.argon2.hash(raw))
            assert hasher.wrapping(sealed) is Wrapping.CURRENT
            # One that could have been typed otherwise is hashed anew, composed, at the next login.
            assert hasher.verify(raw, sealed) == Verdict(True, stale=not raw.isascii())
            assert cheap(SECOND, FIRST).rewrap(sealed).partition(",p=")[2].startswith("raw$")
        assert not hasher.verify("späte Züge", hasher.rewrap(hasher.argon2.hash(decomposed))).fits
        assert hasher.verify("correct horse", hasher.rewrap(DJANGO)) == Verdict(True, stale=True)

    def test_of_weaker_hashes_are_stale(self) -> None:
        hasher = cheap(FIRST)
        weak = hasher._seal(Argon2Hasher(memory_kib=16, rounds=1).hash(GOOD), "nfc")
        assert hasher.verify(GOOD, weak) == Verdict(True, stale=True)

    def test_an_unknown_key_is_told_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        stored = cheap(THIRD).hash(GOOD)
        with caplog.at_level(logging.ERROR, "campuscore.passwords"):
            assert not cheap(SECOND, FIRST).verify(GOOD, stored).fits
            assert not cheap(THIRD).verify(GOOD, stored[:-1]).fits
        foreign, damaged = caplog.messages
        assert foreign.startswith("SECRET_KEY does not fit a stored password")
        assert stored.split("k=")[1][:8] in foreign
        assert "damaged" in damaged
        assert GOOD not in caplog.text

    @pytest.mark.parametrize("secrets", [(b"x" * 31,), (FIRST, b"x" * 31)])
    def test_short_keys_are_refused(self, secrets: tuple[bytes, ...]) -> None:
        with pytest.raises(Misconfigured) as error:
            cheap(*secrets)
        assert error.value.code == "secret_key_too_short"

    def test_repr_shows_no_secret(self) -> None:
        hasher = cheap(FIRST)
        hasher.hash("x")
        assert "1111" not in repr(hasher)


class TestRewrapping:
    def test_seals_all_hashes_in_steps_and_leaves_what_does_not_open(
        self, town, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("campuscore.services.users._HASHES", 2)
        texts = [
            cheap(SECOND).hash(GOOD),
            cheap(FIRST).hash(GOOD),
            cheap(SECOND).argon2.hash(GOOD),
            DJANGO,
            cheap(THIRD).hash(GOOD),
            cheap(SECOND).hash(GOOD)[:-2],
            "",
        ]
        users = [town.user(f"u{number}") for number in range(len(texts))]
        for user, text in zip(users, texts, strict=True):
            put(town, user, text)
        kept = town.campus.auth.login("u0", GOOD)
        rewrap = town.campus.users.rewrap_passwords
        assert rewrap(town.campus.operator) == Rewrapped(sealed=3, kept=2, foreign=2)
        assert rewrap(town.campus.operator) == Rewrapped(sealed=0, kept=5, foreign=2)
        after = [stored_of(town, user) for user in users]
        same = [old == new for old, new in zip(texts, after, strict=True)]
        assert same == [True, False, False, False, True, True, True]
        without_old = cheap(SECOND)
        assert [without_old.verify(GOOD, text).fits for text in after[:3]] == [True] * 3
        assert without_old.verify("correct horse", after[3]).fits
        assert town.campus.auth.authenticate(kept.access)
        assert town.topics().count("passwords.sealed") == 2

    def test_of_nothing_is_nothing(self, town) -> None:
        assert town.campus.users.rewrap_passwords(town.campus.operator) == Rewrapped()

    def test_is_for_administrators(self, town) -> None:
        town.user("tea", Role.TEACHER, password=GOOD)
        auth = town.campus.auth
        teacher = auth.authenticate(auth.login("tea", GOOD).access)
        with pytest.raises(Forbidden):
            town.campus.users.rewrap_passwords(teacher)


def test_the_doctor_says_whether_secret_key_fits(town) -> None:
    def found():
        findings = town.campus.operations.examine(town.campus.operator)
        (finding,) = [each for each in findings if each.check == "passwords"]
        return finding.level.value, finding.detail, finding.advice

    anna, bert, *_ = [town.user(name, password=GOOD) for name in ("anna", "bert", "cleo")]
    town.user("nobody")
    assert found() == ("ok", "3 are sealed under SECRET_KEY", "")
    put(town, bert, cheap(FIRST).hash(GOOD))
    level, detail, advice = found()
    assert (level, advice) == ("warning", "run campuscore passwords rewrap")
    assert detail.startswith("1 stored passwords are not sealed")
    put(town, anna, cheap(THIRD).hash(GOOD))
    level, detail, advice = found()
    assert (level, detail.split(":")[0]) == (
        "failure",
        "SECRET_KEY does not fit 1 stored passwords",
    )
    assert "old_secret_keys" in advice

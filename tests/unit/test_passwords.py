"""Passwords are hashed by argon2id, at a bounded number at one time, and sealed."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher as Argon2
from argon2 import extract_parameters
from argon2.exceptions import HashingError, VerificationError
from argon2.low_level import Type, hash_secret
from hypothesis import given, settings
from hypothesis import strategies as st

from campuscore.adapters.passwords import Argon2Hasher, SealingHasher, open_hasher
from campuscore.errors import Busy
from campuscore.ports.auth import Verdict

CHEAP = Argon2Hasher(memory_kib=8, rounds=1)
MISFIT = Verdict(fits=False)


def test_the_defaults_are_argon2id_with_19_mib_two_passes_and_one_lane() -> None:
    hasher = open_hasher(b"k" * 32)
    assert isinstance(hasher, SealingHasher)
    stored = hasher.argon2.hash("correct horse")
    found = extract_parameters(stored)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (found.salt_len, found.hash_len) == (16, 32)


@settings(max_examples=25)
@given(password=st.text(st.characters(), max_size=60), other=st.text(max_size=60))
def test_only_the_password_itself_fits(password: str, other: str) -> None:
    stored = CHEAP.hash(password)
    assert CHEAP.verify(password, stored) == Verdict(fits=True)
    assert CHEAP.verify(other, stored).fits is (other == password)


def test_half_a_surrogate_pair_is_a_password_like_any_other() -> None:
    assert CHEAP.verify("\ud800", CHEAP.hash("\ud800")).fits
    assert CHEAP.verify("\ud800", CHEAP.hash("x")) == MISFIT


def test_the_same_password_is_stored_differently_each_time() -> None:
    assert CHEAP.hash("same") != CHEAP.hash("same")


@pytest.mark.parametrize(
    "other",
    [
        Argon2Hasher(memory_kib=16, rounds=1),
        Argon2Hasher(memory_kib=8, rounds=2),
        Argon2Hasher(memory_kib=16, rounds=1, lanes=2),
    ],
)
def test_a_hash_of_other_parameters_fits_and_is_stale(other: Argon2Hasher) -> None:
    assert CHEAP.verify("secret", other.hash("secret")) == Verdict(fits=True, stale=True)
    assert CHEAP.verify("wrong", other.hash("secret")) == MISFIT


@pytest.mark.parametrize(("salt", "length"), [(b"8bytes!!", 32), (b"sixteen bytes ok", 16)])
def test_a_hash_with_a_shorter_salt_or_digest_is_stale(salt: bytes, length: int) -> None:
    stored = hash_secret(b"secret", salt, 1, 8, 1, length, Type.ID).decode()
    assert CHEAP.verify("secret", stored) == Verdict(fits=True, stale=True)


WEIRD = [
    "",
    "!",
    "plain text",
    "\x00",
    "pbkdf2_sha256$1000$salt$abc",
    "$argon2id$",
    "$argon2id$v=19$m=8,t=1,p=1$",
    "$argon2id$v=19$m=8,t=1,p=1$YQ$YQ",
    "$argon2id$v=19$m=8,t=0,p=1$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYQ",
    "$argon2id$v=19$m=9999999,t=1,p=1$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYQ",
    "$argon2id$v=19$m=8,t=1,p=1$ЖЖ$ЖЖ",
    CHEAP.hash("secret").replace("argon2id", "argon2i"),
    CHEAP.hash("secret") + "\n",
    CHEAP.hash("secret")[:-1],
    "$" * 10_000,
    "pbkdf2_sha256$5000001$salt$" + "A" * 43 + "=",
    "pbkdf2_sha256$0$salt$" + "A" * 43 + "=",
    "pbkdf2_sha256$9$s\u0430lt$" + "A" * 43 + "=",
    "pbkdf2_sha1$9$salt$" + "A" * 43 + "=",
]


@pytest.mark.parametrize("stored", WEIRD, ids=[f"weird{i}" for i in range(len(WEIRD))])
def test_what_cannot_be_read_fits_nothing(stored: str) -> None:
    assert CHEAP.verify("secret", stored) == MISFIT
    assert CHEAP.verify("", stored) == MISFIT


@given(stored=st.text() | st.text("$argon2id=v19m,tp+/A", max_size=60))
@settings(max_examples=50)
def test_no_stored_text_makes_it_raise(stored: str) -> None:
    assert CHEAP.verify("secret", stored) == MISFIT


GREEDY = "$argon2id$v=19$m=1048577,t=1,p=1$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYQ"


@pytest.mark.parametrize(
    "stored", ["", WEIRD[4], WEIRD[7], GREEDY], ids=["empty", "weird4", "weird7", "greedy"]
)
def test_an_unreadable_hash_costs_one_whole_verification(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[str] = []
    verify = Argon2.verify

    def counted(self: Argon2, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        try:
            return verify(self, hash, password)
        except VerificationError as error:
            outcomes.append(type(error).__name__ + str(hash)[:30])
            raise

    monkeypatch.setattr(Argon2, "verify", counted)
    assert CHEAP.verify("secret", stored) == MISFIT
    assert outcomes[-1].startswith("VerifyMismatchError$argon2id$v=19$m=8,t=1,p=1$")
    assert sum("Mismatch" in outcome for outcome in outcomes) == 1
    assert not any("m=1048577" in outcome for outcome in outcomes)


# Made by Django 5.2: make_password("correct horse", salt="seasalt", hasher of 1,000 iterations).
DJANGO = "pbkdf2_sha256$1000$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso="


def test_a_hash_that_django_made_fits_its_password_and_is_stale() -> None:
    assert CHEAP.verify("correct horse", DJANGO) == Verdict(fits=True, stale=True)
    assert CHEAP.verify("Correct horse", DJANGO) == MISFIT
    assert CHEAP.verify("", DJANGO) == MISFIT


def test_a_wrong_password_for_it_costs_an_argon2_hash_as_the_right_one_will(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[str] = []
    verify = Argon2.verify

    def counted(self: Argon2, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        checked.append(str(hash))
        return verify(self, hash, password)

    monkeypatch.setattr(Argon2, "verify", counted)
    assert CHEAP.verify("correct horse", DJANGO).fits
    assert checked == []
    assert CHEAP.verify("wrong", DJANGO) == MISFIT
    assert len(checked) == 1


def test_whoever_finds_no_slot_in_time_is_turned_away() -> None:
    hasher = Argon2Hasher(memory_kib=8, rounds=1, slots=1, patience=0)
    stored = hasher.hash("secret")
    with hasher.gate:
        with pytest.raises(Busy) as refused:
            hasher.hash("secret")
        with pytest.raises(Busy):
            hasher.verify("secret", stored)
        with pytest.raises(Busy):
            hasher.verify("secret", "")
    assert refused.value.retry_after == 1
    assert hasher.verify("secret", stored).fits


def test_a_machine_without_memory_is_busy_and_no_password_is_called_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def starved(*_: object) -> str:
        raise HashingError("Memory allocation error")

    def starved_too(*_: object) -> bool:
        raise VerificationError("Memory allocation error")

    stored = CHEAP.hash("secret")
    monkeypatch.setattr(Argon2, "hash", starved)
    monkeypatch.setattr(Argon2, "verify", starved_too)
    with pytest.raises(Busy):
        CHEAP.hash("secret")
    with pytest.raises(Busy):
        CHEAP.verify("secret", stored)


def test_whoever_waits_gets_the_slot_that_becomes_free() -> None:
    hasher = Argon2Hasher(memory_kib=8, rounds=1, slots=1, patience=60)
    hasher.gate.acquire()
    stored: list[str] = []
    waiting = threading.Thread(target=lambda: stored.append(hasher.hash("secret")))
    waiting.start()
    hasher.gate.release()
    waiting.join()
    assert hasher.verify("secret", stored[0]).fits


def test_every_slot_is_given_back_whatever_happens() -> None:
    hasher = Argon2Hasher(memory_kib=8, rounds=1, slots=2, patience=0)
    for stored in ["", "weird", hasher.hash("x")]:
        hasher.verify("y", stored)
    assert [hasher.gate.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_hashes_are_made_in_as_many_threads_as_there_are_slots(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    makers: set[int] = set()
    verify = Argon2.verify

    def seen(self: Argon2, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        makers.add(threading.get_ident())
        return verify(self, hash, password)

    hasher = Argon2Hasher(memory_kib=8, rounds=1, slots=2)
    stored = hasher.hash("secret")
    monkeypatch.setattr(Argon2, "verify", seen)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: hasher.verify("secret", stored).fits, range(80)))
    assert 1 <= len(makers) <= 2
    assert threading.get_ident() not in makers


def test_a_fork_has_slots_and_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Argon2Hasher(memory_kib=8, rounds=1, slots=1, patience=0)
    stored = hasher.hash("secret")
    hasher.gate.acquire()
    hasher._threads.shutdown()
    monkeypatch.setattr(os, "getpid", lambda: 0)
    assert hasher.verify("secret", stored).fits


def test_there_must_be_a_slot() -> None:
    with pytest.raises(ValueError, match="slots"):
        Argon2Hasher(slots=0)


def test_the_factory_passes_its_parameters_on() -> None:
    hasher = open_hasher(b"k" * 32, slots=3, patience=0.5, memory_kib=8, rounds=1)
    assert isinstance(hasher, SealingHasher)
    argon2 = hasher.argon2
    assert (argon2.slots, argon2.patience, argon2.memory_kib, argon2.rounds) == (3, 0.5, 8, 1)

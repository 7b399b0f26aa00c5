"""The contracts of the password hasher, and of the list of known passwords."""

from __future__ import annotations

import unicodedata

import pytest

from campuscore.domain.passwords import LONGEST, LONGEST_TYPED, Wrapping
from campuscore.errors import Misconfigured
from campuscore.ports.auth import PasswordHasher, Verdict
from campuscore.ports.passwords import BreachedPasswords
from campuscore.testing.contract import Contract

__all__ = ["BreachedPasswordsContract", "PasswordHasherContract"]

_COMPOSED = "é" * LONGEST


class PasswordHasherContract(Contract):
    """What ``PasswordHasher`` promises.

    The fixture ``hasher`` is a PasswordHasher, ``later`` one with another SECRET_KEY that knows the
    first as an old one, and ``stranger`` one with another that knows no old ones.
    """

    @pytest.mark.parametrize("password", ["correct horse", "пароль 😀", "x" * LONGEST, "nul\0byte"])
    def test_a_password_fits_its_hash(self, hasher: PasswordHasher, password: str) -> None:
        stored = hasher.hash(password)
        assert password not in stored
        assert hasher.verify(password, stored) == Verdict(fits=True, stale=False)
        assert not hasher.verify(f"{password}x", stored).fits
        assert not hasher.verify(password[:-1], stored).fits

    def test_hashes_are_salted(self, hasher: PasswordHasher) -> None:
        assert hasher.hash("correct horse") != hasher.hash("correct horse")

    def test_a_password_fits_however_it_is_composed(self, hasher: PasswordHasher) -> None:
        decomposed = unicodedata.normalize("NFD", _COMPOSED)
        assert hasher.verify(decomposed, hasher.hash(_COMPOSED)) == Verdict(fits=True)
        assert hasher.verify(_COMPOSED, hasher.hash(decomposed)) == Verdict(fits=True)

    def test_nothing_is_cut(self, hasher: PasswordHasher) -> None:
        stored = hasher.hash(_COMPOSED)
        decomposed = unicodedata.normalize("NFD", _COMPOSED)
        assert not hasher.verify(decomposed + "x", stored).fits
        assert not hasher.verify(decomposed + "x" * LONGEST_TYPED, stored).fits

    @pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$" * 100, "é\0", "a" * 5000])
    def test_an_unreadable_hash_fits_none(self, hasher: PasswordHasher, stored: str) -> None:
        assert not hasher.verify("correct horse", stored).fits
        assert not hasher.verify("", stored).fits

    def test_a_changed_hash_does_not_fit(self, hasher: PasswordHasher) -> None:
        stored = hasher.hash("correct horse")
        last = "A" if stored[-5] != "A" else "B"
        changed = f"{stored[:-5]}{last}{stored[-4:]}"
        assert not hasher.verify("correct horse", changed).fits
        assert not hasher.verify("correct horse", stored[:-1]).fits
        assert hasher.wrapping(changed) is Wrapping.DAMAGED
        with pytest.raises(Misconfigured):
            hasher.rewrap(changed)

    def test_an_old_key_opens_until_the_hash_is_sealed_anew(
        self, hasher: PasswordHasher, later: PasswordHasher, stranger: PasswordHasher
    ) -> None:
        stored = hasher.hash("correct horse")
        assert (hasher.wrapping(stored), hasher.rewrap(stored)) == (Wrapping.CURRENT, stored)
        assert later.wrapping(stored) is Wrapping.OLDER
        assert later.verify("correct horse", stored) == Verdict(fits=True, stale=True)
        sealed = later.rewrap(stored)
        assert later.wrapping(sealed) is Wrapping.CURRENT
        assert later.verify("correct horse", sealed) == Verdict(fits=True)
        assert not later.verify("Correct horse", sealed).fits
        for each in (hasher, stranger):
            assert each.wrapping(sealed) is Wrapping.FOREIGN
            assert not each.verify("correct horse", sealed).fits
            with pytest.raises(Misconfigured):
                each.rewrap(sealed)


class BreachedPasswordsContract(Contract):
    """What ``BreachedPasswords`` promises.

    The fixture ``breached`` has ``password``, ``Passwort``, ``пароль😀`` and U+D800, half of a
    surrogate pair, and no others.
    """

    def test_what_is_on_the_list_is_found(self, breached: BreachedPasswords) -> None:
        for password in ("password", "Passwort", "пароль😀", "\ud800"):
            assert breached.contains(password)

    def test_what_is_not_is_not(self, breached: BreachedPasswords) -> None:
        others = ["", "Password", "passwort", "password ", "\udfff", "x" * 5000, "pass", "0"]
        assert [each for each in others if breached.contains(each)] == []

"""The contract of the password hasher."""

from __future__ import annotations

import pytest

from campuscore.domain.passwords import LONGEST
from campuscore.ports.auth import PasswordHasher, Verdict
from campuscore.testing.contract import Contract

__all__ = ["PasswordHasherContract"]


class PasswordHasherContract(Contract):
    """What ``PasswordHasher`` promises. The fixture ``hasher`` is a PasswordHasher."""

    @pytest.mark.parametrize("password", ["correct horse", "пароль 😀", "x" * LONGEST, "nul\0byte"])
    def test_a_password_fits_its_hash(self, hasher: PasswordHasher, password: str) -> None:
        stored = hasher.hash(password)
        assert password not in stored
        assert hasher.verify(password, stored) == Verdict(fits=True, stale=False)
        assert not hasher.verify(f"{password}x", stored).fits
        assert not hasher.verify(password[:-1], stored).fits

    def test_hashes_are_salted(self, hasher: PasswordHasher) -> None:
        assert hasher.hash("correct horse") != hasher.hash("correct horse")

    @pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$" * 100, "é\0", "a" * 5000])
    def test_an_unreadable_hash_fits_none(self, hasher: PasswordHasher, stored: str) -> None:
        assert not hasher.verify("correct horse", stored).fits
        assert not hasher.verify("", stored).fits

    def test_a_changed_hash_does_not_fit(self, hasher: PasswordHasher) -> None:
        stored = hasher.hash("correct horse")
        last = "A" if stored[-5] != "A" else "B"
        assert not hasher.verify("correct horse", f"{stored[:-5]}{last}{stored[-4:]}").fits
        assert not hasher.verify("correct horse", stored[:-1]).fits

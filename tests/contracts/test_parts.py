"""The adapters beside the stores fulfil their contracts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campuscore.adapters import memory
from campuscore.adapters.files import open_files
from campuscore.adapters.passwords import PackedPasswords, open_hasher
from campuscore.adapters.passwords.packed import Packed, digest_of
from campuscore.adapters.passwords.packing import pack_digests
from campuscore.adapters.sheets import open_sheets
from campuscore.adapters.tokens import open_access_tokens
from campuscore.domain.keys import Algorithm
from campuscore.testing import (
    AccessTokensContract,
    BlobStoreContract,
    BreachedPasswordsContract,
    PasswordHasherContract,
    SheetWriterContract,
)
from campuscore.testing.tokens import hold_keys


class TestFiles(BlobStoreContract):
    concurrent_writers = True

    @pytest.fixture
    def blobs(self, tmp_path):
        return open_files(tmp_path / "files")


def cheap(*secrets):
    return open_hasher(secrets[0], secrets[1:], memory_kib=64, rounds=1)


class TestArgon2(PasswordHasherContract):
    @pytest.fixture
    def hasher(self):
        return cheap(b"k" * 32)

    @pytest.fixture
    def later(self):
        return cheap(b"n" * 32, b"k" * 32)

    @pytest.fixture
    def stranger(self):
        return cheap(b"s" * 32)


BREACHED = ["password", "Passwort", "пароль😀", "\ud800"]


class TestPackedPasswords(BreachedPasswordsContract):
    @pytest.fixture(params=[4, 8])
    def breached(self, request, tmp_path):
        packed = tmp_path / "words"
        pack_digests(map(digest_of, BREACHED), packed, width=request.param)
        return PackedPasswords((Packed.of(packed.read_bytes()),))


class TestMemoryPasswords(BreachedPasswordsContract):
    @pytest.fixture
    def breached(self):
        return memory.open_breached(BREACHED)


class TestSignedTokens(AccessTokensContract):
    @pytest.fixture(params=Algorithm)
    def algorithm(self, request):
        return request.param

    @pytest.fixture
    def access(self, algorithm):
        return hold_keys(open_access_tokens(b"k" * 32, "test", timedelta(hours=1)), algorithm)

    @pytest.fixture
    def stranger(self, algorithm):
        return hold_keys(open_access_tokens(b"k" * 32, "test", timedelta(hours=1)), algorithm)


class TestXlsx(SheetWriterContract):
    @pytest.fixture
    def writer(self):
        return open_sheets()["xlsx"]


class TestCsv(SheetWriterContract):
    @pytest.fixture
    def writer(self):
        return open_sheets()["csv"]

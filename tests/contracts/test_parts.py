"""The adapters beside the stores fulfil their contracts."""

from __future__ import annotations

import pytest

from campuscore.adapters.files import open_files
from campuscore.adapters.passwords import open_hasher
from campuscore.adapters.sheets import open_sheets
from campuscore.adapters.tokens import open_access_tokens
from campuscore.testing import (
    AccessTokensContract,
    BlobStoreContract,
    PasswordHasherContract,
    SheetWriterContract,
)


class TestFiles(BlobStoreContract):
    concurrent_writers = True

    @pytest.fixture
    def blobs(self, tmp_path):
        return open_files(tmp_path / "files")


class TestArgon2(PasswordHasherContract):
    @pytest.fixture
    def hasher(self):
        return open_hasher(memory_kib=64, rounds=1)


class TestSignedTokens(AccessTokensContract):
    @pytest.fixture
    def access(self):
        return open_access_tokens(b"0123456789abcdef" * 2, "campuscore")

    @pytest.fixture
    def stranger(self):
        return open_access_tokens(b"fedcba9876543210" * 2, "campuscore")


class TestXlsx(SheetWriterContract):
    @pytest.fixture
    def writer(self):
        return open_sheets()["xlsx"]


class TestCsv(SheetWriterContract):
    @pytest.fixture
    def writer(self):
        return open_sheets()["csv"]

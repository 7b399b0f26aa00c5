"""The adapters beside the stores fulfil their contracts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campuscore.adapters.files import open_files
from campuscore.adapters.passwords import open_hasher
from campuscore.adapters.sheets import open_sheets
from campuscore.adapters.tokens import open_access_tokens
from campuscore.domain.keys import Algorithm
from campuscore.testing import (
    AccessTokensContract,
    BlobStoreContract,
    PasswordHasherContract,
    SheetWriterContract,
)
from campuscore.testing.tokens import hold_keys


class TestFiles(BlobStoreContract):
    concurrent_writers = True

    @pytest.fixture
    def blobs(self, tmp_path):
        return open_files(tmp_path / "files")


class TestArgon2(PasswordHasherContract):
    @pytest.fixture
    def hasher(self):
        return open_hasher(b"k" * 32, memory_kib=64, rounds=1)


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

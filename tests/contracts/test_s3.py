"""The object store fulfils the contract of blobs, on a real server."""

from __future__ import annotations

import pytest

from campuscore import Settings
from campuscore.adapters.s3 import blobs_of
from campuscore.testing import BlobStoreContract


class TestS3(BlobStoreContract):
    concurrent_writers = True
    addresses = True

    @pytest.fixture
    def blobs(self, fresh_s3):
        return blobs_of(Settings.from_env(fresh_s3() | {"CAMPUSCORE_S3_REDIRECTS": "yes"}))

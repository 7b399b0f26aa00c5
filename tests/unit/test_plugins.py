"""Adapters are found by the scheme of a URL: ours first, then those of other packages."""

from __future__ import annotations

import sys

import pytest

from campuscore import Settings, open_campus
from campuscore.adapters.files import FileTree
from campuscore.adapters.memory import MemoryBlobs
from campuscore.adapters.s3 import S3Blobs
from campuscore.errors import Misconfigured
from campuscore.plugins import find_blobs, find_store

PACKAGE = """
from campuscore.adapters.memory import open_blobs, open_store

def store_of(settings, now):
    return open_store(now)

class Theirs:
    def __init__(self, settings):
        self.url = settings.blob_url
"""
ENTRY_POINTS = """
[campuscore.stores]
theirs = their_stores:store_of

[campuscore.blobs]
theirs = their_stores:Theirs
s3 = their_stores:Theirs
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package that offers stores."""
    (tmp_path / "their_stores.py").write_text(PACKAGE)
    info = tmp_path / "their_stores-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-stores\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("their_stores", None)


@pytest.mark.parametrize(
    ("url", "kind"), [("", FileTree), ("memory://", MemoryBlobs), ("s3://bucket/a", S3Blobs)]
)
def test_our_own_stores_of_files(installed, tmp_path, url, kind):
    assert isinstance(find_blobs(url)(Settings(home=str(tmp_path), blob_url=url)), kind)


def test_a_package_may_offer_stores(installed):
    settings = Settings(database_url="theirs://db", blob_url="theirs://files")
    with open_campus(settings) as campus:
        assert campus.attendance.blobs.url == "theirs://files"


def test_an_unknown_scheme_is_told_with_those_that_are_known():
    with pytest.raises(
        Misconfigured, match=r"blob_url: no adapter knows 'ftp'; built in are memory, s3$"
    ):
        find_blobs("ftp://x")
    with pytest.raises(Misconfigured, match="database_url: no adapter knows 'theirs'"):
        find_store("theirs://x")


def test_files_lie_in_memory_beside_records_in_memory_unless_it_is_said(tmp_path):
    with open_campus(Settings(database_url="memory://", home=str(tmp_path))) as campus:
        assert isinstance(campus.attendance.blobs, MemoryBlobs)
    with open_campus(Settings(home=str(tmp_path))) as campus:
        assert campus.attendance.blobs == FileTree(tmp_path / "files")
    settings = Settings(database_url="memory://", blob_url="s3://bucket", home=str(tmp_path))
    with open_campus(settings) as campus:
        assert isinstance(campus.attendance.blobs, S3Blobs)

"""The adapter does what the port promises, is found by its URL, and is smaller than its files."""

from __future__ import annotations

from datetime import date

import pytest
from campuscore_zlite import ZliteBlobs, blobs_of

from campuscore import NewAttachment, NewUser, Settings, errors, open_campus
from campuscore.testing import BlobStoreContract


class TestContract(BlobStoreContract):
    concurrent_writers = True

    @pytest.fixture
    def blobs(self, tmp_path):
        return ZliteBlobs(tmp_path / "files.db")


def test_a_campus_finds_it_by_its_url(tmp_path):
    text = b"was at the dentist " * 100_000
    settings = Settings(home=str(tmp_path), blob_url="zlite:///files/blobs.db")
    with open_campus(settings) as campus:
        who = campus.operator
        bob = campus.users.create(who, NewUser(username="bob"))
        new = NewAttachment(user=bob.id, date=date(2026, 9, 1), filename="note.txt")
        row = campus.attendance.attach_file(who, new, [text])
        assert b"".join(campus.attendance.open_file(who, row.id)[1]) == text
    database = tmp_path / "files" / "blobs.db"
    assert database.stat().st_size < len(text) / 10


def test_an_empty_path_is_refused():
    with pytest.raises(errors.Misconfigured, match="zlite:///PATH"):
        blobs_of(Settings(blob_url="zlite://"))


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    path = tmp_path / "files.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(errors.Unavailable, match=r"files\.db"):
        ZliteBlobs(path)

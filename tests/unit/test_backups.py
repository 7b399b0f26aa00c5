"""Backups: whole or not there, verified before they change anything."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import stat
import subprocess
import sys
import tarfile
from contextlib import closing, contextmanager
from datetime import date

import pytest

import campuscore
from campuscore import NewAttachment, NewUser, Role, Settings, open_campus, upkeep
from campuscore.adapters.backups import open_backups
from campuscore.adapters.files import FileTree
from campuscore.domain.days import utc_now
from campuscore.domain.operations import BACKUP_FORMAT, Level
from campuscore.errors import Conflict, Invalid, NotFound, Unavailable
from campuscore.plugins import find_store

TEXTS = (b"one", b"two" * 100_000, b"")


@pytest.fixture
def settings(tmp_path):
    return Settings(home=str(tmp_path / "home"))


@pytest.fixture
def campus(settings):
    with open_campus(settings) as campus:
        campus.users.create(campus.operator, NewUser(username="root", role=Role.ADMIN))
        for text in TEXTS:
            attach(campus, text)
        yield campus


@pytest.fixture
def archive(campus, settings, tmp_path):
    upkeep.back_up(settings, tmp_path / "b.tar")
    campus.close()
    return tmp_path / "b.tar"


@pytest.fixture
def elsewhere(tmp_path):
    return Settings(home=str(tmp_path / "elsewhere"))


def attach(campus, data):
    new = NewAttachment(user=1, date=date(2026, 3, 4), filename="a.txt")
    return campus.attendance.attach_file(campus.operator, new, [data])


def rows(settings):
    """Return every row of a database, by table."""
    with closing(sqlite3.connect(settings.database_file)) as raw:
        names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {name: sorted(map(repr, raw.execute(f"SELECT * FROM {name}"))) for name in names}


def files(settings):
    root = settings.folder
    found = [path for path in root.rglob("*") if path.is_file()]
    kept = [path for path in found if path.name not in {"campus.db-wal", "campus.db-shm"}]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}


@contextmanager
def unchanged(settings):
    before = files(settings)
    yield
    assert files(settings) == before


def without_log(found):
    return {name: data for name, data in found.items() if name != "campus.db"}


@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz", "b.tgz"])
def test_what_was_backed_up_comes_back(campus, settings, elsewhere, tmp_path, name):
    target = tmp_path / name
    told = campus.operations.back_up(campus.operator, target)
    before = rows(settings)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert (target.read_bytes()[:2] == b"\x1f\x8b") == (name != "b.tar")
    assert told.version == campuscore.__version__
    assert told.counts["users"] == 1
    assert told.audit == str(campus.audit.head(campus.operator)).replace("0:", "", 1)
    assert told.counts == {k: len(v) for k, v in before.items() if k in told.counts}
    assert upkeep.restore(elsewhere, target) == told
    assert rows(elsewhere) == before
    assert without_log(files(elsewhere)) == without_log(files(settings))
    assert list(tmp_path.glob(".*")) == []
    with open_campus(elsewhere) as restored:
        assert restored.users.find_named(restored.operator, "root").id == 1


def test_an_archive_is_a_plain_tar_with_a_manifest_first(archive):
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile(names[0]))
        hashes = {
            name: hashlib.sha256(tar.extractfile(name).read()).hexdigest() for name in names[1:]
        }

    assert names[:3] == ["manifest.json", "campus.db", "secret.key"]
    assert (manifest["format"], len(names)) == (BACKUP_FORMAT, 3 + len(TEXTS))
    assert {name: member["sha256"] for name, member in manifest["members"].items()} == hashes


def test_a_file_that_is_there_is_replaced_when_that_is_said(campus, settings, tmp_path):
    target = tmp_path / "b.tar"
    target.write_text("precious")

    with pytest.raises(Conflict, match="is there already"):
        upkeep.back_up(settings, target)
    assert target.read_text() == "precious"
    upkeep.back_up(settings, target, replace=True)
    assert tarfile.is_tarfile(target)


def test_an_older_schema_is_backed_up_as_it_is_and_migrated_when_restored(
    settings, elsewhere, tmp_path, monkeypatch
):
    keeper = find_store(settings.database)(settings, utc_now).keeper
    with monkeypatch.context() as patch:
        patch.setattr(keeper._script, "get_current_head", lambda: "0001")
        keeper.upgrade()
    keeper.close()
    told = upkeep.back_up(settings, tmp_path / "b.tar")

    assert told.revision == "0001"
    assert "dist_files" not in told.counts
    upkeep.restore(elsewhere, tmp_path / "b.tar")
    assert "dist_files" in rows(elsewhere)
    assert rows(settings)["alembic_version"] == ["('0001',)"]


def test_a_newer_schema_is_refused(archive, settings, elsewhere, tmp_path):
    with closing(sqlite3.connect(settings.database_file, isolation_level=None)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = tmp_path / "newer.tar"
    upkeep.back_up(settings, newer)

    with pytest.raises(Conflict) as error:
        upkeep.restore(elsewhere, newer)
    assert error.value.code == "schema_newer"
    assert files(elsewhere) == {}
    with pytest.raises(Conflict):
        open_campus(settings)


def test_a_campus_is_replaced_only_when_that_is_said(archive, settings, tmp_path):
    other = Settings(home=str(tmp_path / "other"))
    with open_campus(other) as campus:
        campus.users.create(campus.operator, NewUser(username="other"))
        gone = attach(campus, b"of the other campus").sha256
        attach(campus, TEXTS[0])

    with unchanged(other), pytest.raises(Conflict) as error:
        upkeep.restore(other, archive)
    assert error.value.code == "home_not_empty"
    upkeep.restore(other, archive, replace=True)
    assert rows(other) == rows(settings)
    assert without_log(files(other)) == without_log(files(settings))
    assert FileTree(other.folder / "files").size(gone) is None


def test_a_campus_in_use_is_not_replaced(archive, settings, tmp_path):
    with open_campus(settings) as campus:
        campus.users.list(campus.operator)
        before = files(settings)
        with pytest.raises(Conflict) as error:
            upkeep.restore(settings, archive, replace=True)
        assert error.value.code == "database_in_use"
        assert without_log(files(settings)) == without_log(before)
        campus.users.create(campus.operator, NewUser(username="later"))


def test_damaged_files_and_a_damaged_database_are_repaired(archive, settings):
    sound = without_log(files(settings))
    before = rows(settings)
    for path in (settings.folder / "files").rglob("*"):
        if path.is_file():
            path.write_bytes(b"x" * path.stat().st_size)
    settings.database_file.write_bytes(b"no database " * 1000)

    upkeep.restore(settings, archive, replace=True)

    assert without_log(files(settings)) == sound
    assert rows(settings) == before


def rewritten(archive, change):
    """Write the archive again with changed members, and return it."""
    with tarfile.open(archive) as tar:
        members = [(info, tar.extractfile(info).read()) for info in tar]
    target = archive.with_name("changed.tar")
    with tarfile.open(target, "w") as tar:
        for info, data in change(members):
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return target


def flip(index):
    def change(members):
        info, data = members[index]
        members[index] = (info, bytes([data[0] ^ 1]) + data[1:])
        return members

    return change


def named(name, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "campus.db"
    return info


def manifested(**changed):
    def change(members):
        info, data = members[0]
        said = {**json.loads(data), **changed}
        return [(info, json.dumps(said).encode()), *members[1:]]

    return change


CHANGES = {
    "a damaged database": flip(1),
    "a damaged secret": flip(2),
    "a damaged file": flip(4),
    "a damaged manifest": flip(0),
    "a missing file": lambda members: members[:-1],
    "a file twice": lambda members: [*members, members[-1]],
    "another file": lambda members: [*members, (named("../../evil"), b"")],
    "a link": lambda members: [*members, (named("secret.key", tarfile.SYMTYPE), b"")],
    "no manifest": lambda members: members[1:],
    "nothing": lambda members: [],
    "another form": manifested(format=99),
    "no members": manifested(members={}),
    "a name that leads away": manifested(members={"../x": {"size": 0, "sha256": "0" * 64}}),
    "members of another kind": manifested(members=[1]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_archive_that_is_not_whole_changes_nothing(archive, settings, elsewhere, what):
    changed = rewritten(archive, CHANGES[what])

    with pytest.raises(Invalid) as error:
        upkeep.restore(elsewhere, changed)
    assert error.value.code == "backup_invalid"
    assert not elsewhere.folder.exists()
    with unchanged(settings), pytest.raises(Invalid):
        upkeep.restore(settings, changed, replace=True)


@pytest.mark.parametrize("cut", [0, 100, 700, -1024, -12_000])
@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz"])
def test_an_archive_that_breaks_off_changes_nothing(
    campus, settings, elsewhere, tmp_path, name, cut
):
    target = tmp_path / name
    upkeep.back_up(settings, target)
    size = target.stat().st_size
    # What is behind the last member is padding, without which it is as whole.
    end = cut if cut >= 0 else size + cut
    if name == "b.tar" and cut == -1024:
        end = size - 12_000
    target.write_bytes(target.read_bytes()[:end])

    with pytest.raises(Invalid):
        upkeep.restore(elsewhere, target)
    assert not elsewhere.folder.exists()


def test_a_disk_that_fills_up_leaves_nothing_behind(archive, settings, elsewhere, monkeypatch):
    keep = FileTree.draft
    calls = []

    def draft(self, chunks, limit):
        calls.append(limit)
        if len(calls) == len(TEXTS):
            raise Unavailable("The disk is full.")
        return keep(self, chunks, limit)

    monkeypatch.setattr(FileTree, "draft", draft)
    with pytest.raises(Unavailable):
        upkeep.restore(elsewhere, archive)
    assert files(elsewhere) == {}

    attachment = next((settings.folder / "files").glob("??/*"))
    attachment.unlink()
    calls[:] = [0] * (len(TEXTS) - 1)
    with unchanged(settings), pytest.raises(Unavailable):
        upkeep.restore(settings, archive, replace=True)


def test_a_blob_that_vanishes_is_looked_for_in_a_newer_copy(campus, settings, elsewhere, tmp_path):
    """It is freed after the database was copied, and before it was read."""
    keeper, blobs = campus.operations.keeper, campus.operations.blobs
    (first, *_) = campus.attendance.files(campus.operator, 1, date(2026, 3, 4))

    class Late:
        def __init__(self):
            self.opened = 0

        def size(self, name):
            return blobs.size(name)

        def open(self, name):
            self.opened += 1
            if self.opened == 1:
                with closing(sqlite3.connect(settings.database_file)) as raw, raw:
                    raw.execute("DELETE FROM attachments WHERE id = ?", (first.id,))
                blobs.remove(first.sha256)
            return blobs.open(first.sha256 if self.opened == 1 else name)

    target, late = tmp_path / "b.tar", Late()
    told = open_backups(settings.folder).write(keeper, late, target)

    assert late.opened > 1
    assert told.counts["attachments"] == len(TEXTS) - 1
    upkeep.restore(elsewhere, target)
    assert rows(elsewhere)["attachments"] == rows(settings)["attachments"]


def test_a_blob_that_is_missing_or_damaged_is_told_and_no_archive_left(campus, settings, tmp_path):
    path = next(p for p in (settings.folder / "files").glob("??/*") if p.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(Unavailable) as error:
        upkeep.back_up(settings, tmp_path / "b.tar")
    assert error.value.code == "blob_damaged"

    path.unlink()
    with pytest.raises(Unavailable) as error:
        upkeep.back_up(settings, tmp_path / "b.tar")
    assert error.value.code == "blob_missing"
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_what_cannot_be_backed_up_or_restored_is_told(archive, elsewhere, tmp_path):
    memory = Settings(database_url="memory://")
    for call in (
        lambda: upkeep.back_up(memory, tmp_path / "m.tar"),
        lambda: upkeep.restore(memory, archive),
    ):
        with pytest.raises(Unavailable) as error:
            call()
        assert error.value.code == "backup_unsupported"
    with pytest.raises(NotFound):
        upkeep.back_up(elsewhere, tmp_path / "m.tar")
    with pytest.raises(Unavailable, match="No such file"):
        upkeep.restore(elsewhere, tmp_path / "nothing.tar")
    with open_campus("memory://") as campus, pytest.raises(Unavailable):
        campus.operations.back_up(campus.operator, tmp_path / "m.tar")


def test_a_target_that_cannot_be_written_is_told(campus, settings, tmp_path):
    with pytest.raises(Unavailable, match="No such file"):
        upkeep.back_up(settings, tmp_path / "nowhere" / "b.tar")


def test_a_secret_from_the_environment_is_not_in_the_backup(campus, settings, elsewhere, tmp_path):
    (settings.folder / "secret.key").unlink()
    told = upkeep.back_up(settings, tmp_path / "b.tar")

    assert "secret.key" not in told.members
    upkeep.restore(elsewhere, tmp_path / "b.tar")
    assert "secret.key" not in files(elsewhere)


KILLED = """
import os, sys
from pathlib import Path
from campuscore import Settings, upkeep
from campuscore.adapters.sql.sqlite import copying
{patch}
upkeep.restore(Settings(home=sys.argv[1]), Path(sys.argv[2]), replace=True)
"""
MOMENTS = {
    "before the database takes its place": "copying.install_database = lambda *_: os._exit(9)",
    "between two files": (
        "from campuscore.adapters.files import FileDraft\n"
        "keep = FileDraft.keep\n"
        "FileDraft.keep = lambda self: (keep(self), os._exit(9))"
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_restore_that_is_killed_leaves_the_old_campus(archive, tmp_path, moment):
    other = Settings(home=str(tmp_path / "other"))
    with open_campus(other) as campus:
        campus.users.create(campus.operator, NewUser(username="other", role=Role.ADMIN))
        attach(campus, b"of the other campus")
    before = rows(other)
    program = KILLED.format(patch=MOMENTS[moment])

    done = subprocess.run([sys.executable, "-c", program, other.home, str(archive)], check=False)

    assert done.returncode == 9
    assert rows(other) == before
    bad = [f for f in upkeep.examine(other, deep=True) if f.level is Level.FAILURE]
    assert bad == []
    upkeep.restore(other, archive, replace=True)
    assert rows(other) != before
    assert list(other.folder.glob(".*")) == []
    assert len(list((other.folder / "files").glob("??/*"))) == len(TEXTS)

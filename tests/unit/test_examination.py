"""Examinations: each thing that can be wrong is found, named, and told what helps."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from campuscore import NewAttachment, NewUser, Role, Settings, open_campus, upkeep
from campuscore.adapters import host as hosts
from campuscore.adapters.sql.sqlite import checkup
from campuscore.domain.auth import Origin
from campuscore.domain.events import MAX_ATTEMPTS, NewMessage
from campuscore.domain.operations import Level
from campuscore.errors import Forbidden, Unavailable
from campuscore.settings import Secret

from .campuses import NOW

OK, WARNING, FAILURE = Level.OK, Level.WARNING, Level.FAILURE


def levels(findings):
    return {finding.check: finding.level for finding in findings}


def examine(town, *, deep=False):
    return town.campus.operations.examine(town.campus.operator, deep=deep)


def attach(town, data, user=1):
    new = NewAttachment(user=user, date=NOW.date(), filename="a.txt")
    return town.campus.attendance.attach_file(town.campus.operator, new, [data])


def test_a_campus_in_order(town):
    town.user("root", Role.ADMIN)
    attach(town, b"whole")

    for deep in (False, True):
        findings = examine(town, deep=deep)
        # The databases of these tests are not flushed.
        bad = [f for f in findings if f.level is not OK and f.check != "durability"]
        assert bad == []
        assert {"database", "files", "uploads", "outbox", "administrator"} <= set(levels(findings))


def test_examining_is_for_administrators(town):
    teacher = town.principal(town.user("anna", Role.TEACHER))

    with pytest.raises(Forbidden):
        town.campus.operations.examine(teacher)
    with pytest.raises(Forbidden):
        town.campus.operations.back_up(teacher, Path("x.tar"))


def test_an_administrator_must_be_active(town):
    assert levels(examine(town))["administrator"] is FAILURE
    root = town.user("root", Role.ADMIN)
    assert levels(examine(town))["administrator"] is OK
    town.user("anna", Role.TEACHER)
    with town.store.write() as work:  # the service itself refuses this
        user = work.users.find(root)
        work.users.save(evolve(user, active=False))
        work.commit()
    assert levels(examine(town))["administrator"] is FAILURE


def test_missing_and_damaged_files(town):
    town.user("root", Role.ADMIN)
    kept, gone = attach(town, b"kept"), attach(town, b"gone")
    assert levels(examine(town, deep=True))["files"] is OK
    blobs = town.campus.operations.blobs
    blobs._blobs[kept.sha256] = b"kepT"

    assert levels(examine(town))["files"] is OK
    found = {f.check: f for f in examine(town, deep=True)}["files"]
    assert (found.level, found.detail) == (FAILURE, "of 2 files 0 are missing and 1 damaged")
    blobs.remove(gone.sha256)
    found = {f.check: f for f in examine(town)}["files"]
    assert (found.level, found.detail) == (FAILURE, "of 2 files 1 are missing and 0 damaged")


def test_names_of_blobs_are_listed_in_order_and_once(town):
    town.user("root", Role.ADMIN)
    names = sorted({attach(town, text).sha256 for text in (b"a", b"b", b"c", b"a")})

    with town.store.read() as work:
        assert work.claims.named("", 10) == names
        assert work.claims.named("", 2) == names[:2]
        assert work.claims.named(names[0], 10) == names[1:]
        assert work.claims.named(names[2], 10) == []


def test_a_sample_goes_around(town, monkeypatch):
    town.user("root", Role.ADMIN)
    names = sorted(attach(town, text).sha256 for text in (b"a", b"b", b"c", b"d"))
    monkeypatch.setattr("campuscore.services.examination._SAMPLE", 3)

    for start, expected in (
        ("", names[:3]),
        (names[0], names[1:]),
        (names[2], [names[3], *names[:2]]),
        ("f" * 64, names[:3]),
    ):
        monkeypatch.setattr("secrets.token_hex", lambda size, start=start: start)
        assert town.campus.operations.examination._some_names() == expected
    found = {f.check: f for f in examine(town)}["files"]
    assert found.detail.startswith("3 files are there (a sample")
    found = {f.check: f for f in examine(town, deep=True)}["files"]
    assert found.detail == "4 files are read and whole"


def test_uploads_that_broke_off(town):
    with town.store.write() as work:
        work.claims.add("0" * 64, NOW)
        work.commit()
    town.clock.forward(hours=1.9)
    assert levels(examine(town))["uploads"] is OK
    town.clock.forward(hours=0.2)
    assert levels(examine(town))["uploads"] is WARNING
    town.campus.operations.tidy()
    assert levels(examine(town))["uploads"] is OK


def test_messages_that_wait_or_are_dead(town):
    with town.store.write() as work:
        work.emit(NewMessage("a", "1"))
        work.commit()
    town.clock.forward(minutes=10)
    assert levels(examine(town))["outbox"] is OK
    town.clock.forward(seconds=1)
    assert levels(examine(town))["outbox"] is WARNING

    def refuse(message):
        raise Unavailable("away")

    town.campus.operations.subscribe("a", refuse)
    for _ in range(MAX_ATTEMPTS):
        town.campus.operations.run_due("one")
        town.clock.forward(hours=1)
    found = {f.check: f for f in examine(town)}["outbox"]
    assert (found.level, found.detail) == (WARNING, "1 messages could not be delivered")


def test_a_store_that_cannot_be_reached_is_a_finding(town):
    class Away:
        def status(self):
            raise Unavailable("nobody answers")

    (found,) = evolve(town.campus.operations.examination, keeper=Away()).run()
    assert (found.check, found.level, found.detail) == ("database", FAILURE, "nobody answers")


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    with open_campus(Settings(home=str(folder))) as campus:
        campus.users.create(campus.operator, NewUser(username="root", role=Role.ADMIN))
    return folder


def checked(home, **changed):
    settings = Settings(home=str(home), **changed)
    return {finding.check: finding for finding in upkeep.examine(settings, deep=True)}


def test_a_new_home_is_in_order(home):
    assert {f.level for f in checked(home).values()} == {OK}
    assert len(checked(home)) >= 10


def test_what_is_not_there_is_told_and_not_made(tmp_path):
    found = checked(tmp_path / "nowhere")

    assert (found["home"].level, found["database"].level) == (FAILURE, FAILURE)
    assert found["secret"].level is WARNING
    assert not (tmp_path / "nowhere").exists()


def test_settings_are_counted_by_origin(home):
    origins = {"home": "flag", "time_zone": "environment CAMPUSCORE_TIME_ZONE"}
    settings = Settings(home=str(home), time_zone="Asia/Tokyo")
    (found, *_) = upkeep.examine(settings, origins)

    assert found.detail == "1 by environment, 1 by flag"


def test_modes(home):
    (home / "campus.db").chmod(0o644)
    home.chmod(0o755)
    assert checked(home)["modes"].level is WARNING
    home.chmod(0o700)
    assert checked(home)["modes"].level is OK
    home.chmod(0o755)
    (home / "campus.db").chmod(0o640)
    assert checked(home)["modes"].level is OK


def test_the_secret(home):
    path = home / "secret.key"
    path.chmod(0o640)
    assert checked(home)["secret"].level is FAILURE
    path.chmod(0o600)
    path.write_text("short")
    assert checked(home)["secret"].level is FAILURE
    assert checked(home, secret_key=Secret("k" * 32))["secret"].level is OK
    path.unlink()
    path.mkdir()
    assert checked(home)["secret"].level is FAILURE


@pytest.mark.parametrize(
    ("free", "level"), [(99, FAILURE), (100, WARNING), (1023, WARNING), (1024, OK)]
)
def test_the_disk(home, monkeypatch, free, level):
    usage = type("Usage", (), {"free": free << 20})
    monkeypatch.setattr(hosts.shutil, "disk_usage", lambda folder: usage)

    assert checked(home)["disk"].level is level


def test_the_clock(home):
    def level(moment, **changed):
        settings = Settings(home=str(home), **changed)
        found = hosts.open_host(settings, now=lambda: moment).examine()
        return levels(found)["clock"]

    written = (home / "campus.db").stat().st_mtime
    at = NOW.fromtimestamp(written, NOW.tzinfo)
    assert level(at - timedelta(minutes=4)) is OK
    assert level(at - timedelta(minutes=6)) is FAILURE
    assert level(NOW.replace(year=2000)) is FAILURE
    assert level(at, time_zone="Mars/Olympus") is FAILURE


def test_libraries(home, monkeypatch):
    monkeypatch.setattr(hosts, "find_spec", lambda name: None if name == "granian" else name)

    found = checked(home)["libraries"]
    assert (found.level, found.detail) == (WARNING, "missing: granian")
    assert found.advice == "pip install 'campuscore[serve]'"


@pytest.mark.parametrize(
    ("changed", "lock", "level"),
    [
        ({}, "", OK),
        ({"debug": True}, "", WARNING),
        ({"debug": True, "public_url": "https://campus.example"}, "", FAILURE),
        ({"public_url": "https://campus.example"}, "", OK),
        ({"public_url": "http://campus.example"}, "", WARNING),
        ({"public_url": "http://localhost:8000"}, "", OK),
        ({}, "1 http://127.0.0.1:8000/\n", OK),
        ({}, "1 http://0.0.0.0:8000/\n", WARNING),
        ({"trusted_proxies": ("10.0.0.1",)}, "1 http://0.0.0.0:8000/\n", OK),
    ],
)
def test_exposure(home, changed, lock, level):
    (home / "serve.lock").write_text(lock)

    assert checked(home, **changed)["exposure"].level is level


def test_a_home_of_somebody_else(home, monkeypatch):
    monkeypatch.setattr(hosts.os, "access", lambda path, mode: path != home)

    assert checked(home)["home"].level is FAILURE


def alter(home, *statements):
    with closing(sqlite3.connect(home / "campus.db", isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


def signed_keys(home, **changed):
    """Return what an examination says of the keys after a login with other settings."""
    with open_campus(Settings(home=str(home), **changed)) as campus:
        campus.auth.ring.load()
    return checked(home)["keys"]


def test_signing_keys(home):
    assert checked(home)["keys"].detail == "the first login makes the signing keys"
    found = signed_keys(home)
    assert (found.level, found.detail.split()[0]) == (OK, "EdDSA")


def test_keys_of_another_algorithm(home):
    found = signed_keys(home, token_algorithm="HS256")

    text = "signed with HS256, but token_algorithm is EdDSA"
    assert (found.level, found.detail) == (WARNING, text)
    assert found.advice == "run campuscore keys rotate"


@pytest.mark.parametrize("secret", ["k" * 32, ""])
def test_keys_of_another_secret(home, secret):
    other = {"secret_key": Secret("o" * 32)}
    found = signed_keys(home, **other)

    assert (found.level, found.advice[:23]) == (FAILURE, "set the secret_key of b")
    assert checked(home, **other)["keys"].level is OK
    with open_campus(Settings(home=str(home), secret_key=Secret(secret))) as campus:
        inside = {f.check: f for f in campus.operations.examine(campus.operator)}["keys"]
        assert inside.level is FAILURE
        campus.auth.keys.rotate(campus.operator)
    assert checked(home, secret_key=Secret(secret))["keys"].level is OK


def test_a_next_key_of_another_secret(home):
    signed_keys(home)
    with open_campus(Settings(home=str(home), secret_key=Secret("o" * 32))) as campus:
        campus.auth.keys.revoke(campus.operator, campus.auth.keys.list(campus.operator)[1].id)

    found = checked(home)["keys"]
    assert (found.level, " next " in found.detail) == (FAILURE, True)


def test_keys_whose_secret_cannot_be_read(home):
    """The check of the secret says so; whether keys open is not known."""
    signed_keys(home)
    (home / "secret.key").write_text("short")

    assert checked(home)["keys"].level is OK


def test_a_missing_migration(home):
    alter(home, "UPDATE alembic_version SET version_num = '0001'")
    assert checked(home)["database"].level is FAILURE
    alter(home, "DELETE FROM alembic_version")
    assert checked(home)["database"].detail == "the database is empty"


def test_references_that_lead_nowhere(home):
    alter(
        home,
        "INSERT INTO credentials (user_id, password_hash, changed_at) VALUES (99, '', 0)",
    )
    found = checked(home)["references"]

    assert (found.level, "credentials" in found.detail) == (FAILURE, True)


def test_a_damaged_database(home):
    alter(home, "PRAGMA journal_mode=DELETE")
    with (home / "campus.db").open("r+b") as file:
        file.seek(0, os.SEEK_END)
        for page in range(2, file.tell() // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)

    assert FAILURE in {finding.level for finding in checked(home).values()}


def test_writes_that_are_not_flushed(home):
    assert checked(home, sqlite_synchronous="normal")["durability"].level is WARNING


def test_a_database_that_is_opened_carelessly():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        raw.execute("CREATE TABLE t (x INTEGER CHECK (x > 0))")
        raw.execute("PRAGMA ignore_check_constraints=ON")
        raw.execute("INSERT INTO t VALUES (0)")
        raw.execute("PRAGMA ignore_check_constraints=OFF")
        found = {finding.check: finding for finding in checkup.examine(raw, deep=True)}

    assert found["journal"].level is WARNING
    assert found["references"].level is FAILURE
    assert found["integrity"].level is FAILURE
    assert found["integrity"].detail == "integrity_check says CHECK constraint failed in t"


@pytest.mark.parametrize("address", ["127.0.0.1", "172.17.0.1", "::1"])
def test_a_proxy_that_nobody_named_is_found(town, address):
    for n in range(4):
        log_in(town, f"user{n}", address)
    assert levels(examine(town))["addresses"] is OK
    log_in(town, "user4", address)
    found = {f.check: f for f in examine(town)}["addresses"]
    assert (found.level, address in found.detail) == (WARNING, True)
    assert "trusted_proxies" in found.advice

    named = evolve(town.campus.operations.examination, knows_proxies=True)
    assert levels(named.run())["addresses"] is OK
    log_in(town, "user5", "10.0.0.9")
    assert levels(examine(town))["addresses"] is OK


def test_a_class_behind_one_public_address_is_no_proxy(town):
    for n in range(9):
        log_in(town, f"user{n}", "8.8.8.8")
    assert levels(examine(town))["addresses"] is OK


def test_whoever_names_proxies_is_not_warned(tmp_path):
    settings = Settings(home=str(tmp_path), trusted_proxies=("127.0.0.1",))
    with open_campus(settings) as campus:
        assert campus.operations.examination.knows_proxies


def log_in(town, name, address):
    town.user(name, password="correct horse")
    town.campus.auth.login(name, "correct horse", Origin(address))


def test_an_audit_that_was_changed(home):
    settings = Settings(home=str(home))

    def audit(*, deep=True):
        found = upkeep.examine(settings, deep=deep)
        return {finding.check: finding for finding in found}["audit"]

    with open_campus(settings) as campus:
        campus.users.create(campus.operator, NewUser(username="anna"))
        head = campus.audit.head(campus.operator)
    assert audit(deep=False).detail == f"2 records; the head is {head}"
    assert audit().detail == f"2 records, read and whole; the head is {head}"
    with closing(sqlite3.connect(settings.database_file)) as raw:
        raw.execute("UPDATE audit_records SET target = '7' WHERE number = 1")
        raw.commit()
        assert audit(deep=False).level is OK
        assert (audit().level, audit().detail[:20]) == (FAILURE, "record 1 was changed")
        assert "--anchor" in audit().advice
        raw.execute("DELETE FROM audit_heads")
        raw.commit()
    assert audit(deep=False).detail == "the head of the chain is gone"

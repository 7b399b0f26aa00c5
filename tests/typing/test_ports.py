"""Each adapter factory's result is assigned to its Protocol, so that drift fails the type checker.

The type checkers read this file; at run time the assignments are made once, so that the factories
are known to work without arguments beyond these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from campuscore import Campus, Settings, open_campus
from campuscore.adapters import files, memory, s3, sql
from campuscore.adapters.backups import TarBackups, open_backups
from campuscore.adapters.files import open_files
from campuscore.adapters.host import open_host
from campuscore.adapters.http import create_app
from campuscore.adapters.passwords import open_breached, open_hasher
from campuscore.adapters.rosters import read_roster
from campuscore.adapters.s3 import open_s3
from campuscore.adapters.sheets import open_sheets
from campuscore.adapters.tokens import open_access_tokens
from campuscore.domain.auth import Claims
from campuscore.domain.roster import Roster
from campuscore.domain.throttle import Charge, Limit
from campuscore.plugins import BlobFactory, Store, StoreFactory
from campuscore.ports.attendance import Attachments, CheckIns
from campuscore.ports.auth import AccessTokens, ApiTokens, Credentials, PasswordHasher, Sessions
from campuscore.ports.erasure import Erasure
from campuscore.ports.events import Outbox
from campuscore.ports.files import BlobStore
from campuscore.ports.groups import Groups, Memberships
from campuscore.ports.keys import SigningKeys
from campuscore.ports.operations import Backups, Host, StoreKeeper
from campuscore.ports.passwords import BreachedPasswords
from campuscore.ports.roster import RosterLinks
from campuscore.ports.schedule import Entries, Rooms, Terms
from campuscore.ports.sheets import SheetWriter
from campuscore.ports.throttle import RateLimiter
from campuscore.ports.users import Guardians, Users
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.tokens import hold_keys

BLOB_FACTORIES: list[BlobFactory] = [files.blobs_of, memory.blobs_of, s3.blobs_of]
STORE_FACTORIES: list[StoreFactory] = [memory.store_of, sql.store_of]
LATER = datetime(2027, 9, 1, tzinfo=UTC)
READER: Callable[[Path], Roster] = read_roster


def now() -> datetime:
    return datetime(2026, 9, 1, tzinfo=UTC)


def use_store(store: Store) -> WorkFactory:
    keeper: StoreKeeper = store.keeper
    keeper.upgrade()
    limiter: RateLimiter = store.limiter
    assert limiter.charge([Charge(b"key", Limit(1, timedelta(seconds=1)))], now()) is None
    factory: WorkFactory = store
    return factory


def use_work(work: Work) -> int:
    users: Users = work.users
    groups: Groups = work.groups
    memberships: Memberships = work.memberships
    check_ins: CheckIns = work.check_ins
    attachments: Attachments = work.attachments
    entries: Entries = work.entries
    terms: Terms = work.terms
    rooms: Rooms = work.rooms
    credentials: Credentials = work.credentials
    sessions: Sessions = work.sessions
    tokens: ApiTokens = work.tokens
    outbox: Outbox = work.outbox
    links: RosterLinks = work.links
    erasure: Erasure = work.erasure
    guardians: Guardians = work.guardians
    keys: SigningKeys = work.keys
    parts = (users, groups, memberships, check_ins, attachments, entries, terms, rooms)
    more = (credentials, sessions, tokens, outbox, links, erasure, guardians, keys)
    return len(parts) + len(more)


def test_stores_are_stores(tmp_path: Path) -> None:
    stores: list[Store] = [memory.open_store(), sql.open_store(f"sqlite:///{tmp_path}/campus.db")]
    made = Settings(database_url=f"sqlite:///{tmp_path}/other.db")
    stores += [factory(made, now) for factory in STORE_FACTORIES]
    for store in stores:
        factory = use_store(store)
        with factory.read() as work:
            assert use_work(work) == 16
        store.keeper.close()


def test_one_technology_adapters_are_their_ports(tmp_path: Path) -> None:
    blobs: list[BlobStore] = [memory.open_blobs(), open_files(tmp_path), open_s3("s3://bucket")]
    hasher: PasswordHasher = open_hasher(b"k" * 32)
    breached: BreachedPasswords = open_breached()
    access: AccessTokens = open_access_tokens(b"k" * 32, "campuscore", timedelta(hours=1))
    hold_keys(access)
    sheets: Mapping[str, SheetWriter] = open_sheets()
    host: Host = open_host(Settings(home=str(tmp_path)))
    backups: Backups = open_backups(tmp_path)
    assert host.examine()
    assert isinstance(backups, TarBackups)
    assert [store.size("") for store in blobs] == [None, None, None]
    assert not hasher.verify("", "").fits
    assert breached.contains("password")
    token = access.issue(Claims(1, 2, LATER.timestamp(), 1), now())
    assert access.verify(token, now()).session_id == 2
    assert {sheet.suffix for sheet in sheets.values()} == {".csv", ".xlsx"}


def test_front_ends_take_a_campus() -> None:
    with open_campus("memory://") as campus:
        opened: Campus = campus
        app: Callable[..., Any] = create_app(opened)
        assert callable(app)
    assert callable(READER)

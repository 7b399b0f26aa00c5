"""SQLite fulfils every contract, with all capabilities."""

from __future__ import annotations

import shutil
from functools import partial

import pytest

from campuscore.adapters.sql import open_store
from campuscore.testing import (
    ApiTokensContract,
    AttachmentsContract,
    AuditContract,
    BlobClaimsContract,
    CheckInsContract,
    CredentialsContract,
    DaysContract,
    EntriesContract,
    ErasureContract,
    GroupsContract,
    GuardiansContract,
    MachineContract,
    MembershipsContract,
    OutboxContract,
    PackagesContract,
    RateLimiterContract,
    RoomsContract,
    RosterLinksContract,
    SessionsContract,
    SigningKeysContract,
    StoreKeeperContract,
    TermsContract,
    UsersContract,
    WorkContract,
)


class _Sqlite:
    concurrent_writers = snapshot_reads = durable = True

    @pytest.fixture
    def opener(self, sqlite_template, tmp_path):
        path = tmp_path / "campus.db"
        shutil.copyfile(sqlite_template, path)
        return partial(open_store, f"sqlite:///{path}", synchronous="off")

    @pytest.fixture
    def store(self, opener):
        store = opener()
        yield store
        store.keeper.close()


class TestUsers(_Sqlite, UsersContract):
    pass


class TestGroups(_Sqlite, GroupsContract):
    pass


class TestGuardians(_Sqlite, GuardiansContract):
    pass


class TestMemberships(_Sqlite, MembershipsContract):
    pass


class TestCheckIns(_Sqlite, CheckInsContract):
    pass


class TestDays(_Sqlite, DaysContract):
    pass


class TestAttachments(_Sqlite, AttachmentsContract):
    pass


class TestEntries(_Sqlite, EntriesContract):
    pass


class TestTerms(_Sqlite, TermsContract):
    pass


class TestRooms(_Sqlite, RoomsContract):
    pass


class TestCredentials(_Sqlite, CredentialsContract):
    pass


class TestAudit(_Sqlite, AuditContract):
    pass


class TestSessions(_Sqlite, SessionsContract):
    pass


class TestSigningKeys(_Sqlite, SigningKeysContract):
    pass


class TestApiTokens(_Sqlite, ApiTokensContract):
    pass


class TestRateLimiter(_Sqlite, RateLimiterContract):
    pass


class TestOutbox(_Sqlite, OutboxContract):
    pass


class TestPackages(_Sqlite, PackagesContract):
    pass


class TestBlobClaims(_Sqlite, BlobClaimsContract):
    pass


class TestRosterLinks(_Sqlite, RosterLinksContract):
    pass


class TestErasure(_Sqlite, ErasureContract):
    pass


class TestWork(_Sqlite, WorkContract):
    pass


class TestMachine(MachineContract):
    @pytest.fixture
    def fresh(self, fresh_sqlite):
        return fresh_sqlite


class TestKeeper(StoreKeeperContract):
    @pytest.fixture
    def keeper(self, tmp_path):
        return open_store(f"sqlite:///{tmp_path}/campus.db").keeper

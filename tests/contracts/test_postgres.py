"""PostgreSQL fulfils every contract, with all capabilities."""

from __future__ import annotations

from functools import partial

import pytest

from campuscore.adapters.sql.postgres import open_store
from campuscore.testing import (
    ApiTokensContract,
    AttachmentsContract,
    AuditContract,
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


class _Postgres:
    concurrent_writers = snapshot_reads = durable = True

    @pytest.fixture
    def opener(self, postgres_url):
        return partial(open_store, postgres_url)

    @pytest.fixture
    def store(self, postgres_store):
        return postgres_store


class TestUsers(_Postgres, UsersContract):
    pass


class TestGroups(_Postgres, GroupsContract):
    pass


class TestGuardians(_Postgres, GuardiansContract):
    pass


class TestMemberships(_Postgres, MembershipsContract):
    pass


class TestCheckIns(_Postgres, CheckInsContract):
    pass


class TestDays(_Postgres, DaysContract):
    pass


class TestAttachments(_Postgres, AttachmentsContract):
    pass


class TestEntries(_Postgres, EntriesContract):
    pass


class TestTerms(_Postgres, TermsContract):
    pass


class TestRooms(_Postgres, RoomsContract):
    pass


class TestCredentials(_Postgres, CredentialsContract):
    pass


class TestAudit(_Postgres, AuditContract):
    pass


class TestSessions(_Postgres, SessionsContract):
    pass


class TestSigningKeys(_Postgres, SigningKeysContract):
    pass


class TestApiTokens(_Postgres, ApiTokensContract):
    pass


class TestRateLimiter(_Postgres, RateLimiterContract):
    pass


class TestOutbox(_Postgres, OutboxContract):
    pass


class TestRosterLinks(_Postgres, RosterLinksContract):
    pass


class TestErasure(_Postgres, ErasureContract):
    pass


class TestWork(_Postgres, WorkContract):
    pass


class TestMachine(MachineContract):
    examples = 15  # each costs several times what it costs on SQLite

    @pytest.fixture
    def fresh(self, fresh_postgres):
        return fresh_postgres


class TestKeeper(StoreKeeperContract):
    @pytest.fixture
    def keeper(self, databases):
        keeper = open_store(databases.create()).keeper
        yield keeper
        keeper.close()

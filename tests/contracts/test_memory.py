"""The memory store fulfils every contract; it lacks durability and reads beside a writer."""

from __future__ import annotations

import pytest

from campuscore.adapters.memory import open_blobs, open_store
from campuscore.testing import (
    ApiTokensContract,
    AttachmentsContract,
    AuditContract,
    BlobClaimsContract,
    BlobStoreContract,
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


class _Memory:
    concurrent_writers = True

    @pytest.fixture
    def store(self):
        return open_store()


class TestUsers(_Memory, UsersContract):
    pass


class TestGroups(_Memory, GroupsContract):
    pass


class TestGuardians(_Memory, GuardiansContract):
    pass


class TestMemberships(_Memory, MembershipsContract):
    pass


class TestCheckIns(_Memory, CheckInsContract):
    pass


class TestDays(_Memory, DaysContract):
    pass


class TestAttachments(_Memory, AttachmentsContract):
    pass


class TestEntries(_Memory, EntriesContract):
    pass


class TestTerms(_Memory, TermsContract):
    pass


class TestRooms(_Memory, RoomsContract):
    pass


class TestCredentials(_Memory, CredentialsContract):
    pass


class TestAudit(_Memory, AuditContract):
    pass


class TestSessions(_Memory, SessionsContract):
    pass


class TestSigningKeys(_Memory, SigningKeysContract):
    pass


class TestApiTokens(_Memory, ApiTokensContract):
    pass


class TestRateLimiter(_Memory, RateLimiterContract):
    pass


class TestOutbox(_Memory, OutboxContract):
    pass


class TestPackages(_Memory, PackagesContract):
    pass


class TestBlobClaims(_Memory, BlobClaimsContract):
    pass


class TestRosterLinks(_Memory, RosterLinksContract):
    pass


class TestErasure(_Memory, ErasureContract):
    pass


class TestWork(_Memory, WorkContract):
    pass


class TestMachine(MachineContract):
    @pytest.fixture
    def fresh(self):
        return open_store


class TestKeeper(StoreKeeperContract):
    @pytest.fixture
    def keeper(self):
        return open_store().keeper


class TestBlobs(BlobStoreContract):
    concurrent_writers = True

    @pytest.fixture
    def blobs(self):
        return open_blobs()

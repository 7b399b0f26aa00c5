"""The contract kit: what an adapter must do, as pytest classes that anybody can run.

An adapter is proven by one class a port, with one fixture that gives it an empty store. What the
adapter can do beyond the least is declared; tests of what is not declared are listed as skipped.

Example
-------
.. code-block:: python

    import pytest
    from campuscore.testing import UsersContract

    class TestMyUsers(UsersContract):
        concurrent_writers = True

        @pytest.fixture
        def store(self):
            return open_my_store()

Needs pytest, and the machine Hypothesis too: both come with the extra ``test``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from campuscore.testing.attendance import AttachmentsContract, CheckInsContract
    from campuscore.testing.audit import AuditContract
    from campuscore.testing.auth import (
        ApiTokensContract,
        CredentialsContract,
        SessionsContract,
    )
    from campuscore.testing.claims import BlobClaimsContract
    from campuscore.testing.contract import Contract
    from campuscore.testing.days import DaysContract
    from campuscore.testing.erasure import ErasureContract
    from campuscore.testing.events import OutboxContract
    from campuscore.testing.files import BlobStoreContract
    from campuscore.testing.groups import GroupsContract, MembershipsContract
    from campuscore.testing.guardians import GuardiansContract
    from campuscore.testing.keys import SigningKeysContract
    from campuscore.testing.machine import MachineContract, StoreMachine
    from campuscore.testing.operations import StoreKeeperContract
    from campuscore.testing.packages import PackagesContract
    from campuscore.testing.passwords import BreachedPasswordsContract, PasswordHasherContract
    from campuscore.testing.roster import RosterLinksContract
    from campuscore.testing.schedule import EntriesContract, RoomsContract, TermsContract
    from campuscore.testing.sheets import SheetWriterContract
    from campuscore.testing.throttle import RateLimiterContract
    from campuscore.testing.tokens import AccessTokensContract
    from campuscore.testing.users import UsersContract
    from campuscore.testing.work import WorkContract

__all__ = [
    "AccessTokensContract",
    "ApiTokensContract",
    "AttachmentsContract",
    "AuditContract",
    "BlobClaimsContract",
    "BlobStoreContract",
    "BreachedPasswordsContract",
    "CheckInsContract",
    "Contract",
    "CredentialsContract",
    "DaysContract",
    "EntriesContract",
    "ErasureContract",
    "GroupsContract",
    "GuardiansContract",
    "MachineContract",
    "MembershipsContract",
    "OutboxContract",
    "PackagesContract",
    "PasswordHasherContract",
    "RateLimiterContract",
    "RoomsContract",
    "RosterLinksContract",
    "SessionsContract",
    "SheetWriterContract",
    "SigningKeysContract",
    "StoreKeeperContract",
    "StoreMachine",
    "TermsContract",
    "UsersContract",
    "WorkContract",
]

_HOMES = {
    "attendance": ("AttachmentsContract", "CheckInsContract"),
    "audit": ("AuditContract",),
    "auth": ("ApiTokensContract", "CredentialsContract", "SessionsContract"),
    "claims": ("BlobClaimsContract",),
    "contract": ("Contract",),
    "days": ("DaysContract",),
    "erasure": ("ErasureContract",),
    "events": ("OutboxContract",),
    "files": ("BlobStoreContract",),
    "groups": ("GroupsContract", "MembershipsContract"),
    "guardians": ("GuardiansContract",),
    "keys": ("SigningKeysContract",),
    "machine": ("MachineContract", "StoreMachine"),
    "operations": ("StoreKeeperContract",),
    "packages": ("PackagesContract",),
    "passwords": ("BreachedPasswordsContract", "PasswordHasherContract"),
    "roster": ("RosterLinksContract",),
    "schedule": ("EntriesContract", "RoomsContract", "TermsContract"),
    "sheets": ("SheetWriterContract",),
    "throttle": ("RateLimiterContract",),
    "tokens": ("AccessTokensContract",),
    "users": ("UsersContract",),
    "work": ("WorkContract",),
}
_WHERE = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}

# So that a broken contract shows the values it compared.
pytest.register_assert_rewrite(*sorted(set(_WHERE.values())))


def __getattr__(name: str) -> object:
    """Load contracts when they are first used (PEP 562): only the machine needs Hypothesis."""
    module = _WHERE.get(name)
    if module is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415 - loaded on first use, like what it loads

    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

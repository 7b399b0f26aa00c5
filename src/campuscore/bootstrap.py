"""The campus: every service, wired to the adapters that the settings name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import field, frozen

from campuscore.domain.attendance import LOGIN_RETRY
from campuscore.domain.auth import LONGEST_IMPERSONATION, OPERATOR, Lifetimes, Principal
from campuscore.domain.days import Days, find_zone
from campuscore.domain.keys import Algorithm
from campuscore.domain.passwords import PasswordRules
from campuscore.home import derive, given_secret, old_secrets, prepare_home
from campuscore.plugins import Store, find_blobs, find_store, load
from campuscore.ports.auth import AccessTokens, PasswordHasher
from campuscore.ports.files import BlobStore
from campuscore.ports.operations import Backups, Host
from campuscore.ports.passwords import BreachedPasswords
from campuscore.ports.sheets import SheetWriter
from campuscore.services.attendance import AttendanceService
from campuscore.services.audit import AuditService
from campuscore.services.auth import AuthService, Gate, KeyService, Ring, TokenService
from campuscore.services.demo import DemoService
from campuscore.services.examination import Examination
from campuscore.services.groups import GroupService
from campuscore.services.guardians import GuardianService
from campuscore.services.intake import Intake
from campuscore.services.operations import OperationsService
from campuscore.services.packages import PackageService
from campuscore.services.places import RoomService, TermService
from campuscore.services.policy import Policy
from campuscore.services.refusals import Refusals
from campuscore.services.roster import RosterService
from campuscore.services.schedule import ScheduleService
from campuscore.services.transfer import TransferService
from campuscore.services.users import UserService
from campuscore.settings import Settings

__all__ = [
    "Campus",
    "Parts",
    "assemble",
    "assemble_examination",
    "open_access",
    "open_blobs",
    "open_campus",
    "open_hasher",
    "open_host",
    "processors",
]


@frozen
class Parts:
    """The adapters that a campus is made of."""

    store: Store
    blobs: BlobStore
    hasher: PasswordHasher
    breached: BreachedPasswords
    access: AccessTokens
    sheets: Mapping[str, SheetWriter]
    days: Days
    host: Host | None = None
    backups: Backups | None = None
    throttle_secret: bytes = field(default=b"", repr=False)
    """Hides the names behind the keys of throttling; the same for all processes of a store."""


@frozen
class Campus:
    """The services of one campus; close it, or use it in a ``with`` block.

    Example
    -------
    >>> from campuscore import open_campus
    >>> with open_campus("memory://") as campus:
    ...     campus.users.list(campus.operator).items
    []
    """

    settings: Settings
    policy: Policy
    auth: AuthService
    users: UserService
    groups: GroupService
    attendance: AttendanceService
    schedule: ScheduleService
    rosters: RosterService
    transfers: TransferService
    packages: PackageService
    demo: DemoService
    operations: OperationsService
    audit: AuditService

    @property
    def operator(self) -> Principal:
        """The trusted local principal, who may do everything."""
        return OPERATOR

    def close(self) -> None:
        """Write down what was refused, and give back connections, for good.

        Whatever a service is asked for afterwards raises Unavailable with the code
        ``campus_closed``; closing twice is fine.
        """
        self.audit.refusals.close()
        self.operations.keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def assemble(settings: Settings, parts: Parts) -> Campus:
    """Wire the services to given adapters."""
    store, days = parts.store, parts.days
    refusals = Refusals(store)
    policy = Policy(days, refusals=refusals)
    blobs = parts.blobs
    intake = Intake(store, days, blobs)
    attendance = AttendanceService(
        store, policy, days, blobs, intake, parts.sheets, settings.max_upload
    )
    examination = assemble_examination(
        settings, store, days, blobs, parts.host, access=parts.access, hasher=parts.hasher
    )
    rules = _password_rules(settings, parts.breached)
    operations = OperationsService(
        store, policy, days, store.keeper, blobs, intake, examination, parts.backups
    )
    operations.subscribe(LOGIN_RETRY, attendance.record_login_later)
    packages = PackageService(store, policy, days, blobs, intake, settings.max_package)
    terms, rooms = TermService(store, policy), RoomService(store, policy)
    return Campus(
        settings=settings,
        policy=policy,
        auth=_assemble_auth(settings, parts, policy, rules),
        users=UserService(
            store, policy, days, parts.hasher, rules, GuardianService(store, policy, days)
        ),
        groups=GroupService(store, policy, days),
        attendance=attendance,
        schedule=ScheduleService(store, policy, days, terms, rooms),
        rosters=RosterService(store, policy, days),
        transfers=TransferService(
            store, policy, days, blobs, intake, packages, settings.max_upload
        ),
        packages=packages,
        demo=DemoService(store, policy, days, intake, parts.hasher, rules),
        operations=operations,
        audit=AuditService(store, policy, days, refusals),
    )


def assemble_examination(
    settings: Settings,
    store: Store,
    days: Days,
    blobs: BlobStore,
    host: Host | None,
    *,
    access: AccessTokens | None,
    hasher: PasswordHasher | None,
) -> Examination:
    """Wire the examination, without what needs a secret where that cannot be had."""
    return Examination(
        store,
        days,
        store.keeper,
        blobs,
        host,
        access,
        Algorithm(settings.token_algorithm),
        knows_proxies=bool(settings.trusted_proxies),
        hasher=hasher,
    )


def _password_rules(settings: Settings, breached: BreachedPasswords) -> PasswordRules:
    return PasswordRules(
        known=breached.contains,
        least=settings.password_length,
        least_staff=settings.staff_password_length,
        words=settings.password_context_words,
    )


def _assemble_auth(
    settings: Settings, parts: Parts, policy: Policy, rules: PasswordRules
) -> AuthService:
    store, days = parts.store, parts.days
    ring = Ring(store, days, parts.access, Algorithm(settings.token_algorithm))
    return AuthService(
        store,
        policy,
        days,
        parts.hasher,
        rules,
        ring,
        Lifetimes(settings.access_life, settings.idle_life, settings.session_life),
        settings.check_in_on_login,
        TokenService(store, policy, days),
        KeyService(store, policy, days, ring, _longest_access(settings)),
        Gate(
            store, store.limiter, days, parts.throttle_secret, is_open=not settings.login_throttle
        ),
    )


def _longest_access(settings: Settings) -> timedelta:
    """Return how long access tokens live at the most, and so how long a retired key counts."""
    return max(settings.access_life, LONGEST_IMPERSONATION)


def open_campus(
    settings: Settings | str | Path | None = None, *, days: Days | None = None
) -> Campus:
    """Open a campus, creating or upgrading its database where needed.

    Parameters
    ----------
    settings
        Settings, or just a database URL such as ``sqlite:///campus.db`` or ``memory://``, or the
        path of a SQLite file; by default SQLite in the working folder. Files lie beside a database
        that a URL or a path names.
    days
        Another clock, for tests and simulations.

    Raises
    ------
    Misconfigured
        A setting is wrong or unsafe.
    Unavailable
        The database cannot be reached or opened, or a library for it is not installed.

    Example
    -------
    >>> from campuscore import open_campus, Settings
    >>> campus = open_campus(Settings(database_url="memory://", time_zone="Asia/Tokyo"))
    >>> campus.close()
    """
    if not isinstance(settings, Settings):
        settings = _settings_of(settings)
    days = days or Days(find_zone(settings.time_zone))
    store = find_store(settings.database)(settings, days.now)
    store.keeper.upgrade()
    in_memory = not store.keeper.shared
    secret = given_secret(settings) or (
        secrets.token_bytes(32) if in_memory else prepare_home(settings.folder)
    )
    parts = Parts(
        store=store,
        blobs=open_blobs(settings, store),
        hasher=open_hasher(settings, secret),
        breached=load("campuscore.adapters.passwords:open_breached")(settings.breached_passwords),
        access=open_access(settings, secret),
        sheets=load("campuscore.adapters.sheets:open_sheets")(),
        days=days,
        host=open_host(settings, {}, days),
        backups=load("campuscore.adapters.backups:open_backups")(settings.folder, days.now),
        throttle_secret=derive(secret, b"campuscore throttling v1"),
    )
    return assemble(settings, parts)


def open_blobs(settings: Settings, store: Store) -> BlobStore:
    """Open the blobs that go with a store."""
    blob_url = settings.blob_url or ("" if store.keeper.shared else "memory://")
    return find_blobs(blob_url)(settings)


def open_access(settings: Settings, secret: bytes) -> AccessTokens:
    """Return the signer of access tokens, whose keys the secret seals."""
    access: AccessTokens = load("campuscore.adapters.tokens:open_access_tokens")(
        secret, "campuscore", _longest_access(settings), old_secrets(settings)
    )
    return access


def open_hasher(settings: Settings, secret: bytes) -> PasswordHasher:
    """Return the hasher of passwords, whose hashes the secret seals."""
    hasher: PasswordHasher = load("campuscore.adapters.passwords:open_hasher")(
        secret, old_secrets(settings), slots=settings.password_slots or processors()
    )
    return hasher


def open_host(settings: Settings, origins: Mapping[str, str], days: Days) -> Host:
    """Return the machine, to be examined."""
    host: Host = load("campuscore.adapters.host:open_host")(settings, origins, days.now)
    return host


def processors() -> int:
    """Count the processors that this process may use, which containers limit."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _settings_of(url: str | Path | None) -> Settings:
    if isinstance(url, Path):
        url = f"sqlite:///{url.expanduser().resolve()}"
    if not url:
        return Settings()
    path = url.removeprefix("sqlite:///")
    if path == url:
        return Settings(database_url=url)
    return Settings(database_url=url, home=str(Path(path).expanduser().resolve().parent))

"""Upkeep of a campus that is not opened: examinations, backups and restoring them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import evolve

from campuscore.bootstrap import find_secret, old_secrets, open_blobs, open_host
from campuscore.domain.days import Days, find_zone, utc_now
from campuscore.domain.operations import Finding, Level, Manifest
from campuscore.errors import NotFound, Unavailable
from campuscore.plugins import find_blobs, find_store, load
from campuscore.ports.auth import PasswordHasher
from campuscore.ports.operations import Backups, StoreKeeper
from campuscore.services.examination import Examination
from campuscore.settings import Settings

__all__ = ["back_up", "examine", "restore"]


def examine(
    settings: Settings, origins: Mapping[str, str] | None = None, *, deep: bool = False
) -> list[Finding]:
    """Examine a campus without opening it, which would migrate and create what is missing.

    Parameters
    ----------
    settings, origins
        The settings, and where each that is not a default came from.
    deep
        Read every file and every page of the database.
    """
    days = Days(find_zone(settings.time_zone))
    host, file = open_host(settings, origins or {}, days), settings.database_file
    if file is not None and not file.exists():
        advice = "run campuscore serve, or set home"
        missing = Finding("database", Level.FAILURE, f"there is no {file}", advice)
        return [*host.examine(), missing]
    store = find_store(settings.database)(settings, days.now)
    open_hasher = load("campuscore.adapters.passwords:open_hasher")
    hasher: PasswordHasher = open_hasher(find_secret(settings), old_secrets(settings))
    try:
        blobs = open_blobs(settings, store)
        return Examination(store, days, store.keeper, blobs, host, hasher).run(deep=deep)
    finally:
        store.keeper.close()


def back_up(settings: Settings, target: Path, *, replace: bool = False) -> Manifest:
    """Back a campus up without opening it, which would migrate it: before an upgrade, that is.

    Raises
    ------
    Conflict, Unavailable
        As ``campus.operations.back_up`` does.
    NotFound
        There is no database.
    """
    if settings.database_file is not None and not settings.database_file.exists():
        raise NotFound(f"there is no {settings.database_file}", code="database_not_found")
    store = find_store(settings.database)(settings, utc_now)
    try:
        backups: Backups = load("campuscore.adapters.backups:open_backups")(settings.folder)
        blobs = open_blobs(settings, store)
        return backups.write(store.keeper, blobs, target, replace=replace)
    finally:
        store.keeper.close()


def restore(settings: Settings, source: Path, *, replace: bool = False) -> Manifest:
    """Put a backup into an empty home, or with ``replace`` into the place of the campus there.

    Everything in the archive is verified first, and an older database is migrated. Nobody may use
    the campus meanwhile.

    Raises
    ------
    Conflict
        There is a campus, or somebody uses it; or a newer release made the backup.
    Invalid
        The archive is not a whole backup.
    Unavailable
        The store is not SQLite; the archive, the disk or the file store cannot be used.
    """
    file = settings.database_file
    if file is None:
        text = "a backup is restored into SQLite; for another database use its own tools"
        raise Unavailable(text, code="backup_unsupported")

    def open_keeper(database: Path) -> StoreKeeper:
        url = f"sqlite:///{database}"
        return find_store(url)(evolve(settings, database_url=url), utc_now).keeper

    place = load("campuscore.adapters.backups.restoring:Place")(
        home=settings.folder,
        database=file,
        blobs=find_blobs(settings.blob_url)(settings),
        open_keeper=open_keeper,
        install=load("campuscore.adapters.sql.sqlite.copying:install_database"),
    )
    restored: Manifest = load("campuscore.adapters.backups:restore")(source, place, replace=replace)
    return restored

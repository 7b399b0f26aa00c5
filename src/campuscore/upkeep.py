"""Upkeep of a campus from outside: whether it is there, examinations, backups, restoring them."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

from attrs import evolve, frozen

from campuscore.bootstrap import (
    Campus,
    assemble_examination,
    open_access,
    open_blobs,
    open_campus,
    open_hasher,
    open_host,
)
from campuscore.domain.days import Days, find_zone, utc_now
from campuscore.domain.operations import Finding, Level, Manifest
from campuscore.errors import CampusError, Misconfigured, NotFound, Unavailable
from campuscore.home import SECRET_FILE, find_secret
from campuscore.plugins import find_blobs, find_store, load
from campuscore.ports.operations import Backups, StoreKeeper
from campuscore.settings import Settings

__all__ = [
    "absent_folders",
    "back_up",
    "examine",
    "is_there",
    "opened",
    "require_database",
    "restore",
    "there_is_none",
]

_Part = TypeVar("_Part")


def is_there(settings: Settings) -> bool:
    """Say whether there is a campus that can be opened, and make nothing to find out."""
    file = settings.database_file
    if file is not None and not file.exists():
        return False
    keeper = find_store(settings.database)(settings, utc_now).keeper
    try:
        return not keeper.shared or keeper.status().current is not None
    finally:
        keeper.close()


def there_is_none(settings: Settings) -> NotFound:
    """Return the refusal of whoever needs a campus where there is none."""
    file, place = settings.database_file, f"{settings.folder}"
    if file is None:
        place = "the database that database_url names"
    elif file.parent != settings.folder:
        place = str(file)
    advice = "campuscore serve makes one, and --home names another folder"
    return NotFound(f"there is no campus in {place}: {advice}", code="campus_not_found")


def require_database(settings: Settings) -> None:
    """Raise NotFound where the file of the database is not there."""
    if settings.database_file is not None and not settings.database_file.exists():
        raise there_is_none(settings)


@contextmanager
def opened(settings: Settings) -> Generator[Campus]:
    """Open a campus; where the block raises before anything was stored, a new one is gone again.

    A new schema in a database that is no file stays.
    """
    absent = _Absent.of(settings)
    stored = False
    try:
        with open_campus(settings) as campus:
            try:
                yield campus
            except BaseException:
                stored = _holds_anything(campus)
                raise
    except BaseException:
        if absent is not None and not stored:
            absent.take_away()
        raise


@frozen
class _Absent:
    """What is not there before a campus is made, and is made with it."""

    database: Path
    secret: Path | None
    blobs: Path | None
    folders: list[Path]

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return what will be made, or None where the database is there or is no file."""
        home, database = settings.folder, settings.database_file
        if database is None or database.exists():
            return None
        secret, blobs = home / SECRET_FILE, home / "files"
        return cls(
            database,
            None if secret.exists() else secret,
            None if blobs.exists() else blobs,
            [*absent_folders(home), *absent_folders(database.parent)],
        )

    def take_away(self) -> None:
        """Remove the database, unless somebody else has opened it, and what is empty with it."""
        try:
            load("campuscore.adapters.sql.sqlite.copying:remove_database")(self.database)
        except (CampusError, OSError):
            return
        with suppress(OSError):
            if self.secret:
                self.secret.unlink(missing_ok=True)
            inner = os.walk(self.blobs, topdown=False) if self.blobs else ()
            for folder in [*(Path(each[0]) for each in inner), *self.folders]:
                folder.rmdir()


def absent_folders(path: Path) -> list[Path]:
    """Return a folder and those above it that are not there, the innermost first."""
    return [folder for folder in (path, *path.parents) if not folder.exists()]


def _holds_anything(campus: Campus) -> bool:
    """Say whether anything was stored: every change is told of in the outbox."""
    try:
        return bool(campus.operations.events(campus.operator, limit=1))
    except CampusError:
        return True


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
    try:
        examination = assemble_examination(
            settings,
            store,
            days,
            open_blobs(settings, store),
            host,
            access=_if_sound(open_access, settings),
            hasher=_if_sound(open_hasher, settings),
        )
        return examination.run(deep=deep)
    finally:
        store.keeper.close()


def _if_sound(make: Callable[[Settings, bytes], _Part], settings: Settings) -> _Part | None:
    """Return what the secret opens, unless it is one that the host complains of."""
    try:
        return make(settings, find_secret(settings))
    except Misconfigured:
        return None


def back_up(settings: Settings, target: Path, *, replace: bool = False) -> Manifest:
    """Back a campus up without opening it, which would migrate it: before an upgrade, that is.

    Raises
    ------
    Conflict, Unavailable
        As ``campus.operations.back_up`` does.
    NotFound
        There is no database.
    """
    require_database(settings)
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

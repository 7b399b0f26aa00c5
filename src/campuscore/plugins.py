"""Adapters by URL scheme: the built-in table first, then entry points of installed packages.

An outside package offers a store for ``myscheme://...`` URLs with an entry point in the group
``campuscore.stores`` (or ``campuscore.blobs``, for files) whose name is the scheme, and whose
object is a callable of the same form as the built-in ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol

from campuscore.domain.auth import OPERATOR, Principal
from campuscore.errors import Misconfigured, Unavailable
from campuscore.ports.files import BlobStore
from campuscore.ports.operations import StoreKeeper
from campuscore.ports.throttle import RateLimiter
from campuscore.ports.work import Work
from campuscore.settings import Settings

__all__ = ["BlobFactory", "Store", "StoreFactory", "find_blobs", "find_store", "load"]

_STORES = {
    "memory": "campuscore.adapters.memory:store_of",
    "postgres": "campuscore.adapters.sql.postgres:store_of",
    "postgresql": "campuscore.adapters.sql.postgres:store_of",
    "sqlite": "campuscore.adapters.sql:store_of",
}
_BLOBS = {
    "": "campuscore.adapters.files:blobs_of",
    "memory": "campuscore.adapters.memory:blobs_of",
    "s3": "campuscore.adapters.s3:blobs_of",
}


class Store(Protocol):
    """What a store factory gives: units of work, the keeper of the schema, and a limiter."""

    def read(self) -> Work:
        """Open a Work that reads."""
        ...

    def write(self, by: Principal = OPERATOR) -> Work:
        """Open a Work that may write; what it emits was done by this principal."""
        ...

    @property
    def keeper(self) -> StoreKeeper:
        """The upkeep of this store."""
        ...

    @property
    def limiter(self) -> RateLimiter:
        """What counts how often passwords are tried, by all processes that use this store."""
        ...


StoreFactory = Callable[[Settings, Callable[[], datetime]], Store]
"""Opens a store from the settings and the campus clock."""

BlobFactory = Callable[[Settings], BlobStore]
"""Opens the store of files from the settings."""


def load(name: str) -> Any:
    """Import an object by ``module:name``; Unavailable names the library that is missing."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        if error.name and error.name.startswith("campuscore"):
            raise
        if isinstance(error, ModuleNotFoundError):
            raise Unavailable(f"the library {error.name!r} is not installed") from error
        raise Unavailable(f"a library cannot be used: {error}") from error


def find_store(url: str) -> StoreFactory:
    """Return the factory of a store for a database URL.

    Raises
    ------
    Misconfigured
        No adapter knows the URL's scheme.
    """
    factory: StoreFactory = _find(url, "database_url", "campuscore.stores", _STORES)
    return factory


def find_blobs(url: str) -> BlobFactory:
    """Return the factory of a store of files for a URL; an empty one means the home folder.

    Raises
    ------
    Misconfigured
        No adapter knows the URL's scheme.
    Unavailable
        The library of the adapter is not installed.
    """
    factory: BlobFactory = _find(url, "blob_url", "campuscore.blobs", _BLOBS)
    return factory


def _find(url: str, setting: str, group: str, built_in: Mapping[str, str]) -> Any:
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme in built_in:
        return load(built_in[scheme])
    for point in entry_points(group=group, name=scheme):
        return point.load()
    known = ", ".join(sorted(filter(None, built_in)))
    raise Misconfigured(f"{setting}: no adapter knows {scheme!r}; built in are {known}")

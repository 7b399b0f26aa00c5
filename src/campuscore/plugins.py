"""Adapters by URL scheme: the built-in table first, then entry points of installed packages.

An outside package offers a store for ``myscheme://...`` URLs with an entry point in the group
``campuscore.stores`` (or ``campuscore.blobs``) whose name is the scheme, and whose object is a
callable of the same form as the built-in ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol

from campuscore.errors import Misconfigured, Unavailable
from campuscore.ports.operations import StoreKeeper
from campuscore.ports.work import Work
from campuscore.settings import Settings

__all__ = ["Store", "StoreFactory", "find_store", "load"]

_STORES = {
    "memory": "campuscore.adapters.memory:store_of",
    "postgres": "campuscore.adapters.sql.postgres:store_of",
    "postgresql": "campuscore.adapters.sql.postgres:store_of",
    "sqlite": "campuscore.adapters.sql:store_of",
}


class Store(Protocol):
    """What a store factory gives: units of work, and the keeper of the schema."""

    def read(self) -> Work:
        """Open a Work that reads."""
        ...

    def write(self) -> Work:
        """Open a Work that may write."""
        ...

    @property
    def keeper(self) -> StoreKeeper:
        """The upkeep of this store."""
        ...


StoreFactory = Callable[[Settings, Callable[[], datetime]], Store]
"""Opens a store from the settings and the campus clock."""


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
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme in _STORES:
        factory: StoreFactory = load(_STORES[scheme])
        return factory
    for point in entry_points(group="campuscore.stores", name=scheme):
        found: StoreFactory = point.load()
        return found
    known = ", ".join(sorted(_STORES))
    raise Misconfigured(f"database_url: no adapter knows {scheme!r}; built in are {known}")

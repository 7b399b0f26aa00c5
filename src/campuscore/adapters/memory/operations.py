"""The upkeep of a memory store, which needs none."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from campuscore.adapters.memory.store import Gate
from campuscore.domain.operations import Finding
from campuscore.errors import Unavailable
from campuscore.ports.operations import SchemaStatus, StoreCopy

__all__ = ["MemoryKeeper"]

_REVISION = "memory"


@frozen
class MemoryKeeper:
    """The port ``StoreKeeper``."""

    gate: Gate

    @property
    def shared(self) -> bool:
        return False

    def status(self) -> SchemaStatus:
        self.ping()
        return SchemaStatus(_REVISION, _REVISION)

    def upgrade(self) -> SchemaStatus:
        return self.status()

    def ping(self) -> None:
        self.gate.check_open()

    def examine(self, *, deep: bool = False) -> list[Finding]:  # noqa: ARG002 - the port's
        self.ping()
        return []

    def copy(self, to: Path) -> StoreCopy:  # noqa: ARG002 - the port's
        self.ping()
        text = "a store in memory has no backups: it is gone with its process"
        raise Unavailable(text, code="backup_unsupported")

    def close(self) -> None:
        self.gate.is_closed = True

"""What upkeep tells: findings of an examination, and what a backup holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import frozen

__all__ = ["BACKUP_FORMAT", "Finding", "Level", "Manifest", "Member"]

BACKUP_FORMAT = 1
"""The version of the form that backups have; another one is refused."""


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@frozen
class Finding:
    """What one check of an examination found, and what to do about it."""

    check: str
    level: Level
    detail: str
    advice: str = ""


@frozen
class Member:
    """A file in a backup."""

    size: int
    sha256: str


@frozen(kw_only=True)
class Manifest:
    """What a backup holds: rows of each table, and every file by its name in the archive."""

    format: int
    version: str
    revision: str
    made_at: datetime
    counts: Mapping[str, int]
    members: Mapping[str, Member]
    audit: str = ""
    """The head of the audit, to give to ``audit verify --anchor``."""

    @property
    def files(self) -> int:
        """How many stored files it holds, beside the database and the secret."""
        return sum(name.startswith("files/") for name in self.members)

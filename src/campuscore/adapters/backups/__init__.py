"""Backups: one tar archive of the database, the files that it names, and the secret."""

from __future__ import annotations

from campuscore.adapters.backups.restoring import restore
from campuscore.adapters.backups.writing import TarBackups, open_backups

__all__ = ["TarBackups", "open_backups", "restore"]

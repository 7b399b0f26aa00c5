"""The package index and the claims on blobs, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime

from attrs import asdict, evolve, frozen

from campuscore.adapters.memory.store import Claim, Tables
from campuscore.domain.packages import DistFile, NewDistFile, Project
from campuscore.errors import Conflict

__all__ = ["MemoryClaims", "MemoryPackages"]


@frozen
class MemoryPackages:
    """Implements ``Packages``."""

    tables: Tables

    def find(self, key: str) -> Project | None:
        rows = self.tables.projects.having(key)
        return copy(rows[0]) if rows else None

    def all(self) -> list[Project]:
        rows = sorted(self.tables.projects.rows.values(), key=lambda row: row.key)
        return [copy(row) for row in rows if len(self.files(row.id)) > 0]

    def revision(self) -> int:
        return self.tables.log.changes

    def add(self, key: str, name: str, owner: int | None, at: datetime) -> Project:
        if self.find(key) is not None:
            raise Conflict(f"there is a project {key!r}", code="project_name_taken")
        self._check_user(owner)
        project = Project(self.tables.projects.next_id(), key, name, owner, 0, at)
        self.tables.projects.put(project.id, project)
        return project

    def files(self, project_id: int) -> list[DistFile]:
        rows = self.tables.dist_files.having(project_id)
        kept = (row for row in rows if row.filename not in self.tables.removed_files.rows)
        return [copy(row) for row in sorted(kept, key=lambda row: row.id)]

    def find_file(self, filename: str) -> DistFile | None:
        if self.was_removed(filename):
            return None
        found = (row for row in self.tables.dist_files.rows.values() if row.filename == filename)
        return next((copy(row) for row in found), None)

    def was_removed(self, filename: str) -> bool:
        return filename in self.tables.removed_files.rows

    def add_file(self, new: NewDistFile) -> DistFile:
        if self.was_removed(new.filename) or self.find_file(new.filename) is not None:
            raise Conflict(f"there is, or was, a file {new.filename!r}", code="filename_taken")
        self._check_user(new.uploader)
        row = DistFile(self.tables.dist_files.next_id(), **asdict(new), yanked=None)
        self.tables.dist_files.put(row.id, row)
        self._move(new.project)
        return row

    def yank(self, project_id: int, file_ids: Sequence[int], reason: str | None) -> None:
        for row in self._mine(project_id, file_ids):
            self.tables.dist_files.put(row.id, evolve(row, yanked=reason))
        self._move(project_id)

    def remove_files(self, project_id: int, file_ids: Sequence[int], at: datetime) -> None:
        for row in self._mine(project_id, file_ids):
            self.tables.removed_files.put(row.filename, at)
        self._move(project_id)

    def _mine(self, project_id: int, file_ids: Sequence[int]) -> Sequence[DistFile]:
        return [row for row in self.files(project_id) if row.id in file_ids]

    def _check_user(self, user_id: int | None) -> None:
        if user_id is not None:
            self.tables.require_user(user_id)

    def _move(self, project_id: int) -> None:
        project = self.tables.projects.rows[project_id]
        self.tables.projects.put(project_id, evolve(project, serial=project.serial + 1))


@frozen
class MemoryClaims:
    """Implements ``BlobClaims``."""

    tables: Tables

    def add(self, sha256: str, until: datetime) -> int:
        key = self.tables.claims.next_id()
        self.tables.claims.put(key, Claim(sha256, until))
        return key

    def remove(self, claim_id: int) -> bool:
        was_there = claim_id in self.tables.claims.rows
        self.tables.claims.drop(claim_id)
        return was_there

    def is_used(self, sha256: str, at: datetime) -> bool:
        tables = self.tables
        if any(claim.until > at for claim in tables.claims.having(sha256)):
            return True
        listed = (f for f in tables.dist_files.rows.values() if not self._is_removed(f))
        return any(row.sha256 == sha256 for row in tables.attachments.rows.values()) or any(
            sha256 in {file.sha256, file.metadata} for file in listed
        )

    def ended(self, at: datetime, limit: int) -> list[str]:
        rows = sorted(self.tables.claims.rows.items(), key=lambda row: (row[1].until, row[0]))
        names = dict.fromkeys(claim.sha256 for _, claim in rows if claim.until <= at)
        return list(names)[:limit]

    def forget(self, sha256: str, at: datetime) -> None:
        for key, claim in list(self.tables.claims.rows.items()):
            if claim.sha256 == sha256 and claim.until <= at:
                self.tables.claims.drop(key)

    def _is_removed(self, file: DistFile) -> bool:
        return file.filename in self.tables.removed_files.rows

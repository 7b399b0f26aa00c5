"""The repository of the package index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from campuscore.domain.packages import DistFile, NewDistFile, Project

__all__ = ["Packages"]


class Packages(Protocol):
    """Projects and their files. A removed file is gone from here; its name is never free again."""

    def find(self, key: str) -> Project | None:
        """Return the project with this normalized name."""
        ...

    def all(self) -> list[Project]:
        """Return the projects that have files, by normalized name."""
        ...

    def revision(self) -> int:
        """Return a number that is another one whenever ``all`` may answer otherwise."""
        ...

    def add(self, key: str, name: str, owner: int | None, at: datetime) -> Project:
        """Store a new project, which has no files and the serial 0.

        Raises
        ------
        Conflict
            The normalized name is taken.
        """
        ...

    def files(self, project_id: int) -> list[DistFile]:
        """Return the files of a project, in the order of their ids."""
        ...

    def find_file(self, filename: str) -> DistFile | None:
        """Return the file with this name."""
        ...

    def was_removed(self, filename: str) -> bool:
        """Say whether there was a file with this name that is removed."""
        ...

    def add_file(self, new: NewDistFile) -> DistFile:
        """Store a file, and move its project's serial.

        Raises
        ------
        Conflict
            The name is taken, or was.
        """
        ...

    def yank(self, project_id: int, file_ids: Sequence[int], reason: str | None) -> None:
        """Yank files of a project for a reason, or None to take that back; move its serial."""
        ...

    def remove_files(self, project_id: int, file_ids: Sequence[int], at: datetime) -> None:
        """Take files of a project out of every list for good; move its serial."""
        ...

"""The package index in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import asdict
from sqlalchemy import bindparam, exists, insert, select, update

from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import among, bytewise, ids_text
from campuscore.adapters.sql.revision import revision_of
from campuscore.adapters.sql.tables import dist_files, projects
from campuscore.adapters.sql.trouble import translated
from campuscore.domain.packages import DistFile, NewDistFile, Project
from campuscore.errors import Conflict, NotFound

__all__ = ["SqlPackages"]

_FILE = tuple(dist_files.c)[:14]
_PROJECT = bindparam("in_project", type_=projects.c.id.type)
_LISTED = dist_files.c.removed_at.is_(None)
_NAMED = dist_files.c.filename == bindparam("named")

_FIND = select(*projects.c).where(projects.c.key == bindparam("of_key"))
_LIST = (
    select(*projects.c)
    .where(exists().where(dist_files.c.project_id == projects.c.id, _LISTED))
    .order_by(bytewise(projects.c.key))
)
_ADD = insert(projects)
_MOVE = update(projects).where(projects.c.id == _PROJECT).values(serial=projects.c.serial + 1)
_FILES = (
    select(*_FILE).where(dist_files.c.project_id == _PROJECT, _LISTED).order_by(dist_files.c.id)
)
_FIND_FILE = select(*_FILE).where(_NAMED, _LISTED)
_WAS_REMOVED = select(exists().where(_NAMED, dist_files.c.removed_at.is_not(None)))
_ADD_FILE = insert(dist_files)
_MINE = update(dist_files).where(
    dist_files.c.project_id == _PROJECT, among(dist_files.c.id, "ids"), _LISTED
)
_YANK = _MINE.values(yanked=bindparam("reason", type_=dist_files.c.yanked.type))
_REMOVE = _MINE.values(removed_at=bindparam("at", type_=dist_files.c.removed_at.type))


class SqlPackages:
    """The repository of projects and their files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, key: str) -> Project | None:
        row = self._desk.execute(_FIND, {"of_key": key}).first()
        return None if row is None else Project(*row)

    def all(self) -> list[Project]:
        return self._desk.execute(_LIST).build(Project)

    def revision(self) -> int:
        return revision_of(self._desk, "packages")

    def add(self, key: str, name: str, owner: int | None, at: datetime) -> Project:
        project = Project(0, key, name, owner, 0, at)
        values = {"key": key, "name": name, "owner_id": owner, "serial": 0, "created_at": at}
        taken = Conflict(f"there is a project {key!r}", code="project_name_taken")
        with translated(taken=taken, missing=_no_user()):
            project.id = self._desk.insert(_ADD, values)
        return project

    def files(self, project_id: int) -> list[DistFile]:
        return self._desk.execute(_FILES, {"in_project": project_id}).build(DistFile)

    def find_file(self, filename: str) -> DistFile | None:
        row = self._desk.execute(_FIND_FILE, {"named": filename}).first()
        return None if row is None else DistFile(*row)

    def was_removed(self, filename: str) -> bool:
        return bool(self._desk.execute(_WAS_REMOVED, {"named": filename}).scalar())

    def add_file(self, new: NewDistFile) -> DistFile:
        row = DistFile(0, **asdict(new), yanked=None)
        values = asdict(new)
        values["project_id"] = values.pop("project")
        values["uploader_id"] = values.pop("uploader")
        taken = Conflict(f"there is, or was, a file {new.filename!r}", code="filename_taken")
        with translated(taken=taken, missing=_no_user()):
            row.id = self._desk.insert(_ADD_FILE, values)
        self._move(new.project)
        return row

    def yank(self, project_id: int, file_ids: Sequence[int], reason: str | None) -> None:
        values = {"in_project": project_id, "ids": ids_text(file_ids), "reason": reason}
        self._desk.execute(_YANK, values)
        self._move(project_id)

    def remove_files(self, project_id: int, file_ids: Sequence[int], at: datetime) -> None:
        values = {"in_project": project_id, "ids": ids_text(file_ids), "at": at}
        self._desk.execute(_REMOVE, values)
        self._move(project_id)

    def _move(self, project_id: int) -> None:
        self._desk.execute(_MOVE, {"in_project": project_id})
        self._desk.revised.add("packages")


def _no_user() -> NotFound:
    return NotFound("there is no such user", code="user_not_found")

"""Erasure in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from attrs import evolve, frozen

from campuscore.adapters.memory.store import Tables
from campuscore.errors import Conflict
from campuscore.ports.erasure import Dependent, Erasable

__all__ = ["MemoryErasure"]

_LINKED = {
    "user": "users",
    "group": "groups",
    "term": "terms",
    "room": "rooms",
    "project": "projects",
}


@frozen
class MemoryErasure:
    """The port ``Erasure``."""

    tables: Tables

    def dependents(self, what: Erasable, day: date) -> list[Dependent]:
        found = [*self._members(what, day), *self._referring(what), *self._uploads(what)]
        return sorted(found, key=lambda each: (each.kind, each.id, each.detail))

    def erase(self, what: Erasable) -> list[str]:
        if [*self._referring(what)]:
            raise Conflict("something that stays refers to this", code="reference_missing")
        names = self._erase_packages(what) | self._erase_attendance(what)
        self._erase_access(what)
        self._erase_groups(what)
        for table, ids in (
            (self.tables.terms, what.terms),
            (self.tables.rooms, what.rooms),
            (self.tables.users, what.users),
        ):
            for key in ids:
                table.drop(key)
        for link, ours in list(self.tables.links.rows.items()):
            if link[1] in _LINKED and ours in getattr(what, _LINKED[link[1]]):
                self.tables.links.drop(link)
        return sorted(names)

    def _members(self, what: Erasable, day: date) -> Iterator[Dependent]:
        for row in self.tables.memberships.rows.values():
            stays = row.user not in what.users, row.group not in what.groups
            if stays[0] != stays[1] and (row.end is None or row.end > day):
                yield Dependent("membership", row.user, f"user {row.user} in group {row.group}")

    def _referring(self, what: Erasable) -> Iterator[Dependent]:
        for group in self.tables.groups.rows.values():
            if group.id in what.groups or group.id in self.tables.archived.rows:
                continue
            if group.parent in what.groups or group.term in what.terms:
                yield Dependent("group", group.id, f"group {group.id} ({group.name})")
        for entry in self.tables.entries.rows.values():
            if entry.group not in what.groups and entry.room in what.rooms:
                text = f"schedule entry {entry.id} ({entry.title})"
                yield Dependent("entry", entry.id, text)

    def _uploads(self, what: Erasable) -> Iterator[Dependent]:
        for file in self.tables.dist_files.rows.values():
            listed = file.filename not in self.tables.removed_files.rows
            others = file.uploader is not None and file.uploader not in what.users
            if file.project in what.projects and listed and others:
                yield Dependent("file", file.id, f"package file {file.filename}")

    def _erase_packages(self, what: Erasable) -> set[str]:
        names: set[str] = set()
        for file in list(self.tables.dist_files.rows.values()):
            if file.project in what.projects:
                names |= {file.sha256, file.metadata}
                self.tables.dist_files.drop(file.id)
                self.tables.removed_files.drop(file.filename)
            elif file.uploader in what.users:
                self.tables.dist_files.put(file.id, evolve(file, uploader=None))
        for project in list(self.tables.projects.rows.values()):
            if project.id in what.projects:
                self.tables.projects.drop(project.id)
            elif project.owner in what.users:
                self.tables.projects.put(project.id, evolve(project, owner=None))
        return names

    def _erase_attendance(self, what: Erasable) -> set[str]:
        for key, fact in list(self.tables.facts.rows.items()):
            if fact.user in what.users:
                self.tables.facts.drop(key)
        names: set[str] = set()
        for row in list(self.tables.attachments.rows.values()):
            if row.user in what.users:
                names.add(row.sha256)
                self.tables.attachments.drop(row.id)
                self.tables.withdrawn.drop(row.id)
        return names

    def _erase_access(self, what: Erasable) -> None:
        for user in what.users:
            self.tables.hashes.drop(user)
            for stored in self.tables.sessions.having(user):
                self.tables.sessions.drop(stored.session.id)
        for link in list(self.tables.guardianships.rows):
            if any(user in what.users for user in link):
                self.tables.guardianships.drop(link)
        gone = {row.id for row in self.tables.tokens.rows.values() if row.user in what.users}
        for secret, token in list(self.tables.token_hashes.rows.items()):
            if token in gone:
                self.tables.token_hashes.drop(secret)
        for token in gone:
            self.tables.tokens.drop(token)
            self.tables.revoked.drop(token)

    def _erase_groups(self, what: Erasable) -> None:
        for row in list(self.tables.memberships.rows.values()):
            if row.user in what.users or row.group in what.groups:
                self.tables.memberships.drop(row.id)
        for entry in list(self.tables.entries.rows.values()):
            if entry.group in what.groups:
                self.tables.entries.drop(entry.id)
        for group in list(self.tables.groups.rows.values()):
            if group.id in what.groups:
                self.tables.groups.drop(group.id)
                self.tables.archived.drop(group.id)
            elif group.parent in what.groups or group.term in what.terms:
                parent = None if group.parent in what.groups else group.parent
                term = None if group.term in what.terms else group.term
                self.tables.groups.put(group.id, evolve(group, parent=parent, term=term))

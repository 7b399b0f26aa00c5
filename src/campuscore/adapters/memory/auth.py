"""Credentials, sessions and API tokens in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from datetime import datetime

from attrs import evolve, frozen

from campuscore.adapters.memory.store import StoredSession, Tables
from campuscore.domain.auth import (
    OPERATOR,
    ApiToken,
    Credential,
    Session,
    SessionEnd,
    SessionState,
)
from campuscore.domain.rotation import Family
from campuscore.domain.users import Role, User, username_key
from campuscore.ports.auth import NewSession, Rotation

__all__ = ["MemoryCredentials", "MemorySessions", "MemoryTokens"]


@frozen
class MemoryCredentials:
    """The port ``Credentials``."""

    tables: Tables

    def find(self, username: str) -> Credential | None:
        for user in self.tables.users.having(username_key(username)):
            return self._of(user)
        return None

    def find_of(self, user_id: int) -> Credential | None:
        user = self.tables.users.rows.get(user_id)
        return None if user is None else self._of(user)

    def set(self, user_id: int, password_hash: str, at: datetime) -> None:  # noqa: ARG002 - nobody asks a memory store when a password was set
        self.tables.require_user(user_id)
        self.tables.hashes.put(user_id, password_hash)

    def rehash(self, user_id: int, old_hash: str, new_hash: str) -> bool:
        if self.tables.hashes.rows.get(user_id) != old_hash:
            return False
        self.tables.hashes.put(user_id, new_hash)
        return True

    def stored(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        rows = self.tables.hashes.rows
        return [(key, rows[key]) for key in sorted(rows) if key > after][:limit]

    def hold(self, user_id: int) -> int:
        return self.tables.version_of(user_id) if user_id in self.tables.users.rows else 0

    def supersede(self, user_id: int) -> None:
        self.tables.versions.put(user_id, self.tables.version_of(user_id) + 1)

    def _of(self, user: User) -> Credential:
        stored = self.tables.hashes.rows.get(user.id, "")
        return Credential(copy(user), self.tables.version_of(user.id), stored)


@frozen
class MemorySessions:
    """The port ``Sessions``."""

    tables: Tables

    def open(self, new: NewSession) -> int:
        self.tables.require_user(new.user)
        session = Session(
            self.tables.sessions.next_id(),
            new.user,
            new.at,
            new.at,
            new.expires_at,
            new.ip_address,
            new.user_agent,
            new.actor,
        )
        stored = StoredSession(session, new.family_hash, new.secret_hash)
        self.tables.sessions.put(session.id, stored)
        return session.id

    def state(self, session_id: int) -> SessionState | None:
        row = self.tables.sessions.rows.get(session_id)
        return None if row is None else self._state(row)

    def family(self, session_id: int) -> Family | None:
        row = self.tables.sessions.rows.get(session_id)
        if row is None:
            return None
        return Family(
            self._state(row),
            row.session.last_used_at,
            row.family_hash,
            row.secret_hash,
            row.generation,
            row.before_hash,
            row.successor,
            row.rotated_at,
            row.rotated_by,
        )

    def rotate(self, session_id: int, old: bytes, rotation: Rotation) -> bool:
        row = self.tables.sessions.rows.get(session_id)
        if row is None or row.secret_hash != old or row.ended_at is not None:
            return False
        rotated = evolve(
            row,
            session=evolve(row.session, last_used_at=rotation.at),
            secret_hash=rotation.secret_hash,
            generation=row.generation + 1,
            before_hash=old,
            successor=rotation.successor,
            rotated_at=rotation.at,
            rotated_by=rotation.agent,
        )
        self.tables.sessions.put(session_id, rotated)
        return True

    def list(self, user_id: int, at: datetime) -> list[Session]:
        rows = [row for row in self._open(user_id) if row.expires_at > at]
        return sorted(rows, key=lambda row: row.id, reverse=True)

    def addresses(self, username: str, since: datetime) -> Collection[str]:
        users = self.tables.users.having(username_key(username))
        rows = [row.session for user in users for row in self.tables.sessions.having(user.id)]
        own = [row for row in rows if row.actor is None and row.created_at >= since]
        return {row.ip_address for row in own if row.ip_address is not None}

    def latest(self, limit: int) -> Sequence[Session]:
        rows = sorted(self.tables.sessions.rows.items(), reverse=True)
        return [copy(row.session) for _, row in rows[:limit]]

    def end(self, session_id: int, user_id: int, at: datetime, why: SessionEnd) -> bool:  # noqa: ARG002 - nobody asks a memory store why
        row = self.tables.sessions.rows.get(session_id)
        if row is None or row.session.user != user_id or row.ended_at is not None:
            return False
        self.tables.sessions.put(session_id, evolve(row, ended_at=at))
        return True

    def end_all(self, user_id: int, at: datetime, why: SessionEnd, keep: int | None = None) -> int:
        rows = [*self._open(user_id), *self._acting(user_id)]
        return sum(self.end(row.id, row.user, at, why) for row in rows if row.id != keep)

    def _open(self, user_id: int) -> Sequence[Session]:
        rows = self.tables.sessions.having(user_id)
        return [copy(row.session) for row in rows if row.ended_at is None]

    def _acting(self, user_id: int) -> Sequence[Session]:
        rows = self.tables.sessions.rows.values()
        return [copy(r.session) for r in rows if r.session.actor == user_id and r.ended_at is None]

    def _state(self, row: StoredSession) -> SessionState:
        user, actor = self.tables.users.rows[row.session.user], row.session.actor
        return SessionState(
            user.id,
            user.username,
            user.role,
            user.active,
            self.tables.version_of(user.id),
            row.ended_at is not None,
            row.session.expires_at,
            actor,
            actor_counts=actor == OPERATOR.user_id or self._administers(actor),
            ring=self.tables.ring,
        )

    def _administers(self, actor: int | None) -> bool:
        user = None if actor is None else self.tables.users.rows.get(actor)
        return user is not None and user.active and user.role is Role.ADMIN


@frozen
class MemoryTokens:
    """The port ``ApiTokens``."""

    tables: Tables

    def add(self, token: ApiToken, secret_hash: bytes) -> ApiToken:
        self.tables.require_user(token.user)
        row = evolve(token, id=self.tables.tokens.next_id())
        self.tables.tokens.put(row.id, row)
        self.tables.token_hashes.put(secret_hash, row.id)
        return row

    def find(self, secret_hash: bytes, at: datetime) -> tuple[ApiToken, User] | None:
        key = self.tables.token_hashes.rows.get(secret_hash)
        if key is None or key in self.tables.revoked.rows:
            return None
        row = self.tables.tokens.rows[key]
        if row.expires_at is not None and row.expires_at <= at:
            return None
        return copy(row), copy(self.tables.users.rows[row.user])

    def list(self, user_id: int | None) -> Sequence[ApiToken]:
        return [
            copy(row)
            for key, row in sorted(self.tables.tokens.rows.items())
            if key not in self.tables.revoked.rows and user_id in {None, row.user}
        ]

    def touch(self, token_id: int, at: datetime) -> None:
        row = self.tables.tokens.rows.get(token_id)
        if row is not None:
            self.tables.tokens.put(token_id, evolve(row, last_used_at=at))

    def revoke(self, token_id: int, user_id: int | None, at: datetime) -> bool:
        row = self.tables.tokens.rows.get(token_id)
        if row is None or token_id in self.tables.revoked.rows or user_id not in {None, row.user}:
            return False
        self.tables.revoked.put(token_id, at)
        return True

    def revoke_all(self, user_id: int, at: datetime) -> int:
        return sum(self.revoke(row.id, user_id, at) for row in self.list(user_id))

"""Credentials, sessions and API tokens in memory."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime

from attrs import evolve, frozen

from campuscore.adapters.memory.store import StoredSession, Tables
from campuscore.domain.auth import ApiToken, Credential, Session, SessionState
from campuscore.domain.users import User, username_key
from campuscore.ports.auth import NewSession

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

    def _of(self, user: User) -> Credential:
        return Credential(copy(user), self.tables.hashes.rows.get(user.id, ""))


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
        )
        self.tables.sessions.put(session.id, StoredSession(session, new.refresh_hash))
        return session.id

    def state(self, session_id: int) -> SessionState | None:
        row = self.tables.sessions.rows.get(session_id)
        if row is None:
            return None
        user, ended = self.tables.users.rows[row.session.user], row.ended_at is not None
        expires_at = row.session.expires_at
        return SessionState(user.id, user.username, user.role, user.active, ended, expires_at)

    def rotate(
        self, session_id: int, old: bytes, new: bytes, at: datetime, idle: datetime
    ) -> int | None:
        row = self.tables.sessions.rows.get(session_id)
        if row is None or row.refresh_hash != old or row.ended_at is not None:
            return None
        user = self.tables.users.rows[row.session.user]
        session = row.session
        if session.last_used_at <= idle or session.expires_at <= at or not user.active:
            return None
        used = evolve(row, session=evolve(session, last_used_at=at), refresh_hash=new)
        self.tables.sessions.put(session_id, used)
        return user.id

    def list(self, user_id: int, at: datetime) -> list[Session]:
        rows = [row for row in self._open(user_id) if row.expires_at > at]
        return sorted(rows, key=lambda row: row.id, reverse=True)

    def end(self, session_id: int, user_id: int, at: datetime) -> bool:
        row = self.tables.sessions.rows.get(session_id)
        if row is None or row.session.user != user_id or row.ended_at is not None:
            return False
        self.tables.sessions.put(session_id, evolve(row, ended_at=at))
        return True

    def end_all(self, user_id: int, at: datetime, keep: int | None = None) -> int:
        keys = [row.id for row in self._open(user_id) if row.id != keep]
        return sum(self.end(key, user_id, at) for key in keys)

    def _open(self, user_id: int) -> Sequence[Session]:
        rows = self.tables.sessions.having(user_id)
        return [copy(row.session) for row in rows if row.ended_at is None]


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
        user = self.tables.users.rows[row.user]
        if not user.active or (row.expires_at is not None and row.expires_at <= at):
            return None
        return copy(row), copy(user)

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

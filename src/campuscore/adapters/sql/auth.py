"""Credentials, sessions and API tokens in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    and_,
    bindparam,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from campuscore.adapters.sql.columns import Instant
from campuscore.adapters.sql.desk import Desk
from campuscore.adapters.sql.dialects import upsert
from campuscore.adapters.sql.keys import REVISION
from campuscore.adapters.sql.tables import api_tokens, credentials, sessions, users
from campuscore.adapters.sql.trouble import translated
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
from campuscore.errors import NotFound
from campuscore.ports.auth import NewSession, Rotation

__all__ = ["SqlApiTokens", "SqlCredentials", "SqlSessions"]

_AT = bindparam("at", type_=Instant)
_USER = tuple(users.c)[:9]
_SESSION = tuple(sessions.c)[:8]
_TOKEN = tuple(api_tokens.c)[:7]

_credential = select(
    *_USER, users.c.security_version, func.coalesce(credentials.c.password_hash, "")
).select_from(users.outerjoin(credentials, credentials.c.user_id == users.c.id))
_FIND_CREDENTIAL = _credential.where(users.c.username_key == bindparam("named"))
_CREDENTIAL_OF = _credential.where(users.c.id == bindparam("of_user"))
_new = upsert(credentials)
_SET = _new.on_conflict_do_update(
    index_elements=["user_id"],
    set_={"password_hash": _new.excluded.password_hash, "changed_at": _new.excluded.changed_at},
)
_REHASH = (
    update(credentials)
    .where(
        credentials.c.user_id == bindparam("of_user"),
        credentials.c.password_hash == bindparam("old_hash"),
    )
    .values(password_hash=bindparam("new_hash"))
)
_STORED = (
    select(credentials.c.user_id, credentials.c.password_hash)
    .where(credentials.c.user_id > bindparam("after"))
    .order_by(credentials.c.user_id)
    .limit(bindparam("most", type_=Integer))
)

_HOLD = (
    select(users.c.security_version)
    .where(users.c.id == bindparam("of_user"))
    .with_for_update(read=True)  # on PostgreSQL; on SQLite writers take turns
)
_SUPERSEDE = (
    update(users)
    .where(users.c.id == bindparam("of_user"))
    .values(security_version=users.c.security_version + 1)
)

_OPEN = insert(sessions)
_actor = users.alias("actor")
_actor_counts = and_(_actor.c.active == true(), _actor.c.role == literal(str(Role.ADMIN)))
_state = (
    users.c.id,
    users.c.username,
    users.c.role,
    users.c.active,
    users.c.security_version,
    sessions.c.ended_at.is_not(None),
    sessions.c.expires_at,
    sessions.c.actor_id,
    or_(sessions.c.actor_id == OPERATOR.user_id, func.coalesce(_actor_counts, false())),
    REVISION,
)
_family = (
    sessions.c.last_used_at,
    sessions.c.family_hash,
    sessions.c.secret_hash,
    sessions.c.generation,
    sessions.c.before_hash,
    sessions.c.successor,
    sessions.c.rotated_at,
    sessions.c.rotated_by,
)
_whole = sessions.join(users, users.c.id == sessions.c.user_id).outerjoin(
    _actor, _actor.c.id == sessions.c.actor_id
)
_this = sessions.c.id == bindparam("session_id", type_=Integer)
_STATE = select(*_state).select_from(_whole).where(_this)
_FAMILY = select(*_state, *_family).select_from(_whole).where(_this)
_ROTATE = (
    update(sessions)
    .where(_this, sessions.c.secret_hash == bindparam("old_hash"), sessions.c.ended_at.is_(None))
    .values(
        before_hash=sessions.c.secret_hash,
        secret_hash=bindparam("new_hash"),
        successor=bindparam("sealed"),
        generation=sessions.c.generation + 1,
        last_used_at=_AT,
        rotated_at=_AT,
        rotated_by=bindparam("agent"),
    )
)
_open = sessions.c.ended_at.is_(None)
_theirs = and_(_open, sessions.c.user_id == bindparam("of_user"))
_acting = and_(_open, sessions.c.actor_id == bindparam("of_user"))
_ended = {"ended_at": _AT, "ended_by": bindparam("why", type_=sessions.c.ended_by.type)}
_LIST = select(*_SESSION).where(_theirs, sessions.c.expires_at > _AT).order_by(sessions.c.id.desc())
_ADDRESSES = (
    select(sessions.c.ip_address)
    .distinct()
    .join(users, users.c.id == sessions.c.user_id)
    .where(
        users.c.username_key == bindparam("named"),
        sessions.c.created_at >= _AT,
        sessions.c.ip_address.is_not(None),
        sessions.c.actor_id.is_(None),
    )
)
_LATEST = select(*_SESSION).order_by(sessions.c.id.desc()).limit(bindparam("most"))
_END = update(sessions).where(_theirs, _this).values(_ended)
_END_ALL = (
    update(sessions).where(or_(_theirs, _acting), sessions.c.id != bindparam("kept")).values(_ended)
)

_ADD_TOKEN = insert(api_tokens)
_FIND_TOKEN = (
    select(*_TOKEN, *_USER)
    .join(users, users.c.id == api_tokens.c.user_id)
    .where(
        api_tokens.c.secret_hash == bindparam("secret_hash"),
        api_tokens.c.revoked_at.is_(None),
        or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > _AT),
    )
)
_LIST_TOKENS = select(*_TOKEN).where(api_tokens.c.revoked_at.is_(None)).order_by(api_tokens.c.id)
_LIST_TOKENS_OF = _LIST_TOKENS.where(api_tokens.c.user_id == bindparam("of_user"))
_TOUCH = update(api_tokens).where(api_tokens.c.id == bindparam("token_id")).values(last_used_at=_AT)
_REVOKE = (
    update(api_tokens)
    .where(api_tokens.c.id == bindparam("token_id"), api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=_AT)
)
_REVOKE_OWN = _REVOKE.where(api_tokens.c.user_id == bindparam("of_user"))
_REVOKE_ALL = (
    update(api_tokens)
    .where(api_tokens.c.user_id == bindparam("of_user"), api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=_AT)
)


class SqlCredentials:
    """The repository of password hashes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, username: str) -> Credential | None:
        return self._one(_FIND_CREDENTIAL, {"named": username_key(username)})

    def find_of(self, user_id: int) -> Credential | None:
        return self._one(_CREDENTIAL_OF, {"of_user": user_id})

    def set(self, user_id: int, password_hash: str, at: datetime) -> None:
        values = {"user_id": user_id, "password_hash": password_hash, "changed_at": at}
        with translated(missing=NotFound("there is no such user", code="user_not_found")):
            self._desk.execute(_SET, values)

    def rehash(self, user_id: int, old_hash: str, new_hash: str) -> bool:
        values = {"of_user": user_id, "old_hash": old_hash, "new_hash": new_hash}
        return self._desk.execute(_REHASH, values).rowcount == 1

    def stored(self, after: int, limit: int) -> Sequence[tuple[int, str]]:
        rows = self._desk.execute(_STORED, {"after": after, "most": limit}).all()
        return [(int(user_id), str(text)) for user_id, text in rows]

    def hold(self, user_id: int) -> int:
        return int(self._desk.execute(_HOLD, {"of_user": user_id}).scalar() or 0)

    def supersede(self, user_id: int) -> None:
        self._desk.execute(_SUPERSEDE, {"of_user": user_id})

    def _one(self, statement: Any, values: dict[str, Any]) -> Credential | None:
        row = self._desk.execute(statement, values).first()
        return None if row is None else Credential(User(*row[:-2]), *row[-2:])


class SqlSessions:
    """The repository of logins."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def open(self, new: NewSession) -> int:
        values = {
            "user_id": new.user,
            "created_at": new.at,
            "last_used_at": new.at,
            "expires_at": new.expires_at,
            "ip_address": new.ip_address,
            "user_agent": new.user_agent,
            "actor_id": new.actor,
            "reason": new.reason,
            "family_hash": new.family_hash,
            "secret_hash": new.secret_hash,
            "generation": 0,
            "before_hash": None,
            "successor": None,
            "rotated_at": None,
            "rotated_by": None,
            "ended_at": None,
            "ended_by": None,
        }
        with translated(missing=NotFound("there is no such user", code="user_not_found")):
            return self._desk.insert(_OPEN, values)

    def state(self, session_id: int) -> SessionState | None:
        row = self._desk.execute(_STATE, {"session_id": session_id}).first()
        return None if row is None else _state_of(row)

    def family(self, session_id: int) -> Family | None:
        row = self._desk.execute(_FAMILY, {"session_id": session_id}).first()
        return None if row is None else Family(_state_of(row), *row[len(_state) :])

    def rotate(self, session_id: int, old: bytes, rotation: Rotation) -> bool:
        values = {
            "session_id": session_id,
            "old_hash": old,
            "new_hash": rotation.secret_hash,
            "sealed": rotation.successor,
            "at": rotation.at,
            "agent": rotation.agent,
        }
        return self._desk.execute(_ROTATE, values).rowcount == 1

    def list(self, user_id: int, at: datetime) -> list[Session]:
        values = {"of_user": user_id, "at": at}
        return self._desk.execute(_LIST, values).build(Session)

    def addresses(self, username: str, since: datetime) -> Collection[str]:
        values = {"named": username_key(username), "at": since}
        return self._desk.execute(_ADDRESSES, values).scalars()

    def latest(self, limit: int) -> Sequence[Session]:
        return self._desk.execute(_LATEST, {"most": limit}).build(Session)

    def end(self, session_id: int, user_id: int, at: datetime, why: SessionEnd) -> bool:
        values = {"session_id": session_id, "of_user": user_id, "at": at, "why": why}
        return self._desk.execute(_END, values).rowcount == 1

    def end_all(self, user_id: int, at: datetime, why: SessionEnd, keep: int | None = None) -> int:
        values = {"of_user": user_id, "kept": keep or 0, "at": at, "why": why}
        return self._desk.execute(_END_ALL, values).rowcount


def _state_of(row: Sequence[Any]) -> SessionState:
    state = SessionState(*row[: len(_state)])
    state.actor_counts = bool(state.actor_counts)
    state.ring = int(state.ring)  # PostgreSQL sums up to a decimal
    return state


class SqlApiTokens:
    """The repository of API tokens."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(self, token: ApiToken, secret_hash: bytes) -> ApiToken:
        values = {
            "user_id": token.user,
            "name": token.name,
            "scopes": token.scopes,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "last_used_at": token.last_used_at,
            "secret_hash": secret_hash,
        }
        with translated(missing=NotFound("there is no such user", code="user_not_found")):
            token.id = self._desk.insert(_ADD_TOKEN, values)
        return token

    def find(self, secret_hash: bytes, at: datetime) -> tuple[ApiToken, User] | None:
        values = {"secret_hash": secret_hash, "at": at}
        row = self._desk.execute(_FIND_TOKEN, values).first()
        return None if row is None else (ApiToken(*row[: len(_TOKEN)]), User(*row[len(_TOKEN) :]))

    def list(self, user_id: int | None) -> Sequence[ApiToken]:
        statement = _LIST_TOKENS if user_id is None else _LIST_TOKENS_OF
        return self._desk.execute(statement, {"of_user": user_id}).build(ApiToken)

    def touch(self, token_id: int, at: datetime) -> None:
        self._desk.execute(_TOUCH, {"token_id": token_id, "at": at})

    def revoke(self, token_id: int, user_id: int | None, at: datetime) -> bool:
        values: dict[str, Any] = {"token_id": token_id, "at": at}
        if user_id is None:
            return self._desk.execute(_REVOKE, values).rowcount == 1
        values["of_user"] = user_id
        return self._desk.execute(_REVOKE_OWN, values).rowcount == 1

    def revoke_all(self, user_id: int, at: datetime) -> int:
        return self._desk.execute(_REVOKE_ALL, {"of_user": user_id, "at": at}).rowcount

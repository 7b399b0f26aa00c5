"""The contracts of credentials, sessions and API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import evolve

from campuscore.domain.auth import OPERATOR, ApiToken, Session, SessionEnd, SessionState
from campuscore.domain.rotation import Family
from campuscore.domain.users import Role
from campuscore.errors import NotFound
from campuscore.ports.auth import NewSession, Rotation
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.retrying import retrying
from campuscore.testing.contract import NOBODY, NOON, Contract, add_user

__all__ = ["ApiTokensContract", "CredentialsContract", "SessionsContract"]

_SECOND, _HOUR = timedelta(seconds=1), timedelta(hours=1)
_OLD, _NEW, _WRONG = b"\0" * 32, b"\x01" * 32, b"\xff" * 32
_FAMILY, _SEALED = b"\x02" * 32, b"\x03" * 32


class CredentialsContract(Contract):
    """What ``Credentials`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_user_without_password_has_an_empty_hash(self, store: WorkFactory) -> None:
        with store.write() as work:
            key = add_user(work, "Anna")
            user = work.users.find(key)
            for found in (work.credentials.find("aNNA"), work.credentials.find_of(key)):
                assert found is not None
                assert (found.user, found.password_hash) == (user, "")
            assert work.credentials.find("nobody") is None
            assert work.credentials.find_of(NOBODY) is None

    def test_set_replaces_the_hash_of_one_user(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            for text in ("first", "second"):
                work.credentials.set(anna, text, NOON)
            work.commit()
        with store.read() as work:
            assert [_hash(work, key) for key in (anna, bert)] == ["second", ""]

    def test_rehash_gives_way_to_a_change(self, store: WorkFactory) -> None:
        with store.write() as work:
            key, other = add_user(work, "anna"), add_user(work, "bert")
            assert not work.credentials.rehash(key, "", "new")
            for user in (key, other):
                work.credentials.set(user, "old", NOON)
            assert not work.credentials.rehash(key, "other", "new")
            assert work.credentials.rehash(key, "old", "new")
            assert [_hash(work, user) for user in (key, other)] == ["new", "old"]

    def test_stored_hashes_are_walked_in_the_order_of_ids(self, store: WorkFactory) -> None:
        with store.write() as work:
            keys = [add_user(work, name) for name in ("anna", "bert", "none", "cleo", "dora")]
            rows = [(key, f"hash {key}") for key in keys if key != keys[2]]
            for key, text in reversed(rows):
                work.credentials.set(key, text, NOON)
            work.commit()
        with store.read() as work:
            assert list(work.credentials.stored(0, 3)) == rows[:3]
            assert list(work.credentials.stored(rows[0][0], 2)) == rows[1:3]
            assert list(work.credentials.stored(rows[2][0], 3)) == rows[3:]
            assert list(work.credentials.stored(rows[3][0], 3)) == []

    def test_versions_count_up_for_one_user(self, store: WorkFactory) -> None:
        with store.write() as work:
            key, other = add_user(work, "anna"), add_user(work, "bert")
            logins = [_open(work, user) for user in (key, other)]
            work.credentials.supersede(key)
            work.credentials.supersede(key)
            work.commit()
        with store.read() as work:
            states = [work.sessions.state(login) for login in logins]
            assert [state and state.version for state in states] == [3, 1]

    def test_inactive_users_are_found_too(self, store: WorkFactory) -> None:
        with store.write() as work:
            key = add_user(work, "anna")
            _deactivate(work, key)
            found = work.credentials.find("anna")
            assert found is not None
            assert not found.user.active


class SessionsContract(Contract):
    """What ``Sessions`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_state_tells_whose_and_whether_it_counts(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna", Role.TEACHER)
            key = _open(work, user)
            ends = NOON + _HOUR
            state = SessionState(
                user,
                "anna",
                Role.TEACHER,
                active=True,
                version=1,
                ended=False,
                expires_at=ends,
                actor=None,
                actor_counts=False,
            )
            assert work.sessions.state(key) == state
            assert work.sessions.state(NOBODY) is None
            assert work.sessions.end(key, user, NOON, SessionEnd.LOGOUT)
            _deactivate(work, user)
            work.credentials.supersede(user)
            work.commit()
        with store.read() as work:
            changed = evolve(state, active=False, version=2, ended=True)
            assert work.sessions.state(key) == changed

    def test_state_tells_who_acts_and_whether_they_count(self, store: WorkFactory) -> None:
        with store.write() as work:
            user, root = add_user(work, "anna"), add_user(work, "root", Role.ADMIN)
            teacher = add_user(work, "bert", Role.TEACHER)
            keys = {
                actor: work.sessions.open(evolve(_new(user), actor=actor))
                for actor in (root, teacher, OPERATOR.user_id, NOBODY)
            }
            assert _acting(work, keys) == {root: True, teacher: False, 0: True, NOBODY: False}
            _deactivate(work, root)
            assert _acting(work, keys)[root] is False

    def test_a_session_belongs_to_a_user(self, store: WorkFactory) -> None:
        with store.write() as work:
            with pytest.raises(NotFound) as caught, work.savepoint():
                _open(work, NOBODY)
            assert caught.value.code == "user_not_found"

    def test_rotation_needs_the_present_secret_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            key, other = _open(work, user), _open(work, user)
            at = NOON + _SECOND
            there, back = Rotation(_NEW, _SEALED, at, "Bot/1"), Rotation(_OLD, _WRONG, at, None)
            assert not work.sessions.rotate(key, _WRONG, there)
            assert not work.sessions.rotate(NOBODY, _OLD, there)
            assert work.sessions.rotate(key, _OLD, there)
            assert not work.sessions.rotate(key, _OLD, there)
            state = work.sessions.state(key)
            assert state is not None
            family = Family(state, at, _FAMILY, _NEW, 1, _OLD, _SEALED, at, "Bot/1")
            assert work.sessions.family(key) == family
            assert work.sessions.rotate(key, _NEW, back)
            rotated = Family(state, at, _FAMILY, _OLD, 2, _NEW, _WRONG, at, None)
            assert work.sessions.family(key) == rotated
            used = {row.id: row.last_used_at for row in work.sessions.list(user, NOON)}
            assert used == {key: at, other: NOON}

    def test_family_begins_without_a_past(self, store: WorkFactory) -> None:
        with store.write() as work:
            key = _open(work, add_user(work, "anna"))
            state = work.sessions.state(key)
            assert state is not None
            fresh = Family(state, NOON, _FAMILY, _OLD, 0, None, None, None, None)
            assert work.sessions.family(key) == fresh
            assert work.sessions.family(NOBODY) is None

    def test_rotation_ends_with_the_session(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            key = _open(work, user)
            work.sessions.end(key, user, NOON, SessionEnd.REPLAY)
            assert not work.sessions.rotate(key, _OLD, Rotation(_NEW, _SEALED, NOON, None))

    def test_of_many_threads_one_rotates(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")
        with store.write() as work:
            key = _open(work, add_user(work, "anna"))
            work.commit()

        @retrying
        def rotate(number: int) -> bool:
            with store.write() as work:
                new = Rotation(bytes([number]) * 32, _SEALED, NOON + _SECOND, None)
                found = work.sessions.rotate(key, _OLD, new)
                work.commit()
            return found

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(rotate, range(1, 13)))
        assert sorted(found) == [False] * 11 + [True]

    def test_list_gives_open_sessions_newest_first(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            first, gone, last = (_open(work, anna) for _ in range(3))
            _open(work, bert)
            work.sessions.end(gone, anna, NOON, SessionEnd.LOGOUT)
            row = Session(last, anna, NOON, NOON, NOON + _HOUR, "127.0.0.1", "Bot/1", None)
            assert work.sessions.list(anna, NOON) == [row, evolve(row, id=first)]
            assert work.sessions.list(anna, NOON + _HOUR) == []

    def test_end_is_for_the_user_of_the_session_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            key = _open(work, anna)
            assert not work.sessions.end(key, bert, NOON, SessionEnd.LOGOUT)
            assert not work.sessions.end(NOBODY, anna, NOON, SessionEnd.LOGOUT)
            assert work.sessions.end(key, anna, NOON, SessionEnd.LOGOUT)
            assert not work.sessions.end(key, anna, NOON, SessionEnd.LOGOUT)

    def test_end_all_keeps_one_and_those_of_others(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            kept, *_ = [_open(work, anna) for _ in range(3)]
            other = _open(work, bert)
            everywhere = SessionEnd.EVERYWHERE
            assert work.sessions.end_all(anna, NOON, everywhere, keep=kept) == 2
            assert [row.id for row in work.sessions.list(anna, NOON)] == [kept]
            assert work.sessions.end_all(anna, NOON, everywhere) == 1
            assert work.sessions.end_all(anna, NOON, everywhere) == 0
            assert [row.id for row in work.sessions.list(bert, NOON)] == [other]

    def test_end_all_ends_what_one_does_in_the_name_of_others(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, root = add_user(work, "anna"), add_user(work, "root", Role.ADMIN)
            own = _open(work, anna)
            work.sessions.open(evolve(_new(anna), actor=root))
            assert work.sessions.end_all(root, NOON, SessionEnd.PASSWORD) == 1
            assert [row.id for row in work.sessions.list(anna, NOON)] == [own]

    def test_addresses_tell_from_where_somebody_logged_in(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "Anna"), add_user(work, "bert")
            for address, seconds in (("10.0.0.1", 0), ("10.0.0.2", 1), ("10.0.0.2", 2), (None, 3)):
                at = NOON + seconds * _SECOND
                key = work.sessions.open(evolve(_new(anna), at=at, ip_address=address))
                work.sessions.end(key, anna, at, SessionEnd.LOGOUT)
            work.sessions.open(evolve(_new(anna), ip_address="10.0.0.3", actor=bert))
            work.sessions.open(evolve(_new(bert), ip_address="10.0.0.4"))
            assert sorted(work.sessions.addresses("aNNA", NOON)) == ["10.0.0.1", "10.0.0.2"]
            assert list(work.sessions.addresses("anna", NOON + 2 * _SECOND)) == ["10.0.0.2"]
            assert not work.sessions.addresses("anna", NOON + 3 * _SECOND)
            assert not work.sessions.addresses("nobody", NOON)

    def test_the_latest_are_those_of_everybody(self, store: WorkFactory) -> None:
        with store.write() as work:
            users = [add_user(work, name) for name in ("anna", "bert", "carl")]
            keys = [_open(work, user) for user in users]
            work.sessions.end(keys[2], users[2], NOON, SessionEnd.LOGOUT)
            found = [(row.id, row.user) for row in work.sessions.latest(2)]
            assert found == [(keys[2], users[2]), (keys[1], users[1])]
            assert len(work.sessions.latest(9)) == 3


class ApiTokensContract(Contract):
    """What ``ApiTokens`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_token_is_found_by_its_hash(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            scopes = ("attendance.*", "users.read")
            row = ApiToken(0, user, "бот", scopes, NOON, NOON + _HOUR, None)
            added = work.tokens.add(evolve(row), _OLD)
            work.commit()
        assert evolve(added, id=0) == row
        with store.read() as work:
            assert work.tokens.find(_OLD, NOON) == (added, work.users.find(user))
            assert work.tokens.find(_NEW, NOON) is None
            assert list(work.tokens.list(user)) == [added]

    def test_expired_and_revoked_tokens_are_not_found(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            expiring = _mint(work, anna, _OLD, hours=1)
            revoked = _mint(work, anna, _NEW)
            shut_out = _mint(work, bert, _WRONG)
            assert work.tokens.find(_OLD, NOON + _HOUR - _SECOND) is not None
            assert work.tokens.find(_OLD, NOON + _HOUR) is None
            assert work.tokens.revoke(revoked.id, None, NOON)
            assert work.tokens.find(_NEW, NOON) is None
            _deactivate(work, bert)
            assert work.tokens.find(_WRONG, NOON) == (shut_out, work.users.find(bert))
            assert [row.id for row in work.tokens.list(anna)] == [expiring.id]

    def test_list_is_of_one_user_or_all_by_id(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            rows = [_mint(work, anna, _OLD), _mint(work, bert, _NEW), _mint(work, anna, _WRONG)]
            assert list(work.tokens.list(None)) == rows
            assert list(work.tokens.list(anna)) == [rows[0], rows[2]]
            assert list(work.tokens.list(NOBODY)) == []

    def test_touch_stores_the_last_use_of_one_token(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            used, idle = _mint(work, user, _OLD), _mint(work, user, _NEW)
            work.tokens.touch(used.id, NOON + _SECOND)
            work.tokens.touch(NOBODY, NOON)
            assert list(work.tokens.list(user)) == [evolve(used, last_used_at=NOON + _SECOND), idle]

    def test_revocation_is_once_and_may_ask_for_the_owner(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            row, other = _mint(work, anna, _OLD), _mint(work, anna, _NEW)
            assert not work.tokens.revoke(row.id, bert, NOON)
            assert not work.tokens.revoke(NOBODY, None, NOON)
            assert work.tokens.revoke(row.id, anna, NOON)
            assert not work.tokens.revoke(row.id, anna, NOON)
            assert list(work.tokens.list(anna)) == [other]

    def test_revoke_all_is_for_one_user(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            for digest in (_OLD, _NEW):
                _mint(work, anna, digest)
            other = _mint(work, bert, _WRONG)
            assert work.tokens.revoke_all(anna, NOON) == 2
            assert work.tokens.revoke_all(anna, NOON) == 0
            assert list(work.tokens.list(None)) == [other]


def _hash(work: Work, user: int) -> str | None:
    found = work.credentials.find_of(user)
    return found.password_hash if found else None


def _deactivate(work: Work, key: int) -> None:
    user = work.users.find(key)
    assert user is not None
    work.users.save(evolve(user, active=False))


def _new(user: int) -> NewSession:
    return NewSession(user, _FAMILY, _OLD, NOON, NOON + _HOUR, "127.0.0.1", "Bot/1")


def _open(work: Work, user: int) -> int:
    return work.sessions.open(_new(user))


def _acting(work: Work, keys: Mapping[int, int]) -> dict[int, bool]:
    states = {actor: work.sessions.state(key) for actor, key in keys.items()}
    return {actor: state is not None and state.actor_counts for actor, state in states.items()}


def _mint(work: Work, user: int, secret_hash: bytes, hours: int | None = None) -> ApiToken:
    ends = None if hours is None else NOON + timedelta(hours=hours)
    return work.tokens.add(ApiToken(0, user, "bot", ("*",), NOON, ends, None), secret_hash)

"""The contract of sessions."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve

from campuscore.domain.auth import OPERATOR, Session, SessionEnd, SessionState
from campuscore.domain.rotation import Family
from campuscore.domain.users import Role
from campuscore.errors import NotFound
from campuscore.ports.auth import Rotation
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.retrying import retrying
from campuscore.testing.auth.logins import (
    FAMILY,
    HOUR,
    NEW,
    OLD,
    SEALED,
    SECOND,
    WRONG,
    deactivate,
    new_session,
    open_session,
)
from campuscore.testing.contract import NOBODY, NOON, Contract, add_user

__all__ = ["SessionsContract"]


class SessionsContract(Contract):
    """What ``Sessions`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_state_tells_whose_and_whether_it_counts(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna", Role.TEACHER)
            key = open_session(work, user)
            ends = NOON + HOUR
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
            deactivate(work, user)
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
                actor: work.sessions.open(evolve(new_session(user), actor=actor))
                for actor in (root, teacher, OPERATOR.user_id, NOBODY)
            }
            assert _acting(work, keys) == {root: True, teacher: False, 0: True, NOBODY: False}
            deactivate(work, root)
            assert _acting(work, keys)[root] is False

    def test_a_session_belongs_to_a_user(self, store: WorkFactory) -> None:
        with store.write() as work:
            with pytest.raises(NotFound) as caught, work.savepoint():
                open_session(work, NOBODY)
            assert caught.value.code == "user_not_found"

    def test_rotation_needs_the_present_secret_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            key, other = open_session(work, user), open_session(work, user)
            at = NOON + SECOND
            there, back = Rotation(NEW, SEALED, at, "Bot/1"), Rotation(OLD, WRONG, at, None)
            assert not work.sessions.rotate(key, WRONG, there)
            assert not work.sessions.rotate(NOBODY, OLD, there)
            assert work.sessions.rotate(key, OLD, there)
            assert not work.sessions.rotate(key, OLD, there)
            state = work.sessions.state(key)
            assert state is not None
            family = Family(state, at, FAMILY, NEW, 1, OLD, SEALED, at, "Bot/1")
            assert work.sessions.family(key) == family
            assert work.sessions.rotate(key, NEW, back)
            rotated = Family(state, at, FAMILY, OLD, 2, NEW, WRONG, at, None)
            assert work.sessions.family(key) == rotated
            used = {row.id: row.last_used_at for row in work.sessions.list(user, NOON)}
            assert used == {key: at, other: NOON}

    def test_family_begins_without_a_past(self, store: WorkFactory) -> None:
        with store.write() as work:
            key = open_session(work, add_user(work, "anna"))
            state = work.sessions.state(key)
            assert state is not None
            fresh = Family(state, NOON, FAMILY, OLD, 0, None, None, None, None)
            assert work.sessions.family(key) == fresh
            assert work.sessions.family(NOBODY) is None

    def test_rotation_ends_with_the_session(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            key = open_session(work, user)
            work.sessions.end(key, user, NOON, SessionEnd.REPLAY)
            assert not work.sessions.rotate(key, OLD, Rotation(NEW, SEALED, NOON, None))

    def test_of_many_threads_one_rotates(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")
        with store.write() as work:
            key = open_session(work, add_user(work, "anna"))
            work.commit()

        @retrying
        def rotate(number: int) -> bool:
            with store.write() as work:
                new = Rotation(bytes([number]) * 32, SEALED, NOON + SECOND, None)
                found = work.sessions.rotate(key, OLD, new)
                work.commit()
            return found

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(rotate, range(1, 13)))
        assert sorted(found) == [False] * 11 + [True]

    def test_list_gives_open_sessions_newest_first(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            first, gone, last = (open_session(work, anna) for _ in range(3))
            open_session(work, bert)
            work.sessions.end(gone, anna, NOON, SessionEnd.LOGOUT)
            row = Session(last, anna, NOON, NOON, NOON + HOUR, "127.0.0.1", "Bot/1", None)
            assert work.sessions.list(anna, NOON) == [row, evolve(row, id=first)]
            assert work.sessions.list(anna, NOON + HOUR) == []

    def test_end_is_for_the_user_of_the_session_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            key = open_session(work, anna)
            assert not work.sessions.end(key, bert, NOON, SessionEnd.LOGOUT)
            assert not work.sessions.end(NOBODY, anna, NOON, SessionEnd.LOGOUT)
            assert work.sessions.end(key, anna, NOON, SessionEnd.LOGOUT)
            assert not work.sessions.end(key, anna, NOON, SessionEnd.LOGOUT)

    def test_end_all_keeps_one_and_those_of_others(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            kept, *_ = [open_session(work, anna) for _ in range(3)]
            other = open_session(work, bert)
            everywhere = SessionEnd.EVERYWHERE
            assert work.sessions.end_all(anna, NOON, everywhere, keep=kept) == 2
            assert [row.id for row in work.sessions.list(anna, NOON)] == [kept]
            assert work.sessions.end_all(anna, NOON, everywhere) == 1
            assert work.sessions.end_all(anna, NOON, everywhere) == 0
            assert [row.id for row in work.sessions.list(bert, NOON)] == [other]

    def test_end_all_ends_what_one_does_in_the_name_of_others(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, root = add_user(work, "anna"), add_user(work, "root", Role.ADMIN)
            own = open_session(work, anna)
            work.sessions.open(evolve(new_session(anna), actor=root))
            assert work.sessions.end_all(root, NOON, SessionEnd.PASSWORD) == 1
            assert [row.id for row in work.sessions.list(anna, NOON)] == [own]

    def test_addresses_tell_from_where_somebody_logged_in(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "Anna"), add_user(work, "bert")
            for address, seconds in (("10.0.0.1", 0), ("10.0.0.2", 1), ("10.0.0.2", 2), (None, 3)):
                at = NOON + seconds * SECOND
                key = work.sessions.open(evolve(new_session(anna), at=at, ip_address=address))
                work.sessions.end(key, anna, at, SessionEnd.LOGOUT)
            work.sessions.open(evolve(new_session(anna), ip_address="10.0.0.3", actor=bert))
            work.sessions.open(evolve(new_session(bert), ip_address="10.0.0.4"))
            assert sorted(work.sessions.addresses("aNNA", NOON)) == ["10.0.0.1", "10.0.0.2"]
            assert list(work.sessions.addresses("anna", NOON + 2 * SECOND)) == ["10.0.0.2"]
            assert not work.sessions.addresses("anna", NOON + 3 * SECOND)
            assert not work.sessions.addresses("nobody", NOON)

    def test_the_latest_are_those_of_everybody(self, store: WorkFactory) -> None:
        with store.write() as work:
            users = [add_user(work, name) for name in ("anna", "bert", "carl")]
            keys = [open_session(work, user) for user in users]
            work.sessions.end(keys[2], users[2], NOON, SessionEnd.LOGOUT)
            found = [(row.id, row.user) for row in work.sessions.latest(2)]
            assert found == [(keys[2], users[2]), (keys[1], users[1])]
            assert len(work.sessions.latest(9)) == 3


def _acting(work: Work, keys: Mapping[int, int]) -> dict[int, bool]:
    states = {actor: work.sessions.state(key) for actor, key in keys.items()}
    return {actor: state is not None and state.actor_counts for actor, state in states.items()}

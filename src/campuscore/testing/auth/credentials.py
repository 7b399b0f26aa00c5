"""The contract of credentials."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

from campuscore.ports.work import Work, WorkFactory
from campuscore.services.retrying import retrying
from campuscore.testing.auth.logins import (
    deactivate,
    open_session,
)
from campuscore.testing.contract import NOBODY, NOON, Contract, add_user

__all__ = ["CredentialsContract"]


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
            logins = [open_session(work, user) for user in (key, other)]
            work.credentials.supersede(key)
            work.credentials.supersede(key)
            work.commit()
        with store.write() as work:
            states = [work.sessions.state(login) for login in logins]
            assert [state and state.version for state in states] == [3, 1]
            found = [work.credentials.find(name) for name in ("anna", "bert")]
            assert [each and each.version for each in found] == [3, 1]
            assert [work.credentials.hold(each) for each in (key, other, NOBODY)] == [3, 1, 0]

    def test_a_version_that_is_held_is_counted_up_later(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")
        with store.write() as work:
            key = add_user(work, "anna")
            work.commit()

        @retrying
        def supersede() -> None:
            with store.write() as work:
                work.credentials.supersede(key)
                work.commit()

        with ThreadPoolExecutor(1) as pool:
            with store.write() as work:
                assert work.credentials.hold(key) == 1
                waiting = pool.submit(supersede)
                assert not wait([waiting], timeout=0.3).done
                work.commit()
            waiting.result()
        with store.write() as work:
            assert work.credentials.hold(key) == 2

    def test_inactive_users_are_found_too(self, store: WorkFactory) -> None:
        with store.write() as work:
            key = add_user(work, "anna")
            deactivate(work, key)
            found = work.credentials.find("anna")
            assert found is not None
            assert not found.user.active


def _hash(work: Work, user: int) -> str | None:
    found = work.credentials.find_of(user)
    return found.password_hash if found else None

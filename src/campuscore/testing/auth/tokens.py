"""The contract of API tokens."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from campuscore.domain.auth import ApiToken
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.auth.logins import (
    HOUR,
    NEW,
    OLD,
    SECOND,
    WRONG,
    deactivate,
)
from campuscore.testing.contract import NOBODY, NOON, Contract, add_user

__all__ = ["ApiTokensContract"]


class ApiTokensContract(Contract):
    """What ``ApiTokens`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_token_is_found_by_its_hash(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            scopes = ("attendance.*", "users.read")
            row = ApiToken(0, user, "бот", scopes, NOON, NOON + HOUR, None)
            added = work.tokens.add(evolve(row), OLD)
            work.commit()
        assert evolve(added, id=0) == row
        with store.read() as work:
            assert work.tokens.find(OLD, NOON) == (added, work.users.find(user))
            assert work.tokens.find(NEW, NOON) is None
            assert list(work.tokens.list(user)) == [added]

    def test_expired_and_revoked_tokens_are_not_found(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            expiring = _mint(work, anna, OLD, hours=1)
            revoked = _mint(work, anna, NEW)
            shut_out = _mint(work, bert, WRONG)
            assert work.tokens.find(OLD, NOON + HOUR - SECOND) is not None
            assert work.tokens.find(OLD, NOON + HOUR) is None
            assert work.tokens.revoke(revoked.id, None, NOON)
            assert work.tokens.find(NEW, NOON) is None
            deactivate(work, bert)
            assert work.tokens.find(WRONG, NOON) == (shut_out, work.users.find(bert))
            assert [row.id for row in work.tokens.list(anna)] == [expiring.id]

    def test_list_is_of_one_user_or_all_by_id(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            rows = [_mint(work, anna, OLD), _mint(work, bert, NEW), _mint(work, anna, WRONG)]
            assert list(work.tokens.list(None)) == rows
            assert list(work.tokens.list(anna)) == [rows[0], rows[2]]
            assert list(work.tokens.list(NOBODY)) == []

    def test_touch_stores_the_last_use_of_one_token(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = add_user(work, "anna")
            used, idle = _mint(work, user, OLD), _mint(work, user, NEW)
            work.tokens.touch(used.id, NOON + SECOND)
            work.tokens.touch(NOBODY, NOON)
            assert list(work.tokens.list(user)) == [evolve(used, last_used_at=NOON + SECOND), idle]

    def test_revocation_is_once_and_may_ask_for_the_owner(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            row, other = _mint(work, anna, OLD), _mint(work, anna, NEW)
            assert not work.tokens.revoke(row.id, bert, NOON)
            assert not work.tokens.revoke(NOBODY, None, NOON)
            assert work.tokens.revoke(row.id, anna, NOON)
            assert not work.tokens.revoke(row.id, anna, NOON)
            assert list(work.tokens.list(anna)) == [other]

    def test_revoke_all_is_for_one_user(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert")
            for digest in (OLD, NEW):
                _mint(work, anna, digest)
            other = _mint(work, bert, WRONG)
            assert work.tokens.revoke_all(anna, NOON) == 2
            assert work.tokens.revoke_all(anna, NOON) == 0
            assert list(work.tokens.list(None)) == [other]


def _mint(work: Work, user: int, secret_hash: bytes, hours: int | None = None) -> ApiToken:
    ends = None if hours is None else NOON + timedelta(hours=hours)
    return work.tokens.add(ApiToken(0, user, "bot", ("*",), NOON, ends, None), secret_hash)

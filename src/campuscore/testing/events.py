"""The contract of the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta

from campuscore.domain.events import JSON, Message, MessageState, NewMessage
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.contract import NOBODY, NOON, Contract

__all__ = ["OutboxContract"]

_SECOND, _LEASE = timedelta(seconds=1), timedelta(seconds=30)


class OutboxContract(Contract):
    """What ``Outbox`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_message_is_pending_and_due(self, store: WorkFactory) -> None:
        payload: dict[str, JSON] = {
            "name": "Иванов",
            "list": [1, None, {"deep": True}],
            "half": 0.5,
        }
        with store.write() as work:
            work.outbox.add([NewMessage("user.created", "7", payload), _new("late", 60)], NOON)
            work.outbox.add([], NOON)
            work.commit()
        with store.read() as work:
            first, late = _all(work)
        assert first == Message(
            first.id, "user.created", "7", payload, NOON, NOON, 0, MessageState.PENDING, ""
        )
        assert late.due_at == NOON + timedelta(seconds=60)

    def test_take_gives_what_is_due_by_id(self, store: WorkFactory) -> None:
        with store.write() as work:
            news = [_new("a"), _new("later", 60), _new("b"), _new("c")]
            work.outbox.add(news, NOON)
            assert _take(work, "me", NOON, limit=2) == ["a", "b"]
            assert _take(work, "me", NOON) == ["a", "b", "c"]
            assert _take(work, "me", NOON + 60 * _SECOND) == ["a", "later", "b", "c"]
            assert _take(work, "me", NOON - _SECOND) == []

    def test_has_due_tells_whether_take_is_worth_it(self, store: WorkFactory) -> None:
        with store.write() as work:
            assert not work.outbox.has_due(NOON)
            work.outbox.add([_new("later", 60)], NOON)
            assert not work.outbox.has_due(NOON)
            assert work.outbox.has_due(NOON + 60 * _SECOND)
            work.outbox.done([message.id for message in _all(work)])
            assert not work.outbox.has_due(NOON + 60 * _SECOND)

    def test_one_lease_serves_one_owner_at_a_time(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.outbox.add([_new("a")], NOON)
            assert _take(work, "me", NOON) == ["a"]
            assert _take(work, "you", NOON + _LEASE - _SECOND) == []
            assert _take(work, "me", NOON + _LEASE - _SECOND) == ["a"]
            assert _take(work, "you", NOON + _LEASE) == []
            assert _take(work, "you", NOON + 2 * _LEASE - _SECOND) == ["a"]
            assert _take(work, "me", NOON + 2 * _LEASE) == []

    def test_delivered_messages_stay_on_record(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.outbox.add([_new("a"), _new("b")], NOON)
            first, second = _all(work)
            work.outbox.done([first.id])
            work.outbox.done([])
            assert _take(work, "me", NOON) == ["b"]
            assert _ids(work, MessageState.DONE) == [first.id]
            assert _ids(work, MessageState.PENDING) == [second.id]

    def test_counts_name_every_state(self, store: WorkFactory) -> None:
        with store.write() as work:
            assert work.outbox.counts() == dict.fromkeys(MessageState, 0)
            work.outbox.add([_new(name) for name in "abcdef"], NOON)
            first, second, third, *_ = _all(work)
            work.outbox.done([first.id])
            for message in (second, third):
                work.outbox.failed(message, "no", None)
            assert work.outbox.counts() == {
                MessageState.PENDING: 3,
                MessageState.DONE: 1,
                MessageState.DEAD: 2,
            }

    def test_a_failure_is_tried_again_when_due(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.outbox.add([_new("a"), _new("b")], NOON)
            message, other = _all(work)
            work.outbox.failed(message, "OSError: full", NOON + _SECOND)
            assert _take(work, "me", NOON) == ["b"]
            failed, untouched = _all(work)
            assert untouched == other
            assert (failed.attempts, failed.last_error) == (1, "OSError: full")
            assert (failed.state, failed.due_at) == (MessageState.PENDING, NOON + _SECOND)
            work.outbox.failed(failed, "again", NOON + 2 * _SECOND)
            assert _all(work)[0].attempts == 2
            assert _take(work, "me", NOON + 2 * _SECOND) == ["a", "b"]

    def test_what_follows_a_waiting_message_of_its_key_waits_too(self, store: WorkFactory) -> None:
        with store.write() as work:
            news = [_new("1", key="x"), _new("2", key="x"), _new("3", key="y")]
            work.outbox.add(news, NOON)
            first, second, _ = _all(work)
            work.outbox.failed(second, "no", NOON + _SECOND)
            assert _take(work, "me", NOON) == ["1", "3"]
            work.outbox.failed(first, "no", NOON + 9 * _SECOND)
            assert _take(work, "me", NOON + _SECOND) == ["3"]
            assert _take(work, "me", NOON + 9 * _SECOND) == ["1", "2", "3"]

    def test_a_dead_letter_lets_others_pass_until_it_is_revived(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.outbox.add([_new("1", key="x"), _new("2", key="x")], NOON)
            first, second = _all(work)
            work.outbox.failed(first, "no", None)
            assert _ids(work, MessageState.DEAD) == [first.id]
            assert _take(work, "me", NOON) == ["2"]
            assert not work.outbox.revive(second.id, NOON)
            assert not work.outbox.revive(NOBODY, NOON)
            assert work.outbox.revive(first.id, NOON + _SECOND)
            assert not work.outbox.revive(first.id, NOON)
            assert _take(work, "me", NOON + _SECOND) == ["1", "2"]

    def test_what_is_forgotten_stays_so(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.outbox.add([_new("a")], NOON)
            message = _all(work)[0]
            work.outbox.done([message.id, NOBODY])
            work.outbox.forget(NOON + _SECOND)
            work.outbox.done([message.id])
            work.outbox.failed(message, "no", NOON)
            assert _all(work) == []

    def test_list_pages_by_id(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.outbox.add([_new(name) for name in "abcd"], NOON)
            whole = _all(work)
            assert work.outbox.list(None, 0, 3) == whole[:3]
            assert work.outbox.list(MessageState.PENDING, whole[2].id, 3) == whole[3:]

    def test_forget_removes_what_was_delivered_long_ago(self, store: WorkFactory) -> None:
        with store.write() as work:
            for second in range(4):
                work.outbox.add([_new(str(second))], NOON + second * _SECOND)
            rows = _all(work)
            work.outbox.done([rows[0].id, rows[2].id, rows[3].id])
            assert work.outbox.forget(NOON + 3 * _SECOND) == 2
            assert work.outbox.forget(NOON + 3 * _SECOND) == 0
            assert [row.topic for row in _all(work)] == ["1", "3"]


def _new(topic: str, seconds: int | None = None, key: str | None = None) -> NewMessage:
    due = None if seconds is None else NOON + timedelta(seconds=seconds)
    return NewMessage(topic, topic if key is None else key, {}, due)


def _all(work: Work) -> list[Message]:
    return work.outbox.list(None, 0, 1000)


def _ids(work: Work, state: MessageState) -> list[int]:
    return [row.id for row in work.outbox.list(state, 0, 1000)]


def _take(work: Work, owner: str, at: datetime, limit: int = 1000) -> list[str]:
    return [row.topic for row in work.outbox.take(owner, at, at + _LEASE, limit)]

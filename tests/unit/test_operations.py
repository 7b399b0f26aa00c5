"""The outbox and its one runner: retries, order, dead letters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from campuscore import Role
from campuscore.domain.events import MAX_ATTEMPTS, MessageState, NewMessage, back_off
from campuscore.errors import Forbidden, Invalid, NotFound, Unavailable
from campuscore.ports.operations import SchemaStatus

from .campuses import NOW


@pytest.fixture
def operations(town):
    return town.campus.operations


def emit(town, *messages):
    with town.store.write() as work:
        for topic, key in messages:
            work.emit(NewMessage(topic, key))
        work.commit()


def states(operations, town):
    return [m.state for m in operations.events(town.campus.operator)]


class Receiver:
    """Notes what it is given, and fails as often as it is told."""

    def __init__(self, *, failures=0, error=None) -> None:
        self.got = []
        self.failures = failures
        self.error = error or Unavailable("away")

    def __call__(self, message) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error
        self.got.append((message.topic, message.key))


def test_each_message_reaches_those_who_subscribed(town, operations):
    a, b, everything = Receiver(), Receiver(), Receiver()
    operations.subscribe("a", a)
    operations.subscribe("b", b)
    operations.subscribe("*", everything)
    emit(town, ("a", "1"), ("b", "1"), ("c", "1"))

    assert operations.run_due("one") == 3
    assert (a.got, b.got) == ([("a", "1")], [("b", "1")])
    assert everything.got == [("a", "1"), ("b", "1"), ("c", "1")]
    assert operations.run_due("one") == 0
    assert states(operations, town) == [MessageState.DONE] * 3


def test_an_idle_campus_is_not_written_to(town, operations):
    def forbid():
        raise AssertionError

    idle = evolve(operations, store=Readable(town.store, forbid))

    assert idle.run_due("one") == 0


class Readable:
    """A store whose writing is watched."""

    def __init__(self, store, write) -> None:
        self.read, self.write = store.read, write


@pytest.mark.parametrize(
    "error",
    [Unavailable("away"), OSError("gone"), ValueError("odd"), KeyError("at"), IndexError("x")],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_is_tried_again_after_a_while(town, operations, error):
    receiver = Receiver(failures=1, error=error)
    operations.subscribe("a", receiver)
    emit(town, ("a", "1"))
    operations.run_due("one")
    (message,) = operations.events(town.campus.operator)
    assert (message.state, message.attempts) == (MessageState.PENDING, 1)
    assert message.due_at == NOW + timedelta(seconds=2)
    assert message.last_error.startswith(type(error).__name__)

    town.clock.forward(seconds=1.9)
    assert operations.run_due("one") == 0
    town.clock.forward(seconds=0.1)
    assert operations.run_due("one") == 1
    assert receiver.got == [("a", "1")]


def test_a_programming_error_is_not_swallowed(town, operations):
    operations.subscribe("a", Receiver(failures=1, error=TypeError("a bug")))
    emit(town, ("a", "1"))

    with pytest.raises(TypeError):
        operations.run_due("one")
    assert states(operations, town) == [MessageState.PENDING]


def test_waits_double_until_the_letter_is_dead(town, operations):
    operations.subscribe("a", Receiver(failures=100))
    emit(town, ("a", "1"))
    waits = []
    for _ in range(MAX_ATTEMPTS):
        assert operations.run_due("one") == 1
        (message,) = operations.events(town.campus.operator)
        waits.append((message.due_at - town.clock.at).total_seconds())
        town.clock.at = max(message.due_at, town.clock.at)

    assert waits[:-1] == [2, 4, 8, 16, 32, 64, 128]
    assert (message.state, message.attempts) == (MessageState.DEAD, MAX_ATTEMPTS)
    assert operations.run_due("one") == 0
    assert operations.outbox_counts(town.campus.operator) == {
        MessageState.PENDING: 0,
        MessageState.DONE: 0,
        MessageState.DEAD: 1,
    }


def test_a_dead_letter_is_revived_once(town, operations):
    receiver = Receiver(failures=MAX_ATTEMPTS)
    operations.subscribe("a", receiver)
    emit(town, ("a", "1"))
    for _ in range(MAX_ATTEMPTS):
        operations.run_due("one")
        town.clock.forward(hours=1)
    (message,) = operations.events(town.campus.operator, state=MessageState.DEAD)

    operations.retry(town.campus.operator, message.id)
    operations.run_due("one")

    assert receiver.got == [("a", "1")]
    for number in (message.id, 999):
        with pytest.raises(NotFound):
            operations.retry(town.campus.operator, number)


def test_waits_grow_to_a_quarter_of_an_hour():
    assert [back_off(n).total_seconds() for n in (1, 2, 9, 10, 99)] == [2, 4, 512, 900, 900]


def test_order_holds_within_a_key_and_other_keys_go_on(town, operations):
    receiver = Receiver(failures=1)
    operations.subscribe("*", receiver)
    emit(town, ("first", "1"), ("second", "1"), ("other", "2"))
    operations.run_due("one")
    assert receiver.got == [("other", "2")]
    emit(town, ("third", "1"))
    operations.run_due("one")
    assert receiver.got == [("other", "2")]

    town.clock.forward(seconds=2)
    operations.run_due("one")

    assert receiver.got[1:] == [("first", "1"), ("second", "1"), ("third", "1")]


def test_one_runner_at_a_time(town, operations):
    emit(town, ("a", "1"))
    seen = []

    def other(message):
        seen.append(operations.run_due("two"))

    operations.subscribe("a", other)
    assert operations.run_due("one") == 1
    assert seen == [0]

    emit(town, ("b", "1"))
    assert operations.run_due("two") == 0
    town.clock.forward(seconds=30)
    assert operations.run_due("two") == 1


def test_the_same_runner_goes_on_within_its_lease(town, operations):
    emit(town, ("a", "1"))
    operations.run_due("one")
    emit(town, ("a", "1"))

    assert operations.run_due("one") == 1


def test_a_job_waits_for_its_time(town, operations):
    with town.store.write() as work:
        work.emit(NewMessage("job", "1", due_at=NOW + timedelta(hours=1)))
        work.commit()

    assert operations.run_due("one") == 0
    town.clock.forward(hours=1)
    assert operations.run_due("one") == 1


def test_delivered_messages_are_forgotten_after_a_week_and_no_others(town, operations):
    operations.subscribe("bad", Receiver(failures=1))
    emit(town, ("good", "1"), ("bad", "2"))
    operations.run_due("one")
    town.clock.forward(days=7)
    assert operations.forget_delivered() == 0
    town.clock.forward(seconds=1)
    assert operations.forget_delivered() == 1

    assert [m.topic for m in operations.events(town.campus.operator)] == ["bad"]


def test_events_are_listed_by_id_state_and_number(town, operations):
    emit(town, *(("a", str(n)) for n in range(5)))
    operator = town.campus.operator

    assert [m.key for m in operations.events(operator, limit=2)] == ["0", "1"]
    after = operations.events(operator)[2].id
    assert [m.key for m in operations.events(operator, after=after)] == ["3", "4"]
    assert operations.events(operator, state=MessageState.DEAD) == []
    assert len(operations.events(operator, state="pending")) == 5
    with pytest.raises(Invalid):
        operations.events(operator, state="lost")


def test_only_administrators_look_behind_the_scenes(town, operations):
    teacher = town.principal(town.user("anna", Role.TEACHER))
    for call in (
        lambda: operations.status(teacher),
        lambda: operations.upgrade(teacher),
        lambda: operations.events(teacher),
        lambda: operations.outbox_counts(teacher),
        lambda: operations.retry(teacher, 1),
    ):
        with pytest.raises(Forbidden):
            call()


def test_the_schema_is_up_to_date_after_an_upgrade(town, operations):
    operator = town.campus.operator

    assert operations.upgrade(operator).up_to_date
    assert operations.status(operator) == operations.upgrade(operator)
    operations.ready()


def test_a_missing_migration_is_not_ready(operations):
    class Behind:
        def ping(self):
            return None

        def status(self):
            return SchemaStatus(None, "0001")

    with pytest.raises(Unavailable) as error:
        evolve(operations, keeper=Behind()).ready()
    assert error.value.code == "migration_missing"

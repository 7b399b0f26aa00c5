"""What only the memory store does: its gate, its undo log, and its end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event, Thread

import pytest

from campuscore.adapters.memory import open_blobs, open_store, store_of
from campuscore.domain.attendance import DayQuery
from campuscore.domain.events import NewMessage
from campuscore.domain.users import NewUser, UserQuery
from campuscore.errors import Busy, Misconfigured, Unavailable
from campuscore.settings import Settings
from campuscore.testing.contract import EVERYTHING, NOON, WHOLE, add_user, fact_at
from campuscore.testing.files import put


def names(work):
    return [user.username for user in work.users.list(EVERYTHING, UserQuery(), WHOLE)]


def in_another_thread(act):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


def test_a_work_that_waits_too_long_is_told_so():
    store = open_store(patience=0.01)

    def write():
        with pytest.raises(Busy), store.write():
            pass
        with pytest.raises(Busy), store.read():
            pass

    with store.write():
        in_another_thread(write)
    with store.write() as work:
        assert names(work) == []


def test_a_reader_keeps_writers_out_and_lets_readers_in():
    store = open_store(patience=0.01)

    def read():
        with store.read() as work:
            return names(work)

    def write():
        with pytest.raises(Busy), store.write():
            pass

    with store.read():
        assert in_another_thread(read) == []
        in_another_thread(write)
        assert in_another_thread(read) == []


def test_a_writer_who_waits_goes_before_new_readers():
    store = open_store()
    order = []
    gate = store._gate

    def write():
        with store.write() as work:
            order.append("writer")
            work.commit()

    def read():
        with store.read():
            order.append("reader")

    with store.read():
        writer = Thread(target=write)
        writer.start()
        with gate._changed:
            assert gate._changed.wait_for(lambda: gate._waiting == 1, 10)
        reader = Thread(target=read)
        reader.start()
        with store.read():  # whoever reads already may go on
            order.append("nested")
    writer.join()
    reader.join()
    assert order == ["nested", "writer", "reader"]


def test_one_thread_cannot_open_a_work_inside_its_write_work():
    store = open_store()
    with store.write() as work:
        for opened in (store.write(), store.read()):
            with pytest.raises(Busy), opened:
                pass
        add_user(work, "anna")
        work.commit()
    with store.read() as work:
        assert names(work) == ["anna"]


def test_a_loop_over_a_stream_may_write():
    store = open_store(patience=0.01)
    with store.write() as work:
        work.check_ins.add([fact_at(add_user(work, name), NOON) for name in ("anna", "bert")])
        work.commit()
    with store.read() as work:
        for row in work.check_ins.days(EVERYTHING, DayQuery(), WHOLE, ""):
            with store.write() as inner:
                inner.check_ins.add([fact_at(row.id, NOON)])
                inner.commit()


def test_another_thread_may_finish_a_work():
    store = open_store(patience=0.01)
    work = store.read().__enter__()
    in_another_thread(lambda: work.__exit__(None, None, None))
    with store.write():
        pass


def test_a_finished_work_is_of_no_use():
    store = open_store()
    with store.write() as work:
        add_user(work, "anna")
        users = work.users
        work.commit()
        with pytest.raises(RuntimeError):
            _ = work.users
        with pytest.raises(RuntimeError):
            work.commit()
        with pytest.raises(RuntimeError):
            users.add(NewUser(username="bert"), NOON)
    with pytest.raises(RuntimeError):
        _ = store.read().users
    with store.read() as work:
        assert names(work) == ["anna"]


def test_a_read_work_changes_nothing():
    store = open_store()
    with store.read() as work:
        with pytest.raises(RuntimeError):
            add_user(work, "anna")
        assert names(work) == []


def test_a_closed_store_is_unavailable():
    store = open_store()
    store.keeper.ping()
    store.keeper.close()
    for opened in (store.read(), store.write()):
        with pytest.raises(Unavailable), opened:
            pass
    with pytest.raises(Unavailable):
        store.keeper.ping()
    with pytest.raises(Unavailable):
        store.keeper.status()


def test_it_is_for_one_process_and_always_up_to_date():
    keeper = open_store().keeper
    assert not keeper.shared
    assert keeper.status().up_to_date
    assert keeper.upgrade() == keeper.status()


def test_events_are_dated_by_the_clock_of_the_campus():
    at = datetime(2001, 2, 3, tzinfo=UTC)
    for store in (open_store(lambda: at), store_of(Settings(), lambda: at)):
        with store.write() as work:
            work.emit(NewMessage("happened", "1"))
            work.commit()
        with store.read() as work:
            assert [row.created_at for row in work.outbox.list(None, 0, 10)] == [at]


@pytest.mark.parametrize("payload", [{"at": NOON}, {"set": {1}}])
def test_a_payload_that_is_no_json_is_refused(payload):
    with open_store().write() as work:
        work.emit(NewMessage("happened", "1", payload))
        with pytest.raises(TypeError):
            work.commit()


def test_payloads_are_stored_as_they_were():
    payload = {"list": [1]}
    store = open_store()
    with store.write() as work:
        work.outbox.add([NewMessage("happened", "1", payload)], NOON)
        payload["list"].append(2)
        work.outbox.list(None, 0, 1)[0].payload["list"].append(3)
        assert work.outbox.list(None, 0, 1)[0].payload == {"list": [1]}


def test_undo_keeps_what_rows_are_found_by():
    store = open_store()
    with store.write() as work:
        key = add_user(work, "anna")
        work.commit()
    with store.write() as work:
        user = work.users.find(key)
        user.username = "bella"
        work.users.save(user)
        assert [row.id for row in work.users.find_named(["anna", "bella"])] == [key]
    with store.read() as work:
        assert work.users.find_named(["bella"]) == []
        assert [row.id for row in work.users.find_named(["anna"])] == [key]


def test_an_unknown_zone_cannot_be_moved_to():
    with open_store().write() as work, pytest.raises(Misconfigured):
        work.check_ins.rebuild("Europe/Atlantis")


def test_blobs_can_be_removed_while_they_are_read():
    blobs = open_blobs()
    data = b"x" * (1 << 20)
    name = put(blobs, [data]).sha256
    stream = blobs.open(name)
    first = next(stream)
    for each in blobs.names():
        blobs.remove(each)
    assert first + b"".join(stream) == data
    assert list(blobs.names()) == []


def test_readers_and_writers_do_not_starve_each_other():
    store = open_store()
    stop = Event()

    def read():
        while not stop.is_set():
            with store.read() as work:
                names(work)

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for number in range(20):
                with store.write() as work:
                    add_user(work, f"user{number}")
                    work.commit()
        finally:
            stop.set()
        for reader in readers:
            reader.result()
    with store.read() as work:
        assert len(names(work)) == 20

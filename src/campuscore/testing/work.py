"""The contract of the unit of work: all or nothing, alone, and after a crash."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Event, Thread

import pytest

from campuscore.domain.events import NewMessage
from campuscore.domain.users import UserQuery
from campuscore.errors import Conflict
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.retrying import retrying
from campuscore.testing.content import change_everything, content_of
from campuscore.testing.contract import EVERYTHING, NOON, WHOLE, Contract, add_user, fact_at

__all__ = ["Opener", "WorkContract"]

Opener = Callable[[], WorkFactory]
"""Opens the same store each time; it can be pickled, as a function of a module can."""

_STEPS = 12


class _Undo(Exception):
    """Makes a block roll back."""


class WorkContract(Contract):
    """What ``Work`` and ``WorkFactory`` promise.

    The fixture ``store`` is an empty WorkFactory; one that is declared ``durable`` also has a
    fixture ``opener`` of the type ``Opener``, which opens what ``store`` opens.
    """

    @pytest.fixture
    def opener(self) -> Opener:
        """Return the function that opens the store once more."""
        self.need("durable")
        pytest.fail(f"{type(self).__name__} declares 'durable' and has no fixture 'opener'")

    def test_committed_changes_are_seen_by_the_next_work(self, store: WorkFactory) -> None:
        with store.write() as work:
            add_user(work, "anna")
            assert _names(work) == ["anna"]
            work.commit()
        with store.read() as work:
            assert _names(work) == ["anna"]
        with store.write() as work:
            assert _names(work) == ["anna"]

    def test_leaving_without_commit_undoes_everything(self, store: WorkFactory) -> None:
        before = _populate(store)
        with store.write() as work:
            change_everything(work, "new")
            assert content_of(work) != before
        with store.read() as work:
            assert content_of(work) == before

    def test_an_exception_undoes_everything_and_passes_through(self, store: WorkFactory) -> None:
        before = _populate(store)

        def fail() -> None:
            with store.write() as work:
                change_everything(work, "new")
                raise _Undo

        with pytest.raises(_Undo):
            fail()
        with store.read() as work:
            assert content_of(work) == before

    def test_a_store_goes_on_after_a_rollback(self, store: WorkFactory) -> None:
        with store.write() as work:
            add_user(work, "anna")
        with store.write() as work:
            add_user(work, "anna")
            work.commit()
        with store.read() as work:
            assert _names(work) == ["anna"]

    def test_events_are_stored_with_the_change(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.emit(NewMessage("lost", "1"))
        with store.write() as work:
            add_user(work, "anna")
            for topic in ("first", "second"):
                work.emit(NewMessage(topic, "1", {"topic": topic}))
            assert _topics(work) == []
            work.commit()
        with store.read() as work:
            assert _topics(work) == ["first", "second"]
            assert work.outbox.list(None, 0, 1)[0].payload == {"topic": "first"}

    def test_a_savepoint_is_undone_alone_with_its_events(self, store: WorkFactory) -> None:
        with store.write() as work:
            add_user(work, "before")
            work.emit(NewMessage("before", "1"))
            with suppress(_Undo), work.savepoint():
                add_user(work, "inside")
                work.emit(NewMessage("inside", "1"))
                raise _Undo
            add_user(work, "after")
            work.emit(NewMessage("after", "1"))
            work.commit()
        with store.read() as work:
            assert _names(work) == ["before", "after"]
            assert _topics(work) == ["before", "after"]

    def test_a_savepoint_undoes_every_kind_of_change(self, store: WorkFactory) -> None:
        before = _populate(store)

        def fail(work: Work) -> None:
            with work.savepoint():
                change_everything(work, "new")
                raise _Undo

        with store.write() as work:
            with pytest.raises(_Undo):
                fail(work)
            assert content_of(work) == before

    def test_savepoints_nest(self, store: WorkFactory) -> None:
        with store.write() as work:
            with work.savepoint():
                add_user(work, "kept")
                with suppress(_Undo), work.savepoint():
                    add_user(work, "lost")
                    with work.savepoint():
                        add_user(work, "lost too")
                        work.emit(NewMessage("lost", "1"))
                    raise _Undo
                work.emit(NewMessage("kept", "1"))
            work.commit()
        with store.read() as work:
            assert _names(work) == ["kept"]
            assert _topics(work) == ["kept"]

    def test_a_finished_savepoint_is_undone_with_its_work(self, store: WorkFactory) -> None:
        with store.write() as work, work.savepoint():
            add_user(work, "anna")
            work.emit(NewMessage("lost", "1"))
        with store.read() as work:
            assert _names(work) == _topics(work) == []

    def test_a_refused_change_leaves_the_rest_of_its_work(self, store: WorkFactory) -> None:
        with store.write() as work:
            add_user(work, "anna")
            with suppress(Conflict), work.savepoint():
                add_user(work, "bert")
                add_user(work, "ANNA")
            add_user(work, "carl")
            work.commit()
        with store.read() as work:
            assert _names(work) == ["anna", "carl"]

    def test_nobody_sees_what_is_not_committed(self, store: WorkFactory) -> None:
        seen: list[list[str]] = []
        started = Event()

        def read() -> None:
            started.set()
            with store.read() as work:
                seen.append(_names(work))

        with store.write() as work:
            add_user(work, "anna")
            reader = Thread(target=read)
            reader.start()
            started.wait()
        reader.join()
        assert seen == [[]]

    def test_no_update_of_many_threads_is_lost(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")

        @retrying
        def append(_: int) -> None:
            with store.write() as work:
                count = len(_names(work))
                add_user(work, f"user{count}")
                work.emit(NewMessage("added", str(count)))
                work.commit()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(append, range(4 * _STEPS)))
        with store.read() as work:
            assert _names(work) == [f"user{i}" for i in range(4 * _STEPS)]
            assert [m.key for m in work.outbox.list(None, 0, 1000)] == [
                str(i) for i in range(4 * _STEPS)
            ]

    def test_readers_see_whole_works_only(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")
        done = Event()

        def write() -> None:
            try:
                for step in range(_STEPS):
                    with store.write() as work:
                        for half in "ab":
                            add_user(work, f"{step}{half}")
                        work.commit()
            finally:
                done.set()

        def read() -> list[tuple[int, int]]:
            found: list[tuple[int, int]] = []
            while not done.is_set():
                with store.read() as work:
                    found.append((len(_names(work)), len(_names(work))))
            return found

        with ThreadPoolExecutor(3) as pool:
            readers = [pool.submit(read) for _ in range(2)]
            pool.submit(write).result()
            counts = [pair for reader in readers for pair in reader.result()]
        assert all(first == second and first % 2 == 0 for first, second in counts)

    def test_a_reader_keeps_its_state_while_others_commit(self, store: WorkFactory) -> None:
        self.need("snapshot_reads")

        def write() -> None:
            with store.write() as work:
                add_user(work, "anna")
                work.commit()

        with store.read() as work:
            assert _names(work) == []
            writer = Thread(target=write)
            writer.start()
            writer.join()
            assert _names(work) == []
        with store.read() as work:
            assert _names(work) == ["anna"]

    def test_commits_survive_the_process(self, store: WorkFactory, opener: Opener) -> None:
        self.need("durable")
        with store.write() as work:
            add_user(work, "anna")
            work.commit()
        with opener().read() as work:
            assert _names(work) == ["anna"]

    def test_a_killed_writer_leaves_its_commits_and_nothing_else(
        self, store: WorkFactory, opener: Opener
    ) -> None:
        self.need("durable")
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        child = spawn.Process(target=_write_until_killed, args=(opener, theirs), daemon=True)
        child.start()
        try:
            assert ours.poll(60)
            assert ours.recv() == "half done"
        finally:
            child.kill()
            child.join()
        with store.write() as work:
            assert _names(work) == ["committed"]
            assert _topics(work) == ["committed"]
            add_user(work, "after")
            work.commit()


def _write_until_killed(opener: Opener, pipe: Connection) -> None:
    """Commit once, then stop in the middle of the next Work; runs in a process of its own."""
    store = opener()
    with store.write() as work:
        add_user(work, "committed")
        work.emit(NewMessage("committed", "1"))
        work.commit()
    with store.write() as work:
        user = add_user(work, "lost")
        work.check_ins.add([fact_at(user, NOON)])
        work.emit(NewMessage("lost", "1"))
        pipe.send("half done")
        pipe.recv()


def _names(work: Work) -> list[str]:
    return [row.username for row in work.users.list(EVERYTHING, UserQuery(active=None), WHOLE)]


def _topics(work: Work) -> list[str]:
    return [row.topic for row in work.outbox.list(None, 0, 1000)]


def _populate(store: WorkFactory) -> Sequence[object]:
    """Commit something of every kind, and return what is stored then."""
    with store.write() as work:
        change_everything(work, "old")
        work.commit()
    with store.read() as work:
        return content_of(work)

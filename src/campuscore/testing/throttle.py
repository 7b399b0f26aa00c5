"""The contract of the rate limiter."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Protocol

import pytest

from campuscore.domain.throttle import Charge, Limit
from campuscore.ports.throttle import RateLimiter
from campuscore.testing.contract import NOON, Contract

__all__ = ["LimiterOpener", "RateLimiterContract"]

_SECOND = timedelta(seconds=1)
_FEW, _ONE = Limit(3, 10 * _SECOND), Limit(1, 60 * _SECOND)
_A, _B, _C = b"\x01" * 32, b"\x02" * 32, b"\xff" * 32
_PROCESSES = 8
_TRIES = 30
_BURST = Limit(50, 60 * _SECOND)


class _Limited(Protocol):
    @property
    def limiter(self) -> RateLimiter: ...


LimiterOpener = Callable[[], _Limited]
"""Opens the same store each time; it can be pickled, as a function of a module can."""


class RateLimiterContract(Contract):
    """What ``RateLimiter`` promises. The fixture ``store`` is empty, and has a ``limiter``.

    One that is declared ``durable``, that is, one that several processes can open, also has a
    fixture ``opener``, which opens what ``store`` opens.
    """

    @pytest.fixture
    def limiter(self, store: _Limited) -> RateLimiter:
        """Return the limiter of the store."""
        return store.limiter

    @pytest.fixture
    def opener(self) -> LimiterOpener:
        """Return the function that opens the store once more."""
        self.need("durable")
        pytest.fail(f"{type(self).__name__} declares 'durable' and has no fixture 'opener'")

    def test_a_burst_is_let_through_and_then_one_after_the_other(
        self, limiter: RateLimiter
    ) -> None:
        one = [Charge(_A, _FEW)]
        assert [limiter.charge(one, NOON) for _ in range(5)] == [
            None,
            None,
            None,
            10 * _SECOND,
            10 * _SECOND,
        ]
        assert limiter.charge(one, NOON + 9 * _SECOND) == _SECOND
        assert limiter.charge(one, NOON + 10 * _SECOND) is None
        assert limiter.charge(one, NOON + 10 * _SECOND) == 10 * _SECOND

    def test_all_keys_are_charged_or_none(self, limiter: RateLimiter) -> None:
        both = [Charge(_C, _FEW), Charge(_A, _ONE), Charge(_B, _FEW)]
        assert limiter.charge(both, NOON) is None
        for _ in range(5):
            assert limiter.charge(both, NOON) == 60 * _SECOND
        for key in (_B, _C):
            assert [limiter.charge([Charge(key, _FEW)], NOON) for _ in range(3)] == [
                None,
                None,
                10 * _SECOND,
            ]

    def test_one_waits_for_the_last_key(self, limiter: RateLimiter) -> None:
        limiter.charge([Charge(_A, _FEW, cost=3), Charge(_B, _ONE)], NOON)
        assert limiter.charge([Charge(_A, _FEW), Charge(_B, _ONE)], NOON) == 60 * _SECOND
        assert limiter.charge([Charge(_A, _FEW, cost=2)], NOON) == 20 * _SECOND

    def test_a_refusal_leaves_no_key(self, limiter: RateLimiter) -> None:
        limiter.charge([Charge(_A, _ONE)], NOON)
        limiter.charge([Charge(_A, _ONE), Charge(_B, _ONE)], NOON)
        assert limiter.forget(NOON + timedelta(days=1)) == 1

    def test_no_charges_are_never_refused(self, limiter: RateLimiter) -> None:
        limiter.refund([])
        assert limiter.charge([], NOON) is None

    def test_refunds_give_back_what_was_charged(self, limiter: RateLimiter) -> None:
        limiter.charge([Charge(_A, _FEW, cost=3), Charge(_B, _FEW, cost=3)], NOON)
        limiter.refund([Charge(_B, _FEW, cost=2), Charge(_A, _FEW)])
        assert limiter.charge([Charge(_A, _FEW)], NOON) is None
        assert limiter.charge([Charge(_A, _FEW)], NOON) == 10 * _SECOND
        assert limiter.charge([Charge(_B, _FEW, cost=2)], NOON) is None
        assert limiter.charge([Charge(_B, _FEW)], NOON) == 10 * _SECOND

    def test_nothing_has_more_than_its_burst(self, limiter: RateLimiter) -> None:
        limiter.refund([Charge(_A, _FEW, cost=3)])
        limiter.charge([Charge(_A, _FEW)], NOON)
        limiter.refund([Charge(_A, _FEW, cost=3)])
        assert limiter.charge([Charge(_A, _FEW, cost=3)], NOON) is None
        assert limiter.charge([Charge(_A, _FEW)], NOON) == 10 * _SECOND

    def test_clearing_takes_what_begins_with_the_key(self, limiter: RateLimiter) -> None:
        for last in (_A, _A + _B, _A + _C, _C, _C + _C, _B + _A):
            limiter.charge([Charge(last, _ONE)], NOON)
        limiter.clear(_A)
        limiter.clear(_C)
        limiter.clear(b"\x03")
        for key in (_A, _A + _B, _A + _C, _C, _C + _C):
            assert limiter.charge([Charge(key, _ONE)], NOON) is None
        assert limiter.charge([Charge(_B + _A, _ONE)], NOON) == 60 * _SECOND

    def test_forgetting_changes_no_answer(self, limiter: RateLimiter) -> None:
        limiter.charge([Charge(_A, _FEW), Charge(_B, _FEW, cost=2)], NOON)
        assert limiter.forget(NOON) == 0
        assert limiter.forget(NOON + 10 * _SECOND) == 1
        later = NOON + 10 * _SECOND
        assert limiter.charge([Charge(_A, _FEW, cost=3), Charge(_B, _FEW, cost=2)], later) is None
        assert limiter.charge([Charge(_B, _FEW)], later) == 10 * _SECOND

    def test_a_clock_that_was_set_back_shuts_nobody_out(self, limiter: RateLimiter) -> None:
        limiter.charge([Charge(_A, _FEW)], NOON + timedelta(days=400))
        assert limiter.charge([Charge(_A, _FEW)], NOON) == 10 * _SECOND

    def test_threads_are_not_let_through_beyond_the_limit(self, limiter: RateLimiter) -> None:
        self.need("concurrent_writers")
        orders = [[Charge(_A, _FEW), Charge(_B, _BURST)], [Charge(_B, _BURST), Charge(_A, _FEW)]]

        def hammer(number: int) -> int:
            tries = [limiter.charge(orders[(number + n) % 2], NOON) for n in range(_TRIES)]
            return tries.count(None)

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(hammer, range(4))) == _FEW.burst

    def test_processes_are_not_let_through_beyond_the_limit(
        self,
        store: _Limited,  # noqa: ARG002 - is what the opener opens
        opener: LimiterOpener,
    ) -> None:
        """Each charges a key of its own too, so that the rows come in different orders."""
        self.need("durable")
        spawn = multiprocessing.get_context("spawn")
        pipes = [spawn.Pipe() for _ in range(_PROCESSES)]
        crowd = [
            spawn.Process(target=_hammer, args=(opener, number, theirs), daemon=True)
            for number, (_, theirs) in enumerate(pipes)
        ]
        try:
            for each in crowd:
                each.start()
            for ours, _ in pipes:
                assert ours.poll(120)
                assert ours.recv() == "ready"
            for ours, _ in pipes:
                ours.send("go")
            counts: list[int] = []
            for ours, _ in pipes:
                assert ours.poll(120)
                counts.append(int(ours.recv()))
        finally:
            for each in crowd:
                each.kill()
                each.join()
        assert sum(counts) == _BURST.burst


def _hammer(opener: LimiterOpener, number: int, pipe: Connection) -> None:
    """Charge the same key over and over; runs in a process of its own."""
    limiter = opener().limiter
    limiter.charge([Charge(b"warm" + bytes([number]), _ONE)], NOON)
    pipe.send("ready")
    pipe.recv()
    let = 0
    for n in range(_TRIES):
        own = Charge(bytes([number * 32, n]) + _A, _ONE)
        let += limiter.charge([Charge(_B, _BURST), own], NOON) is None
        limiter.refund([own])
    pipe.send(let)

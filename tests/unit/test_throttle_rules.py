"""GCRA decides as a slow token bucket does, which counts in fractions what comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from campuscore.domain.throttle import Charge, Limit, charged, network_of, wait_of

START = datetime(2026, 3, 4, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)

spans = st.one_of(
    st.integers(1, 20).map(lambda n: n * MICROSECOND), st.integers(1, 90).map(lambda n: n * SECOND)
)
limits = st.builds(Limit, st.integers(1, 9), spans)


@define
class Bucket:
    """Tokens that come back continuously, up to a burst."""

    limit: Limit
    tokens: Fraction
    at: datetime = START

    def flow(self, at: datetime) -> None:
        back = Fraction((at - self.at) // MICROSECOND, self.limit.every // MICROSECOND)
        self.tokens = min(Fraction(self.limit.burst), self.tokens + back)
        self.at = at

    def take(self, cost: int, at: datetime) -> timedelta:
        """Take tokens, or say how long there are too few."""
        self.flow(at)
        lacking = cost - self.tokens
        if lacking <= 0:
            self.tokens -= cost
            return timedelta(0)
        exactly = lacking * (self.limit.every // MICROSECOND)
        assert exactly.denominator == 1
        return int(exactly) * MICROSECOND

    def give(self, cost: int) -> None:
        self.tokens = min(Fraction(self.limit.burst), self.tokens + cost)


@define
class Steps:
    """What happens to a key: after how long, how much is charged, or given back."""

    after: timedelta
    cost: int
    back: bool


def steps(limit):
    pause = st.integers(0, 3 * limit.burst).flatmap(
        lambda n: st.integers(-1, 1).map(
            lambda off: max(limit.every * n // 2 + off * MICROSECOND, timedelta(0))
        )
    )
    return st.lists(st.builds(Steps, pause, st.integers(1, limit.burst), st.booleans()))


@given(st.data())
def test_it_decides_as_a_token_bucket(data):
    limit = data.draw(limits)
    bucket, arrival, at = Bucket(limit, Fraction(limit.burst)), None, START
    for step in data.draw(steps(limit)):
        at += step.after
        charge = Charge(b"", limit, step.cost)
        if step.back and arrival is not None:
            bucket.flow(at)
            bucket.give(step.cost)
            arrival -= charge.given_back
            continue
        wait = charge.wait(arrival, at)
        assert wait == bucket.take(step.cost, at)
        if not wait:
            arrival = charge.arrival(arrival, at)


@given(limits, st.lists(st.integers(0, 500)))
def test_no_span_ever_sees_more_than_twice_the_burst(limit, pauses):
    """Within the span in which all comes back: the burst, and what came back meanwhile."""
    charge, arrival, at, let = Charge(b"", limit), None, START, []
    for pause in pauses:
        at += limit.every * pause // 100
        if not charge.wait(arrival, at):
            arrival = charge.arrival(arrival, at)
            let.append(at)
    for first in let:
        assert sum(first <= each < first + limit.span for each in let) <= 2 * limit.burst


@given(limits, st.integers(1, 9), st.integers(-5, 20))
def test_whoever_waits_as_told_is_let_through(limit, cost, used):
    """And is not made to wait for longer than what they ask for takes, whatever is stored."""
    charge = Charge(b"", limit, min(cost, limit.burst))
    wait = charge.wait(START + limit.every * used, START)
    arrival = min(START + limit.every * used, START + limit.span)

    assert wait <= charge.given_back
    assert not charge.wait(arrival, START + wait)
    if wait:
        assert charge.wait(arrival, START + wait - MICROSECOND)


@given(limits, limits, st.integers(0, 20), st.integers(0, 20))
def test_several_keys_wait_for_the_slowest(one, other, many, few):
    both = [Charge(b"a", one), Charge(b"b", other)]
    arrivals = {b"a": START + one.every * many, b"b": START + other.every * few}
    alone = [each.wait(arrivals[each.key], START) for each in both]

    assert (wait_of(both, arrivals, START) or timedelta(0)) == max(alone)
    after = charged(both, arrivals, START)
    assert after == {each.key: each.arrival(arrivals[each.key], START) for each in both}
    assert wait_of([], {}, START) is None


@pytest.mark.parametrize(("burst", "every"), [(0, SECOND), (-1, SECOND), (1, timedelta(0))])
def test_what_is_no_limit_is_refused(burst, every):
    with pytest.raises(ValueError, match=r"at least one|comes back"):
        Limit(burst, every)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:0:1:a::7", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::", "2001:db8:0:2::/64"),
        ("::1", "::/64"),
        ("a name", "a name"),
    ],
)
def test_who_is_behind_an_address(address, network):
    assert network_of(address) == network

"""Use cases are done again when others were faster, and only then."""

from __future__ import annotations

import inspect
import time

import pytest

from campuscore.errors import Busy, Conflict
from campuscore.ports.work import TRY_AGAIN
from campuscore.services import retrying as module
from campuscore.services.groups import GroupService
from campuscore.services.retrying import MOST, retrying


@pytest.fixture
def naps(monkeypatch):
    """Return how long was slept, without sleeping."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(module.random, "uniform", lambda least, most: most)
    return slept


class Overtaken:
    """A use case that is overtaken so many times."""

    def __init__(self, times, code=TRY_AGAIN):
        self.times, self.code, self.calls = times, code, []

    @retrying
    def act(self, value, *, word=""):
        """Act."""
        self.calls.append((value, word))
        if len(self.calls) <= self.times:
            raise Busy("others were faster", code=self.code)
        return value


@pytest.mark.parametrize("times", [0, 1, MOST - 1])
def test_it_is_done_again_with_the_same_arguments(naps, times):
    case = Overtaken(times)

    assert case.act(7, word="x") == 7
    assert case.calls == [(7, "x")] * (times + 1)
    assert len(naps) == times


def test_in_the_end_the_caller_learns_of_it(naps):
    case = Overtaken(MOST)

    with pytest.raises(Busy) as refused:
        case.act(7)
    assert refused.value.code == TRY_AGAIN
    assert len(case.calls) == MOST
    assert naps == sorted(naps)
    assert (naps[0], naps[-1]) == (0.001, 0.1)


def test_another_kind_of_busy_is_not_done_again(naps):
    case = Overtaken(1, code="database_busy")

    with pytest.raises(Busy):
        case.act(7)
    assert (len(case.calls), naps) == (1, [])


def test_another_refusal_is_not_done_again(naps):
    calls = []

    @retrying
    def refuse():
        calls.append(1)
        raise Conflict("taken")

    with pytest.raises(Conflict):
        refuse()
    assert (len(calls), naps) == (1, [])


def test_what_is_done_again_keeps_its_face():
    assert Overtaken.act.__doc__ == "Act."
    assert list(inspect.signature(GroupService.create).parameters) == ["self", "principal", "new"]

"""A campus on each embedded store, with a clock that stands still."""

from __future__ import annotations

import pytest

from .campuses import STORES, Clock, new_store, town_on


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=STORES)
def store(request, clock, tmp_path):
    store = new_store(request.param, clock, tmp_path)
    yield store
    store.keeper.close()


@pytest.fixture
def town(store, clock):
    return town_on(store, clock)

"""A store that was closed stays closed, whichever it is."""

from __future__ import annotations

import pytest

from campuscore.adapters.memory import open_store as open_memory
from campuscore.adapters.sql import open_store as open_sqlite
from campuscore.adapters.sql.postgres import open_store as open_postgres
from campuscore.domain.users import UserQuery
from campuscore.errors import Unavailable
from campuscore.ports.work import CLOSED
from campuscore.testing.contract import EVERYTHING, WHOLE, add_user


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request, tmp_path):
    if request.param == "memory":
        store = open_memory()
    elif request.param == "sqlite":
        store = open_sqlite(f"sqlite:///{tmp_path}/campus.db")
    else:
        store = open_postgres(request.getfixturevalue("databases").create())
    store.keeper.upgrade()
    yield store
    store.keeper.close()


def refused(open_work):
    with pytest.raises(Unavailable, match="closed") as error, open_work():
        pass
    return error.value.code


def test_a_closed_store_opens_no_work(store):
    with store.read():
        pass
    store.keeper.close()
    assert {refused(store.read), refused(store.write)} == {CLOSED}


def test_a_store_closed_before_its_first_work_opens_none(store):
    store.keeper.close()
    assert {refused(store.read), refused(store.write)} == {CLOSED}


def test_a_work_that_is_open_may_end_and_leaves_no_connection_behind(store):
    with store.write() as work:
        add_user(work, "anna")
        store.keeper.close()
        assert [u.username for u in work.users.list(EVERYTHING, UserQuery(), WHOLE)] == ["anna"]
        work.commit()
    assert {refused(store.read), refused(store.write)} == {CLOSED}


def test_sqlite_keeps_no_file_open(tmp_path):
    store = open_sqlite(f"sqlite:///{tmp_path}/campus.db")
    store.keeper.upgrade()
    with store.read(), store.write():
        store.keeper.close()
    assert [path.name for path in tmp_path.iterdir()] == ["campus.db"]

from __future__ import annotations

import shutil

import pytest


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """Return a database with every migration applied, to be copied."""
    from campuscore.adapters.sql import open_store

    path = tmp_path_factory.mktemp("template") / "campus.db"
    store = open_store(f"sqlite:///{path}")
    store.keeper.upgrade()
    store.keeper.close()
    return path


@pytest.fixture
def fresh_sqlite(sqlite_template, tmp_path):
    """Return a function that opens a new, empty SQLite store; it closes the one before."""
    from campuscore.adapters.sql import open_store

    stores = []

    def fresh():
        for store in stores:
            store.keeper.close()
        path = tmp_path / f"campus{len(stores)}.db"
        shutil.copyfile(sqlite_template, path)
        stores.append(open_store(f"sqlite:///{path}", synchronous="off"))
        return stores[-1]

    yield fresh
    for store in stores:
        store.keeper.close()

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


@pytest.fixture(scope="session")
def postgres_url(databases):
    """Return a database of this process with every migration applied."""
    return databases.migrated()


@pytest.fixture(scope="session")
def shared_postgres(postgres_url):
    from campuscore.adapters.sql.postgres import open_store

    store = open_store(postgres_url)
    yield store
    store.keeper.close()


@pytest.fixture
def fresh_postgres(shared_postgres, postgres_url):
    """Return a function that empties the PostgreSQL store and returns it."""
    import psycopg
    from attrs import evolve

    from campuscore.adapters.sql.tables import METADATA

    with psycopg.connect(postgres_url, autocommit=True) as raw:
        tables = ", ".join(METADATA.tables)

        def fresh():
            raw.execute(f"TRUNCATE {tables} RESTART IDENTITY")
            raw.execute("INSERT INTO audit_heads VALUES (1, 0, '')")
            return evolve(shared_postgres)  # knows nothing of people who are gone

        yield fresh


@pytest.fixture
def postgres_store(fresh_postgres):
    return fresh_postgres()

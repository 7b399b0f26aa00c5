"""One schema on both databases: empty, and from every revision; and texts sort alike on both."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Select, String, Text

from campuscore import Settings
from campuscore.adapters import sql
from campuscore.adapters.sql.dialects import bytewise
from campuscore.domain.days import utc_now
from campuscore.plugins import find_store


def revisions():
    config = Config()
    config.set_main_option("script_location", "campuscore.adapters.sql:migrations")
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


@pytest.fixture(params=["sqlite", "postgres"])
def keeper(request, tmp_path):
    url = ""
    if request.param == "postgres":
        url = request.getfixturevalue("databases").create()
    settings = Settings(home=str(tmp_path), database_url=url)
    keeper = find_store(settings.database)(settings, utc_now).keeper
    yield keeper
    keeper.close()


def test_an_empty_database_comes_to_the_head(keeper):
    assert keeper.status().current is None
    assert keeper.difference()
    assert keeper.upgrade().up_to_date
    assert keeper.difference() == []


@pytest.mark.parametrize("revision", revisions())
def test_every_revision_comes_to_the_head(keeper, revision, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(keeper._script, "get_current_head", lambda: revision)
        assert keeper.upgrade().current == revision
    assert keeper.upgrade().up_to_date
    assert keeper.difference() == []


def statements():
    """Yield the statements that are module constants."""
    for found in walk_packages(sql.__path__, f"{sql.__name__}."):
        if "migrations" not in found.name:
            for name, value in vars(import_module(found.name)).items():
                if isinstance(value, Select):
                    yield f"{found.name}.{name}", value


def test_rows_are_ordered_by_bytes_of_text():
    by_text = [
        (name, column)
        for name, statement in statements()
        for column in statement._order_by_clauses
        if isinstance(column.type, String | Text)
    ]
    assert by_text
    kind = type(bytewise(by_text[0][1]))
    assert {name for name, column in by_text if not isinstance(column, kind)} == set()


def test_texts_are_ordered_as_python_sorts_them():
    """Whatever the language of the database is."""
    from campuscore.adapters.sql.postgres.desk import PostgresDesk
    from campuscore.adapters.sql.schedule import _LIST_ROOMS

    text = PostgresDesk.plans.find(_LIST_ROOMS, {}).text

    assert 'ORDER BY rooms.name COLLATE "C", rooms.id' in " ".join(text.split())

"""A campus that several processes open, on both databases."""

from __future__ import annotations

import pytest

from campuscore import Settings, open_campus
from campuscore.settings.values import Secret


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'campus.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("databases").create()
    secret = Secret("one for all" * 3)
    return Settings(database_url=url, home=str(tmp_path), secret_key=secret)


@pytest.fixture
def campus(settings):
    with open_campus(settings) as campus:
        yield campus

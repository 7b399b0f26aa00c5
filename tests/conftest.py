"""Hypothesis profiles for the whole suite; ``--hypothesis-profile`` chooses another one."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from .postgres import running

# A slow machine is no defect: examples have no deadline.
settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", deadline=None, max_examples=2000, print_blob=True)
settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    suppress_health_check=list(HealthCheck),
)

settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="the database under servers, commands and imports (contracts run on both)",
    )


@pytest.fixture(scope="session")
def new_database(request):
    """Return a function that gives the database_url of an empty campus.

    It is empty with SQLite, which then lies in the campus's home.
    """
    if request.config.getoption("--backend") == "sqlite":
        return str
    return request.getfixturevalue("databases").create


@pytest.fixture(scope="session")
def databases():
    """Return the databases of a PostgreSQL server, started when a test of the process asks."""
    with running() as found:
        yield found


@pytest.fixture
def own_server():
    """Return a PostgreSQL server of the test's own, to stop and to start."""
    with running(given="") as found:
        yield found

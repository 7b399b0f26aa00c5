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


@pytest.fixture(scope="session")
def databases():
    """Return the databases of a PostgreSQL server, started when a test of the process asks."""
    with running() as found:
        yield found

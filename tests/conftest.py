"""Hypothesis profiles for the whole suite, and an object store for whoever asks for one.

``--hypothesis-profile`` chooses another profile. ``CAMPUSCORE_TEST_S3_URL`` (``s3://BUCKET/PREFIX``)
names an object store that is running, with ``CAMPUSCORE_TEST_S3_ENDPOINT``, ``_REGION``,
``_ACCESS_KEY`` and ``_SECRET_KEY`` beside it; otherwise each test process that needs one starts
one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

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
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return settings that lead to an object store: the given one, or one that we start."""
    from .s3server import serving

    given = os.environ.get("CAMPUSCORE_TEST_S3_URL")
    if given:
        names = ("ENDPOINT", "REGION", "ACCESS_KEY", "SECRET_KEY")
        found = {f"CAMPUSCORE_S3_{name}": f"CAMPUSCORE_TEST_S3_{name}" for name in names}
        settings = {name: os.environ.get(variable, "") for name, variable in found.items()}
        yield {"CAMPUSCORE_BLOB_URL": given, **settings}
        return
    with serving(tmp_path_factory.mktemp("s3")) as settings:
        yield settings


@pytest.fixture(scope="session")
def fresh_s3(s3_server: dict[str, str]) -> Iterator[Callable[[], dict[str, str]]]:
    """Return a function that gives the settings of an empty place in the object store.

    They are ``CAMPUSCORE_*`` variables, and can be joined with those of a database.
    """
    import obstore

    from campuscore import Settings
    from campuscore.adapters.s3 import blobs_of

    root = f"{s3_server['CAMPUSCORE_BLOB_URL'].rstrip('/')}/test-{secrets.token_hex(8)}"
    numbers = count(1)
    yield lambda: {**s3_server, "CAMPUSCORE_BLOB_URL": f"{root}/{next(numbers)}"}
    given = "CAMPUSCORE_TEST_S3_URL" in os.environ
    for number in range(1, next(numbers) if given else 0):
        place = {**s3_server, "CAMPUSCORE_BLOB_URL": f"{root}/{number}"}
        blobs = blobs_of(Settings.from_env(place))
        for page in obstore.list(blobs._bucket.reader):
            obstore.delete(blobs._bucket.reader, [item["path"] for item in page])


@pytest.fixture(scope="session")
def s3_settings(fresh_s3: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Return the settings of a place in the object store for the whole session."""
    return fresh_s3()


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="under servers, commands and imports: SQLite and files, or PostgreSQL and an object "
        "store (contracts run on all)",
    )
    parser.addoption(
        "--wycheproof",
        type=Path,
        metavar="DIR",
        help="the folder testvectors_v1 of C2SP/wycheproof, for tests/unit/test_wycheproof.py",
    )


def pytest_ignore_collect(collection_path, config):
    """Leave out what needs vectors that are not ours, unless somebody says where they are."""
    if collection_path.name == "test_wycheproof.py" and config.getoption("--wycheproof") is None:
        return True
    return None


@pytest.fixture(scope="session")
def new_database(request):
    """Return a function that gives the database_url of an empty campus.

    It is empty with SQLite, which then lies in the campus's home.
    """
    if request.config.getoption("--backend") == "sqlite":
        return str
    return request.getfixturevalue("databases").create


@pytest.fixture(scope="session")
def new_backend(request, new_database):
    """Return a function that gives CAMPUSCORE_* variables of an empty campus, for servers."""
    if request.config.getoption("--backend") == "sqlite":
        return dict
    fresh_s3 = request.getfixturevalue("fresh_s3")
    return lambda: {"CAMPUSCORE_DATABASE_URL": new_database(), **fresh_s3()}


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

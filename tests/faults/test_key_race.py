"""Eight processes rotate the keys while they issue tokens: no rotation and no token is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from campuscore import NewUser, Settings, open_campus
from campuscore.domain.auth import Origin
from campuscore.domain.keys import KeyState
from campuscore.settings.values import Secret

SCRIPT = Path(__file__).with_name("rotating.py")
CROWD, TOKENS, ROTATIONS = 8, 10, 2


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


@pytest.fixture
def crowd(settings, campus):
    """Return processes that are ready."""
    command = [sys.executable, str(SCRIPT), settings.database_url, settings.home, str(ROTATIONS)]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        started = []
        for _ in range(CROWD):
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
            started.append(stack.enter_context(process))
            stack.callback(process.kill)
        assert [hear(process) for process in started] == ["ready"] * CROWD
        yield started


def tell(process, what):
    process.stdin.write(f"{json.dumps(what)}\n")
    process.stdin.flush()


def hear(process):
    return json.loads(process.stdout.readline())


def sessions_of(campus, count):
    """Open sessions of one user without hashing a password for each; return refresh tokens."""
    user = campus.users.create(campus.operator, NewUser(username="anna"))
    opening, now = campus.auth._opening, campus.auth.days.now()
    with campus.auth.store.write() as work:
        tokens = [str(opening.open(work, user.id, now, Origin()).token) for _ in range(count)]
        work.commit()
    return tokens


def test_no_rotation_is_lost_and_all_that_was_issued_counts_everywhere(campus, crowd):
    tokens = sessions_of(campus, CROWD * TOKENS)
    for number, process in enumerate(crowd):
        tell(process, tokens[number::CROWD])
    issued = [access for process in crowd for access in hear(process)]
    for process in crowd:
        tell(process, issued)

    assert [hear(process) for process in crowd] == [[True] * CROWD * TOKENS] * CROWD
    states = [key.state for key in campus.auth.keys.list(campus.operator)]
    retired = [KeyState.RETIRED] * CROWD * ROTATIONS
    assert states == [*retired, KeyState.ACTIVE, KeyState.NEXT]
    assert len({access.partition(".")[0] for access in issued}) > 1

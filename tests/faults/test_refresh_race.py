"""Eight processes refresh the same tokens: each has one successor, and a thief is noticed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from campuscore import NewUser, Settings, open_campus
from campuscore.domain.auth import Origin
from campuscore.domain.keys import KeyState
from campuscore.settings.values import Secret

SCRIPT = Path(__file__).with_name("refreshing.py")
CROWD, TOKENS = 8, 200


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


def sessions_of(campus, count):
    """Open sessions of one user without hashing a password for each; return refresh tokens."""
    user = campus.users.create(campus.operator, NewUser(username="anna"))
    opening, now = campus.auth._opening, campus.auth.days.now()
    with campus.auth.store.write() as work:
        origin = Origin(user_agent="shared")
        tokens = [str(opening.open(work, user.id, now, origin).token) for _ in range(count)]
        work.commit()
    return tokens


def all_at_once(settings, tokens, agents):
    """Have a process for each agent present all tokens, all at the same time."""
    with ExitStack() as stack:
        crowd = []
        for agent in agents:
            command = [sys.executable, str(SCRIPT), settings.database_url, settings.home, agent]
            pipe = subprocess.PIPE
            started = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
            crowd.append(stack.enter_context(started))
            stack.callback(started.kill)
        for process in crowd:
            assert process.stdout.readline() == "ready\n"
        for process in crowd:
            process.stdin.write(json.dumps(tokens) + "\n")
            process.stdin.flush()
        return [json.loads(process.stdout.readline()) for process in crowd]


def states(campus, tokens):
    ids = [int(token.split("_")[1]) for token in tokens]
    with campus.auth.store.read() as work:
        return [work.sessions.family(each) for each in ids]


def test_a_token_that_is_presented_by_all_has_one_successor(settings, campus):
    tokens = sessions_of(campus, TOKENS)
    answers = all_at_once(settings, tokens, ["shared"] * CROWD)

    for number, family in enumerate(states(campus, tokens)):
        given = {answer[number] for answer in answers} - {None}
        assert len(given) == 1, number
        assert family.generation == 1
    assert len({token for answer in answers for token in answer if token}) == TOKENS


def test_of_different_clients_one_wins_and_the_others_end_the_session(settings, campus):
    tokens = sessions_of(campus, TOKENS)
    answers = all_at_once(settings, tokens, [f"client {n}" for n in range(CROWD)])

    won = Counter(
        number for answer in answers for number, token in enumerate(answer) if token is not None
    )
    assert max(won.values()) == 1
    for family in states(campus, tokens):
        assert family.generation == 1
        assert family.state.ended
    latest = [token for answer in answers for token in answer if token is not None]
    assert all_at_once(settings, latest, ["client 0"]) == [[None] * len(latest)]


def test_many_processes_on_an_empty_ring_make_one_active_key(settings, campus):
    (token,) = sessions_of(campus, 1)
    all_at_once(settings, [token], ["shared"] * CROWD)

    keys = campus.auth.keys.list(campus.operator)
    assert [key.state for key in keys] == [KeyState.ACTIVE, KeyState.NEXT]

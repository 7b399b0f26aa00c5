"""Eight processes refresh the same tokens: each has one successor, and a thief is noticed."""

from __future__ import annotations

from collections import Counter

from campuscore.domain.keys import KeyState

from .crowd import crowd_of, sessions_of

CROWD, TOKENS = 8, 200


def all_at_once(settings, tokens, agents):
    """Have a process for each agent present all tokens, all at the same time."""
    with crowd_of("refreshing.py", settings, agents) as crowd:
        for member in crowd:
            member.tell(tokens)
        return [member.hear() for member in crowd]


def states(campus, tokens):
    ids = [int(token.split("_")[1]) for token in tokens]
    with campus.auth.store.read() as work:
        return [work.sessions.family(each) for each in ids]


def test_a_token_that_is_presented_by_all_has_one_successor(settings, campus):
    tokens = sessions_of(campus, TOKENS, "shared")
    answers = all_at_once(settings, tokens, ["shared"] * CROWD)

    for number, family in enumerate(states(campus, tokens)):
        given = {answer[number] for answer in answers} - {None}
        assert len(given) == 1, number
        assert family.generation == 1
    assert len({token for answer in answers for token in answer if token}) == TOKENS


def test_of_different_clients_one_wins_and_the_others_end_the_session(settings, campus):
    tokens = sessions_of(campus, TOKENS, "shared")
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
    (token,) = sessions_of(campus, 1, "shared")
    all_at_once(settings, [token], ["shared"] * CROWD)

    keys = campus.auth.keys.list(campus.operator)
    assert [key.state for key in keys] == [KeyState.ACTIVE, KeyState.NEXT]

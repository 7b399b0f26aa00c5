"""Eight processes rotate the keys while they issue tokens: no rotation and no token is lost."""

from __future__ import annotations

from campuscore.domain.keys import KeyState

from .crowd import crowd_of, sessions_of

CROWD, TOKENS, ROTATIONS = 8, 10, 2


def test_no_rotation_is_lost_and_all_that_was_issued_counts_everywhere(settings, campus):
    tokens = sessions_of(campus, CROWD * TOKENS)
    with crowd_of("rotating.py", settings, [ROTATIONS] * CROWD) as crowd:
        for number, member in enumerate(crowd):
            member.tell(tokens[number::CROWD])
        issued = [access for member in crowd for access in member.hear()]
        for member in crowd:
            member.tell(issued)
        assert [member.hear() for member in crowd] == [[True] * CROWD * TOKENS] * CROWD

    states = [key.state for key in campus.auth.keys.list(campus.operator)]
    retired = [KeyState.RETIRED] * CROWD * ROTATIONS
    assert states == [*retired, KeyState.ACTIVE, KeyState.NEXT]
    assert len({access.partition(".")[0] for access in issued}) > 1

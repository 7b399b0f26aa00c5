"""An administrator in a user's name: for a reason, for a time, and not for everything."""

from __future__ import annotations

import pytest

from campuscore import NewAttachment, Role, UserChange
from campuscore.domain.auth import NewApiToken, NewImpersonation, Origin
from campuscore.errors import CampusError, Forbidden, Invalid

from .campuses import NOW

PASSWORD = "correct horse battery"


@pytest.fixture
def anna(town):
    return town.user("anna", password=PASSWORD)


@pytest.fixture
def root(town):
    town.user("chief", Role.ADMIN)
    key = town.user("root", Role.ADMIN, password=PASSWORD)
    pair = town.campus.auth.login("root", PASSWORD)
    principal = town.campus.auth.authenticate(pair.access, Origin("10.0.0.1", "desk"))
    assert principal.user_id == key
    return principal


def begin(town, who, user, **change):
    new = NewImpersonation(user_id=user, **{"reason": "ticket 7", **change})
    return town.campus.auth.impersonate(who, new)


def refused(call, *args) -> str:
    with pytest.raises(CampusError) as error:
        call(*args)
    return error.value.code


def test_the_token_says_who_acts_in_whose_name(town, anna, root):
    given = begin(town, root, anna)
    principal = town.campus.auth.authenticate(given.access)

    assert (principal.user_id, principal.username, principal.role) == (anna, "anna", Role.STUDENT)
    assert (principal.actor, principal.session_id) == (root.user_id, given.session_id)
    assert town.campus.auth.me(principal).id == anna
    (session,) = town.campus.auth.sessions(principal)
    assert (session.actor, session.ip_address) == (root.user_id, "10.0.0.1")
    (told,) = [
        m
        for m in town.campus.operations.events(town.campus.operator, limit=1000)
        if m.topic == "impersonation.begun"
    ]
    assert (told.key, told.payload) == (
        str(anna),
        {"session": given.session_id, "reason": "ticket 7"},
    )


def test_it_is_no_check_in(town, anna, root):
    begin(town, root, anna)
    rows = town.campus.attendance.list(town.campus.operator).items

    assert [row.user for row in rows] == [root.user_id]


def test_it_ends_with_its_time(town, anna, root):
    given = begin(town, root, anna, minutes=60)
    town.clock.forward(minutes=59, seconds=59)
    assert town.campus.auth.authenticate(given.access).actor == root.user_id
    town.clock.forward(seconds=1)

    assert refused(town.campus.auth.authenticate, given.access) == "token_expired"


@pytest.mark.parametrize("case", ["logout", "ended", "deactivated", "demoted", "everywhere"])
def test_it_ends_in_the_next_request(town, anna, root, case):
    auth, users, operator = town.campus.auth, town.campus.users, town.campus.operator
    given = begin(town, root, anna)
    if case == "logout":
        auth.logout(auth.authenticate(given.access))
    elif case == "ended":
        auth.end_session(operator, given.session_id, anna)
    elif case == "deactivated":
        users.deactivate(operator, root.user_id)
    elif case == "demoted":
        users.update(operator, root.user_id, UserChange(role=Role.TEACHER))
    else:
        auth.end_all_sessions(root)

    assert refused(auth.authenticate, given.access) == "session_ended"


def test_the_user_s_own_logout_everywhere_ends_it_too(town, anna, root):
    auth = town.campus.auth
    given = begin(town, root, anna)
    auth.end_all_sessions(auth.authenticate(auth.login("anna", PASSWORD).access))

    assert refused(auth.authenticate, given.access) == "session_ended"


def test_what_is_done_in_person_is_refused(town, anna, root):
    auth = town.campus.auth
    principal = auth.authenticate(begin(town, root, anna).access)
    document = NewAttachment(user=anna, date=NOW.date(), filename="note.txt")

    for call in (
        lambda: auth.change_password(principal, PASSWORD, "battery staple"),
        lambda: auth.tokens.mint(principal, NewApiToken(name="t")),
        lambda: auth.tokens.list(principal),
        lambda: auth.end_all_sessions(principal),
        lambda: town.campus.attendance.check_in(principal),
        lambda: town.campus.attendance.attach_file(principal, document, [b"ill"]),
        lambda: town.campus.attendance.withdraw_file(principal, 1),
        lambda: begin(town, principal, anna),
    ):
        assert refused(call) == "in_person"
    assert town.campus.attendance.list(principal).items == []


def test_nobody_takes_the_name_of_an_administrator_or_a_device(town, root):
    chief = town.user("second", Role.ADMIN)
    door = town.user("door", Role.DEVICE)

    for user in (chief, door, root.user_id):
        assert refused(begin, town, root, user) == "not_impersonated"


def test_nor_of_somebody_who_is_not_there(town, anna, root):
    town.campus.users.deactivate(town.campus.operator, anna)

    for user in (anna, 999, 0):
        assert refused(begin, town, root, user) == "user_not_found"


@pytest.mark.parametrize("role", set(Role) - {Role.ADMIN})
def test_only_administrators_do(town, anna, role):
    with pytest.raises(Forbidden):
        begin(town, town.principal(town.user("bert", role)), anna)


def test_an_api_token_does_not(town, anna, root):
    minted = town.campus.auth.tokens.mint(root, NewApiToken(name="t"))

    assert refused(begin, town, town.campus.auth.authenticate(minted.token), anna) == (
        "session_needed"
    )


def test_the_operator_does(town, anna):
    given = begin(town, town.campus.operator, anna)

    assert town.campus.auth.authenticate(given.access).actor == 0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"reason": " "}, "/reason"),
        ({"reason": "x" * 501}, "/reason"),
        ({"minutes": 0}, "/minutes"),
        ({"minutes": 61}, "/minutes"),
    ],
)
def test_a_reason_and_a_bounded_time_are_needed(town, anna, root, change, path):
    with pytest.raises(Invalid) as error:
        begin(town, root, anna, **change)
    assert [problem.path for problem in error.value.problems] == [path]

"""The rule table: what is not granted is refused."""

from __future__ import annotations

import pytest
from attrs import evolve
from falcon.testing import TestClient

from campuscore import NewUser, Role, open_campus
from campuscore.adapters.http.app import create_app
from campuscore.adapters.http.route import PUBLIC, Route
from campuscore.adapters.http.routes import ROUTES
from campuscore.domain.access import Reach
from campuscore.domain.auth import OPERATOR, NewApiToken, Principal
from campuscore.domain.days import Days
from campuscore.errors import Forbidden, Misconfigured, NotFound
from campuscore.services.policy import (
    RULES,
    GroupTarget,
    PersonTarget,
    Policy,
    Rule,
    not_found,
)

from .campuses import NOW, Clock, new_store, town_on

POLICY = Policy(Days(now=Clock()))

ADMIN_ONLY = {
    "auth.manage",
    "auth.impersonate",
    "keys.read",
    "keys.manage",
    "audit.read",
    "users.write",
    "rosters.import",
    "attendance.rebuild",
    "terms.write",
    "rooms.write",
    "operations.read",
    "operations.write",
}
STUDENT = {
    "auth.self",
    "auth.credentials",
    "users.read",
    "users.details",
    "groups.read",
    "groups.write",
    "attendance.read",
    "attendance.origin",
    "attendance.record",
    "attendance.record_for",
    "attendance.attach",
    "attendance.withdraw",
    "schedule.read",
    "schedule.write",
    "terms.read",
    "rooms.read",
    "packages.read",
    "packages.upload",
    "packages.manage",
}
DEVICE = {"auth.self", "attendance.record_for"}
IN_PERSON = {
    "auth.credentials",
    "auth.manage",
    "auth.impersonate",
    "keys.read",
    "keys.manage",
    "audit.read",
    "users.write",
    "rosters.import",
    "attendance.record",
    "attendance.record_for",
    "attendance.attach",
    "attendance.withdraw",
    "attendance.rebuild",
    "packages.upload",
    "packages.upload.new",
    "packages.manage",
    "operations.read",
    "operations.write",
}
TEACHER = STUDENT | {"groups.create", "packages.upload.new"}


def who(role: Role, **fields: object) -> Principal:
    return evolve(Principal(7, "anna", role), **fields)


def granted(principal: Principal) -> set[str]:
    return {action for action in RULES if POLICY.allows(principal, action)}


def test_administrators_and_the_operator_may_do_everything() -> None:
    assert granted(who(Role.ADMIN)) == granted(OPERATOR) == set(RULES)
    assert {POLICY.scope(OPERATOR, action).reach for action in RULES} == {Reach.ALL}


@pytest.mark.parametrize("role", [Role.STUDENT, Role.ASSISTANT, Role.GUARDIAN])
def test_everybody_else_reaches_through_groups_alone(role: Role) -> None:
    assert granted(who(role)) == STUDENT
    everywhere = {"auth.self", "auth.credentials", "terms.read", "rooms.read", "packages.read"}
    assert {a for a in STUDENT if POLICY.scope(who(role), a).everything} == everywhere


def test_a_campus_teacher_may_create_groups_and_see_the_directory_besides() -> None:
    teacher = who(Role.TEACHER)

    assert granted(teacher) == TEACHER
    assert POLICY.scope(teacher, "users.read").everything
    for action in STUDENT - {"users.read"}:
        assert POLICY.scope(teacher, action) == POLICY.scope(who(Role.STUDENT), action)


def test_a_device_may_only_ingest() -> None:
    device = who(Role.DEVICE)

    assert granted(device) == DEVICE
    assert POLICY.scope(device, "attendance.record_for").everything


@pytest.mark.parametrize("role", Role)
def test_what_is_done_in_person_is_not_done_in_another_s_name(role: Role) -> None:
    person, other = who(role), who(role, actor=1)

    assert granted(other) == granted(person) - IN_PERSON
    for action in granted(person) & IN_PERSON:
        with pytest.raises(Forbidden) as refused:
            POLICY.scope(other, action)
        assert refused.value.code == "in_person"


def test_no_role_but_admin_has_the_actions_of_administrators() -> None:
    for role in set(Role) - {Role.ADMIN}:
        assert not granted(who(role)) & ADMIN_ONLY
    assert set(RULES) == ADMIN_ONLY | TEACHER


def test_a_rule_that_names_nobody_grants_administrators_alone() -> None:
    rule = Rule()

    assert rule.reach(Role.ADMIN) is Reach.ALL
    assert {rule.reach(role) for role in set(Role) - {Role.ADMIN}} == {Reach.NONE}


@pytest.mark.parametrize("action", ["", "users", "users.*", "*", "users.fly"])
def test_an_unknown_action_is_a_programming_error_even_for_administrators(action: str) -> None:
    with pytest.raises(KeyError):
        POLICY.scope(OPERATOR, action)
    with pytest.raises(KeyError):
        POLICY.allows(OPERATOR, action)


@pytest.mark.parametrize(
    ("scopes", "left"),
    [
        (("*",), STUDENT),
        ((), set()),
        (("attendance.read",), {"attendance.read"}),
        (("attendance.*",), {a for a in STUDENT if a.startswith("attendance.")}),
        (("users.read", "terms.*"), {"users.read", "terms.read"}),
        (("users.write", "operations.*", "auth.manage"), set()),
        (("attendance", "attendance.", "att*", ".*"), set()),
        (("packages.upload:demo",), {"packages.upload"}),
    ],
)
def test_scopes_of_an_api_token_only_take_away(scopes: tuple[str, ...], left: set[str]) -> None:
    assert granted(who(Role.STUDENT, scopes=scopes)) == left
    assert granted(who(Role.ADMIN, scopes=scopes)) >= left


def test_a_scope_is_refused_with_the_action_in_words() -> None:
    with pytest.raises(Forbidden, match=r"users\.write"):
        POLICY.scope(who(Role.STUDENT), "users.write")


def test_a_scope_says_who_and_which_day() -> None:
    scope = POLICY.scope(who(Role.STUDENT), "attendance.read")

    assert (scope.user, scope.today) == (7, NOW.date())


@pytest.mark.parametrize("action", sorted(RULES))
def test_the_action_that_shows_an_object_is_one_itself(action: str) -> None:
    shows = RULES[action].seen_by

    assert not shows or (shows in RULES and not RULES[shows].seen_by)


def test_rules_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        RULES["users.fly"] = Rule()  # type: ignore[index]


def test_out_of_reach_is_403_when_seen_and_404_when_not(tmp_path) -> None:
    town = town_on(new_store("memory", clock := Clock(), tmp_path), clock)
    me, fellow, stranger = (town.user(name) for name in ("me", "fellow", "stranger"))
    group, other = town.group("mine"), town.group("other")
    town.join(group, me)
    town.join(group, fellow)
    principal, policy = town.principal(me), town.campus.policy
    with town.store.read() as work:
        policy.require(work, principal, "users.read", PersonTarget(fellow))
        policy.require(work, principal, "groups.read", GroupTarget(group))
        for action, target, error in (
            ("attendance.attach", PersonTarget(fellow), Forbidden),
            ("attendance.attach", PersonTarget(stranger), NotFound),
            ("attendance.read", PersonTarget(fellow), NotFound),
            ("groups.write", GroupTarget(group), Forbidden),
            ("groups.write", GroupTarget(other), NotFound),
            ("users.write", PersonTarget(fellow), Forbidden),
            ("users.write", PersonTarget(999), Forbidden),
        ):
            with pytest.raises(error):
                policy.require(work, principal, action, target)
            assert not policy.may(work, principal, action, target)


def test_what_is_not_found_is_named_with_its_kind() -> None:
    assert (not_found(PersonTarget(5)).code, not_found(GroupTarget(5)).code) == (
        "user_not_found",
        "group_not_found",
    )
    assert "5" in not_found(PersonTarget(5)).detail


def route(action: str) -> Route:
    return Route(
        method="GET", path="/x/", action=action, handler=lambda ask: {}, summary="X.", answer=dict
    )


@pytest.mark.parametrize("action", ["users.fly", "users", "*"])
def test_an_app_with_an_undeclared_action_cannot_be_made(action: str) -> None:
    with (
        open_campus("memory://") as campus,
        pytest.raises(Misconfigured, match="GET /x/: no action"),
    ):
        create_app(campus, (route(action),))


def test_a_route_asks_before_its_handler_which_may_forget_to() -> None:
    with open_campus("memory://") as campus:
        client = TestClient(create_app(campus, (route("users.write"),)))

        def ask(role: Role) -> int:
            user = campus.users.create(campus.operator, NewUser(username=role, role=role)).id
            minted = campus.auth.tokens.mint(campus.operator, NewApiToken(name="t"), user)
            headers = {"Authorization": f"Bearer {minted.token}"}
            return client.simulate_get("/x/", headers=headers).status_code

        assert client.simulate_get("/x/").status_code == 401
        assert [ask(role) for role in (Role.STUDENT, Role.TEACHER, Role.DEVICE)] == [403] * 3
        assert ask(Role.ADMIN) == 200


def test_nobody_but_administrators_makes_a_guardian_whoever_they_see(tmp_path) -> None:
    town = town_on(new_store("memory", clock := Clock(), tmp_path), clock)
    teacher, child = town.user("teacher", Role.TEACHER), town.user("child")
    guardians = town.campus.users.guardians
    for call in (guardians.link, guardians.unlink):
        with pytest.raises(Forbidden):
            call(town.principal(teacher), child, teacher)

    assert guardians.of(town.campus.operator, child) == []


def test_a_route_has_to_name_an_action_and_only_a_few_are_public() -> None:
    with pytest.raises(TypeError):
        Route(method="GET", path="/x/", handler=lambda ask: {}, summary="X.")  # type: ignore[call-arg]
    assert {(r.method, r.path) for r in ROUTES if r.action == PUBLIC} == {
        ("POST", "/auth/login/"),
        ("POST", "/auth/refresh/"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/admin/"),
        ("GET", "/"),
    }
    assert {r.action for r in ROUTES if r.action != PUBLIC} <= set(RULES)

"""Groups over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from attrs import frozen

from campuscore.adapters.http.route import PAGING, Ask, Param, Route
from campuscore.domain.groups import GroupChange, GroupView, Member, NewGroup
from campuscore.domain.users import Role

__all__ = ["ROUTES", "Joining", "Leaving", "Said"]


@frozen
class Joining:
    """Who joins a group, and as what."""

    user_id: int
    role: Role = Role.STUDENT


@frozen
class Leaving:
    """Who leaves a group; without a role, in every role."""

    user_id: int
    role: Role | None = None


@frozen
class Said:
    """An answer in words."""

    message: str


def list_groups(ask: Ask) -> list[GroupView]:
    return ask.rows(ask.campus.groups.list(ask.principal, ask.page(ask.values())))


def create_group(ask: Ask) -> GroupView:
    return ask.campus.groups.create(ask.principal, ask.body(NewGroup))


def show_group(ask: Ask, group_id: int) -> GroupView:
    return ask.campus.groups.get(ask.principal, group_id)


def change_group(ask: Ask, group_id: int) -> GroupView:
    return ask.campus.groups.update(ask.principal, group_id, ask.body(GroupChange))


def archive_group(ask: Ask, group_id: int) -> None:
    ask.campus.groups.archive(ask.principal, group_id)


def add_user(ask: Ask, group_id: int) -> Said:
    wanted = ask.body(Joining)
    ask.campus.groups.add_user(ask.principal, group_id, wanted.user_id, wanted.role)
    return Said(f"user {wanted.user_id} is {wanted.role} in group {group_id}")


def remove_user(ask: Ask, group_id: int) -> Said:
    wanted = ask.body(Leaving)
    ask.campus.groups.remove_user(ask.principal, group_id, wanted.user_id, wanted.role)
    return Said(f"user {wanted.user_id} is no longer in group {group_id}")


def list_members(ask: Ask, group_id: int) -> Sequence[Member]:
    return ask.campus.groups.members(ask.principal, group_id, ask.values().get("date"))


_ONE, _WRITE = "/groups/{group_id}/", "groups.write"

ROUTES = (
    Route(
        method="GET",
        path="/groups/",
        action="groups.read",
        handler=list_groups,
        summary="List groups with the names of today's teachers and students.",
        answer=list[GroupView],
        params=PAGING,
    ),
    Route(
        method="POST",
        path="/groups/",
        action="groups.create",
        handler=create_group,
        summary="Create a group; a campus teacher becomes its teacher.",
        body=NewGroup,
        answer=GroupView,
        status=201,
    ),
    Route(
        method="GET",
        path=_ONE,
        action="groups.read",
        handler=show_group,
        summary="Show a group.",
        answer=GroupView,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        action=_WRITE,
        handler=change_group,
        summary="Change fields of a group.",
        body=GroupChange,
        answer=GroupView,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        action=_WRITE,
        handler=archive_group,
        summary="Take a group out of use; past attendance keeps its name.",
        status=204,
        refusals=(409,),
    ),
    Route(
        method="POST",
        path=f"{_ONE}add_user/",
        action=_WRITE,
        handler=add_user,
        summary="Make a user a member from today on; twice is the same as once.",
        body=Joining,
        answer=Said,
        refusals=(409,),
    ),
    Route(
        method="POST",
        path=f"{_ONE}remove_user/",
        action=_WRITE,
        handler=remove_user,
        summary="End a user's membership as of today.",
        body=Leaving,
        answer=Said,
    ),
    Route(
        method="GET",
        path=f"{_ONE}members/",
        action="groups.read",
        handler=list_members,
        summary="List the members on a local day, today by default.",
        answer=list[Member],
        params=(Param("date", date, "The local day."),),
    ),
)

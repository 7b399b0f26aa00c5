"""Users over HTTP; ``/data/`` is the seed's name of the same resource."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from campuscore.adapters.http.route import PAGING, Ask, Param, Route
from campuscore.domain.paging import Page
from campuscore.domain.unset import Unset
from campuscore.domain.users import NewUser, Role, User, UserChange, UserName, UserQuery
from campuscore.errors import Invalid

__all__ = ["ROUTES"]

_ACTIVE = {"true": True, "false": False, "all": None}
_WRITE = "users.write"
_PARAMS = (
    Param("active", str, "true (the default), false, or all."),
    Param("role", Role, "Only users with this campus role."),
    Param("search", str, "Only users whose username or name contains this."),
    *PAGING,
)


def list_users(ask: Ask) -> Any:
    values = ask.values()
    page = ask.page(values)
    active = str(values.pop("active", "true")).lower()
    if active not in _ACTIVE:
        raise Invalid.at("/active", "must be true, false or all")
    query = UserQuery(active=_ACTIVE[active], **values)
    found: Page[Any] = ask.campus.users.list(ask.principal, query, page)
    return ask.rows(found)


def create_user(ask: Ask) -> User:
    return ask.campus.users.create(ask.principal, ask.body(NewUser))


def show_user(ask: Ask, user_id: int) -> User | UserName:
    return ask.campus.users.get(ask.principal, user_id)


def change_user(ask: Ask, user_id: int) -> User:
    return ask.campus.users.update(ask.principal, user_id, ask.body(UserChange))


def replace_user(ask: Ask, user_id: int) -> User:
    change = ask.body(UserChange)
    if isinstance(change.username, Unset):
        raise Invalid.at("/username", "is missing")
    return ask.campus.users.update(ask.principal, user_id, change)


def deactivate_user(ask: Ask, user_id: int) -> None:
    ask.campus.users.deactivate(ask.principal, user_id)


def list_guardians(ask: Ask, user_id: int) -> list[UserName]:
    return ask.campus.users.guardians.of(ask.principal, user_id)


def link_guardian(ask: Ask, user_id: int, guardian_id: int) -> None:
    ask.campus.users.guardians.link(ask.principal, user_id, guardian_id)


def unlink_guardian(ask: Ask, user_id: int, guardian_id: int) -> None:
    ask.campus.users.guardians.unlink(ask.principal, user_id, guardian_id)


def list_wards(ask: Ask, user_id: int) -> list[UserName]:
    return ask.campus.users.guardians.wards(ask.principal, user_id)


def _of_all(top: str) -> tuple[Route, ...]:
    return (
        Route(
            method="GET",
            path=top,
            action="users.read",
            handler=list_users,
            summary="List users: whole ones for administrators, names for others.",
            answer=list[User | UserName],
            params=_PARAMS,
        ),
        Route(
            method="POST",
            path=top,
            action=_WRITE,
            handler=create_user,
            summary="Create a user.",
            body=NewUser,
            answer=User,
            status=201,
            refusals=(409,),
        ),
    )


def _of_one(top: str) -> tuple[Route, ...]:
    one = f"{top}{{user_id}}/"
    show = Route(
        method="GET",
        path=one,
        action="users.read",
        handler=show_user,
        summary="Show a user.",
        answer=User | UserName,
    )
    change = Route(
        method="PATCH",
        path=one,
        action=_WRITE,
        handler=change_user,
        summary="Change fields of a user.",
        body=UserChange,
        answer=User,
        refusals=(409,),
    )
    words = "Change a user; without a password the old one stays."
    replace = evolve(change, method="PUT", handler=replace_user, summary=words)
    deactivate = Route(
        method="DELETE",
        path=one,
        action=_WRITE,
        handler=deactivate_user,
        summary="Deactivate a user, who is shut out in the next request.",
        status=204,
        refusals=(409,),
    )
    return show, replace, change, deactivate


_GUARDIANS = (
    Route(
        method="GET",
        path="/users/{user_id}/guardians/",
        action="users.details",
        handler=list_guardians,
        summary="List the guardians of a user.",
        answer=list[UserName],
    ),
    Route(
        method="PUT",
        path="/users/{user_id}/guardians/{guardian_id}/",
        action=_WRITE,
        handler=link_guardian,
        summary="Make a user the guardian of another; twice is the same as once.",
        status=204,
        refusals=(422,),
    ),
    Route(
        method="DELETE",
        path="/users/{user_id}/guardians/{guardian_id}/",
        action=_WRITE,
        handler=unlink_guardian,
        summary="Undo that; it counts in the next request.",
        status=204,
    ),
    Route(
        method="GET",
        path="/users/{user_id}/wards/",
        action="users.details",
        handler=list_wards,
        summary="List those whose guardian a user is.",
        answer=list[UserName],
    ),
)

ROUTES = (
    *(route for top in ("/data/", "/users/") for route in (*_of_all(top), *_of_one(top))),
    *_GUARDIANS,
)

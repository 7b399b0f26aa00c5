"""What each person can do and see, as the policy and the design have it."""

from __future__ import annotations

from typing import Final

from tests.http.schemas import DOCUMENT

from campuscore.domain.auth import ANONYMOUS, Principal

from .sides import KINDS
from .stage import PEOPLE, Stage

__all__ = ["far_objects", "reachable"]

_UNASKED: Final = {"GET /openapi.json"}  # a run reads it to begin with, and nothing asks it again
_NOTHING_THERE: Final = {
    "student": {"groups.write", "packages.manage", "packages.upload", "schedule.write"},
}
"""Actions that the policy opens to a person for what is theirs, where nothing is."""

_OBJECTS: Final = {
    "own": set[str](),
    "directory": {"GET /data/{user_id}/", "GET /users/{user_id}/"},
    "house": {"GET /rooms/{room_id}/", "GET /terms/{term_id}/"},
    "shelf": {
        "GET /packages/{first}/{second}/{rest}/{filename}",
        "GET /projects/{name}/",
        "GET /pypi/{name}/json",
        "GET /pypi/{name}/{version}/json",
        "GET /simple/{name}/",
        "GET /simple/{name}/{filename}/",
    },
}
"""Operations that show an object of a side, by who may know what is on it."""


def reachable(stage: Stage) -> set[str]:
    """Return the operations that the policy opens to a person who has something to do with them."""
    who = ANONYMOUS
    if stage.caller is not None:
        who = stage.campus.auth.authenticate(stage.caller.token())
    closed = _NOTHING_THERE.get(stage.person, set())
    found = {
        f"{method.upper()} {path}"
        for path, methods in DOCUMENT["paths"].items()
        for method, described in methods.items()
        if _is_open(stage, who, described, closed)
    }
    return found - _UNASKED


def _is_open(stage: Stage, who: Principal, described: dict[str, str], closed: set[str]) -> bool:
    actions = {described[name] for name in ("x-action", "x-or-action") if name in described}
    allowed = {action for action in actions if stage.campus.policy.allows(who, action)}
    return not actions or bool(allowed - closed)


def far_objects(person: str) -> set[str]:
    """Return the operations that may show a person an object of the far side."""
    return set().union(*(_OBJECTS[kind] for kind in KINDS if kind not in PEOPLE[person]))

"""How far a principal's rights reach, as a value that checks and list filters share."""

from __future__ import annotations

from datetime import date
from enum import Flag, auto

from attrs import frozen

from campuscore.domain.users import Role

__all__ = ["Reach", "Scope"]


class Reach(Flag):
    """Which rows an action may touch; the flags add up.

    For what belongs to a person on a day (the person, check-ins, files, roll-ups):
    SELF is one's own; FELLOW is those who share a group with one; TAUGHT and ASSISTED are those who
    were, on that day, students in a group below one where the principal now is teacher or
    assistant; not those who teach or assist there; WARD is those whose guardian one is.
    For what belongs to a group (the group, its timetable): FELLOW is a group one is a member of,
    TAUGHT and ASSISTED are groups where one is teacher or assistant, and the groups below those;
    WARD is a group of which a ward is a member.
    """

    NONE = 0
    SELF = auto()
    FELLOW = auto()
    TAUGHT = auto()
    ASSISTED = auto()
    WARD = auto()
    ALL = auto()

    @property
    def leading_roles(self) -> tuple[Role, ...]:
        """The roles in a group that extend the reach to the groups below."""
        taught = (Role.TEACHER,) if Reach.TAUGHT in self else ()
        return (*taught, Role.ASSISTANT) if Reach.ASSISTED in self else taught


@frozen
class Scope:
    """A reach, seen from one user on one local day."""

    reach: Reach
    user: int
    today: date

    @property
    def everything(self) -> bool:
        """Say whether no row is out of reach."""
        return Reach.ALL in self.reach

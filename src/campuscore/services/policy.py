"""Who may do what: one table, from which both checks and list filters follow.

An action that is not in the table does not exist. A role that the action does not name, and that
has no reach through ``anyone``, may not do it: deny by default.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import date
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from campuscore.domain.access import Reach, Scope
from campuscore.domain.auth import Principal
from campuscore.domain.checks import check_kind
from campuscore.domain.days import Days
from campuscore.domain.users import Role
from campuscore.errors import CampusError, Forbidden, NotFound, TooMany, Unauthenticated
from campuscore.ports.work import Work
from campuscore.services.refusals import Refusals

__all__ = ["RULES", "GroupTarget", "PersonTarget", "Policy", "ProjectTarget", "Rule", "Target"]

_SELF, _FELLOW, _ALL = Reach.SELF, Reach.FELLOW, Reach.ALL
_TAUGHT, _LED, _WARD = Reach.TAUGHT, Reach.TAUGHT | Reach.ASSISTED, Reach.WARD


@frozen
class PersonTarget:
    """What belongs to a user on a local day (today when None)."""

    user: int
    day: date | None = None

    @property
    def named(self) -> str:
        """What the audit calls it."""
        return str(self.user)


@frozen
class GroupTarget:
    """What belongs to a group."""

    group: int

    @property
    def named(self) -> str:
        """What the audit calls it."""
        return f"group:{self.group}"


@frozen
class ProjectTarget:
    """A project of the package index, by its normalized name; ``owner`` None is the operator's."""

    key: str
    owner: int | None

    @property
    def named(self) -> str:
        """What the audit calls it."""
        return f"project:{self.key}"


Target = PersonTarget | GroupTarget | ProjectTarget


@frozen
class Rule:
    """How far each campus role reaches, and how far anyone does.

    ``seen_by`` names the action that decides between 403 and 404 for an object out of reach. What
    is to be done ``in_person`` cannot be done by an administrator in a user's name.
    """

    admin: Reach = _ALL
    teacher: Reach = Reach.NONE
    device: Reach = Reach.NONE
    anyone: Reach = Reach.NONE
    seen_by: str = ""
    in_person: bool = False

    def reach(self, role: Role) -> Reach:
        """Return the reach of a principal with this campus role."""
        if role is Role.ADMIN:
            return self.admin
        if role is Role.DEVICE:
            return self.device
        return self.anyone | (self.teacher if role is Role.TEACHER else Reach.NONE)


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "auth.self": Rule(anyone=_ALL, device=_ALL),
        "auth.credentials": Rule(anyone=_ALL, in_person=True),
        "auth.manage": Rule(in_person=True),
        "auth.impersonate": Rule(in_person=True),
        "keys.read": Rule(in_person=True),
        "keys.manage": Rule(in_person=True),
        "users.read": Rule(teacher=_ALL, anyone=_SELF | _FELLOW | _LED | _WARD),
        "users.details": Rule(anyone=_SELF | _TAUGHT | _WARD, seen_by="users.read"),
        "users.write": Rule(seen_by="users.read", in_person=True),
        "rosters.import": Rule(in_person=True),
        "groups.read": Rule(anyone=_FELLOW | _LED),
        "groups.create": Rule(teacher=_ALL),
        "groups.write": Rule(anyone=_TAUGHT, seen_by="groups.read"),
        "attendance.read": Rule(anyone=_SELF | _LED | _WARD),
        "attendance.origin": Rule(anyone=_SELF, seen_by="attendance.read"),
        "attendance.record": Rule(anyone=_SELF, seen_by="users.read", in_person=True),
        "attendance.record_for": Rule(
            anyone=_LED, device=_ALL, seen_by="users.read", in_person=True
        ),
        "attendance.attach": Rule(
            anyone=_SELF | _LED | _WARD, seen_by="users.read", in_person=True
        ),
        "attendance.withdraw": Rule(anyone=_SELF | _LED, seen_by="attendance.read", in_person=True),
        "attendance.rebuild": Rule(in_person=True),
        "schedule.read": Rule(anyone=_FELLOW | _LED | _WARD),
        "schedule.write": Rule(anyone=_TAUGHT, seen_by="schedule.read"),
        "terms.read": Rule(anyone=_ALL),
        "terms.write": Rule(),
        "rooms.read": Rule(anyone=_ALL),
        "rooms.write": Rule(),
        "packages.read": Rule(anyone=_ALL),
        "packages.upload": Rule(anyone=_SELF, in_person=True),
        "packages.upload.new": Rule(teacher=_ALL, in_person=True),
        "packages.manage": Rule(anyone=_SELF, in_person=True),
        "audit.read": Rule(in_person=True),
        "operations.read": Rule(in_person=True),
        "operations.write": Rule(in_person=True),
    }
)


@frozen
class Policy:
    """The one place that decides; services ask it first."""

    days: Days
    rules: Mapping[str, Rule] = field(default=RULES)
    refusals: Refusals | None = None

    def scope(self, principal: Principal, action: str) -> Scope:
        """Return how far the principal reaches with an action, for lists to filter by.

        Raises
        ------
        Forbidden
            The principal may never do this kind of action.
        """
        found = self.find_scope(principal, action)
        if found is None:
            error = Forbidden(f"you may not do this ({action})")
            if principal.actor is not None and self.rules[action].in_person:
                text = f"this is not done in somebody else's name ({action})"
                error = Forbidden(text, code="in_person")
            raise self.note(principal, action, "", error)
        return found

    def find_scope(self, principal: Principal, action: str) -> Scope | None:
        """Return the scope, or None where the principal may never do this kind of action."""
        check_kind(principal, Principal, "/principal")
        rule = self.rules[action]
        reach = rule.reach(principal.role)
        if reach is Reach.NONE or not principal.within(action):
            return None
        if rule.in_person and principal.actor is not None:
            return None
        return Scope(reach, principal.user_id, self.days.today())

    def allows(self, principal: Principal, action: str) -> bool:
        """Say whether the principal may ever do this kind of action."""
        return self.find_scope(principal, action) is not None

    def everywhere(self, principal: Principal, action: str) -> bool:
        """Say whether nothing is out of the principal's reach with this kind of action."""
        found = self.find_scope(principal, action)
        return found is not None and found.everything

    def may(self, work: Work, principal: Principal, action: str, target: Target) -> bool:
        """Say whether the principal may do the action to this target, which must exist."""
        scope = self.find_scope(principal, action)
        if scope is None:
            return False
        if isinstance(target, ProjectTarget):
            owned = Reach.SELF in scope.reach and target.owner == scope.user
            return (scope.everything or owned) and principal.within(action, target.key)
        if isinstance(target, GroupTarget):
            return work.groups.reaches(scope, target.group)
        day = target.day or scope.today
        return target.user in work.users.reached(scope, [target.user], day)

    def require(self, work: Work, principal: Principal, action: str, target: Target) -> None:
        """Let the principal act on the target, or raise.

        Raises
        ------
        Forbidden
            The target can be seen by the principal, but not acted on.
        NotFound
            There is no such target, or none that the principal can see.
        """
        self.scope(principal, action)
        if self.may(work, principal, action, target):
            return
        raise self.note(
            principal, action, target.named, self._refusal(work, principal, action, target)
        )

    def _refusal(
        self, work: Work, principal: Principal, action: str, target: Target
    ) -> CampusError:
        if isinstance(target, ProjectTarget):  # which every user sees, if not with every token
            return Forbidden(f"you may not do this to {target.key} ({action})")
        seen_by = self.rules[action].seen_by
        if seen_by and self.may(work, principal, seen_by, target):
            return Forbidden(f"you may not do this here ({action})")
        return not_found(target)

    def note(
        self, principal: Principal, action: str, target: str, error: CampusError
    ) -> CampusError:
        """Note a refusal for the audit, and return it."""
        if self.refusals is not None:
            self.refusals.note(principal, action, target, error)
        return error

    @contextmanager
    def noting(self, principal: Principal, action: str, target: str = "") -> Generator[None]:
        """Note for the audit what the block refuses of a principal."""
        try:
            yield
        except (Unauthenticated, Forbidden, TooMany) as error:
            self.note(principal, action, target, error)
            raise


def not_found(target: PersonTarget | GroupTarget) -> NotFound:
    """Make the error for a target that is not there, or not for this principal."""
    if isinstance(target, GroupTarget):
        return NotFound(f"there is no group {target.group}", code="group_not_found")
    return NotFound(f"there is no user {target.user}", code="user_not_found")

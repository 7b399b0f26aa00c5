"""The demonstration campus: which records belong to it, and taking them away again."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from campuscore.domain.auth import Principal, SessionEnd
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.paging import Slice
from campuscore.domain.passwords import Holder, PasswordRules
from campuscore.domain.users import Role, UserQuery
from campuscore.errors import Conflict, Invalid, NotFound
from campuscore.ports.auth import PasswordHasher
from campuscore.ports.erasure import Erasable
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.intake import Intake
from campuscore.services.policy import Policy
from campuscore.services.retrying import retrying

__all__ = ["SOURCE", "DemoService", "Standing"]

SOURCE = "demo"
"""The source under which roster links remember what the demonstration made."""

_KINDS = ("user", "group", "term", "room", "project")
_NO_LIMIT = Slice(1 << 62)
_NAMED = 5


@frozen
class Standing:
    """How many records of each kind are the demonstration's, and how many people are not.

    ``others`` leaves out administrators, whom an empty campus has as well.
    """

    users: int
    groups: int
    terms: int
    rooms: int
    projects: int
    others: int

    @property
    def is_there(self) -> bool:
        """Say whether a demonstration stands."""
        return bool(self.users or self.groups or self.terms or self.rooms or self.projects)


@frozen
class DemoService:
    """Remembers what the demonstration made, and takes it away as if it had never been."""

    store: WorkFactory
    policy: Policy
    days: Days
    intake: Intake
    hasher: PasswordHasher
    rules: PasswordRules

    def standing(self, principal: Principal) -> Standing:
        """Say what stands; needs ``operations.read``.

        Example
        -------
        >>> from campuscore import open_campus
        >>> with open_campus("memory://") as campus:
        ...     campus.demo.standing(campus.operator).is_there
        False
        """
        self.policy.scope(principal, "operations.read")
        with self.store.read() as work:
            return self._standing(work, principal)

    def made(self, principal: Principal, kind: str) -> dict[str, int]:
        """Return the ids of what it made of one kind, by key; needs ``operations.read``."""
        self.policy.scope(principal, "operations.read")
        with self.store.read() as work:
            return work.links.of(SOURCE, kind)

    @retrying
    def remember(self, principal: Principal, kind: str, made: Mapping[str, int]) -> None:
        """Remember ids of rooms or projects, by a key of their own; needs ``operations.write``.

        People, groups and terms come in by a roster of the source ``demo``, which remembers them.

        Raises
        ------
        Conflict, Invalid
            A key is taken, or the kind is none of the above.
        """
        self.policy.scope(principal, "operations.write")
        if kind not in _KINDS:
            raise Invalid.at("/kind", f"must be one of {', '.join(_KINDS)}")
        with self.store.write(principal) as work:
            work.links.add(SOURCE, kind, made)
            work.emit(NewMessage("demo.filled", "demo", {kind: len(made)}))
            work.commit()

    def let_in(self, principal: Principal, password: str) -> int:
        """Give all people of the demonstration one password, and return how many they are.

        It must be good enough for teachers.

        Raises
        ------
        Forbidden, Invalid
            The principal may not (``operations.write``), or the password breaks a rule.
        """
        self.policy.scope(principal, "operations.write")
        self.rules.check(password, Holder(Role.TEACHER))
        return self._set_hash(principal, self.hasher.hash(password))

    @retrying
    def _set_hash(self, principal: Principal, stored: str) -> int:
        now = self.days.now()
        with self.store.write(principal) as work:
            people = sorted(work.links.of(SOURCE, "user").values())
            for user in people:
                work.credentials.set(user, stored, now)
                work.credentials.supersede(user)
                work.sessions.end_all(user, now, SessionEnd.PASSWORD)
            work.emit(NewMessage("demo.let_in", "demo", {"users": len(people)}))
            work.commit()
        return len(people)

    def remove(self, principal: Principal) -> Standing:
        """Take the demonstration away with all that happened in it; needs ``operations.write``.

        Facts are kept for good elsewhere: these were never true. The events of the outbox stay.

        Returns
        -------
        Standing
            What stood before.

        Raises
        ------
        Conflict
            Somebody else depends on it (``demo_in_use``); nothing is removed.
        Forbidden, NotFound
            The principal may not, or there is no demonstration.
        """
        self.policy.scope(principal, "operations.write")
        before, names = self._erase(principal)
        self.intake.free(names)
        return before

    @retrying
    def _erase(self, principal: Principal) -> tuple[Standing, list[str]]:
        with self.store.write(principal) as work:
            before = self._standing(work, principal)
            if not before.is_there:
                raise NotFound("there is no demonstration here", code="demo_not_found")
            links = {kind: frozenset(work.links.of(SOURCE, kind).values()) for kind in _KINDS}
            what = Erasable(**{f"{kind}s": ids for kind, ids in links.items()})
            self._check_unused(work, what)
            names, now = work.erasure.erase(what), self.days.now()
            for name in names:
                # So that the bytes are cleared later, should this break off before ``free``.
                work.claims.add(name, now)
            counts: dict[str, JSON] = {kind: len(ids) for kind, ids in links.items()}
            work.emit(NewMessage("demo.removed", "demo", counts))
            work.commit()
        return before, names

    def _check_unused(self, work: Work, what: Erasable) -> None:
        found = work.erasure.dependents(what, self.days.today())
        if found:
            words = ", ".join(each.detail for each in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            text = f"the demonstration is in use by {words}{more}"
            raise Conflict(text, code="demo_in_use")

    def _standing(self, work: Work, principal: Principal) -> Standing:
        links = {kind: set(work.links.of(SOURCE, kind).values()) for kind in _KINDS}
        scope = self.policy.scope(principal, "users.read")
        people = work.users.names(scope, UserQuery(active=None), _NO_LIMIT)
        others = [p for p in people if p.id not in links["user"] and p.role is not Role.ADMIN]
        counts = {f"{kind}s": len(ids) for kind, ids in links.items()}
        return Standing(**counts, others=len(others))

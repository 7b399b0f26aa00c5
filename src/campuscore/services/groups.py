"""Groups and memberships."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from attrs import evolve, frozen

from campuscore.domain.auth import Principal
from campuscore.domain.checks import member_of
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage, changed_fields
from campuscore.domain.groups import (
    MEMBER_ROLES,
    Group,
    GroupChange,
    GroupView,
    Member,
    Membership,
    NewGroup,
)
from campuscore.domain.paging import Page, PageRequest, cut_page
from campuscore.domain.unset import Unset
from campuscore.domain.users import Role, UserName
from campuscore.errors import Conflict, Forbidden, Invalid
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.policy import GroupTarget, PersonTarget, Policy, not_found
from campuscore.services.retrying import retrying

__all__ = ["GroupService"]

_PAGE = 10_000
_DEEPEST = 32


@frozen
class GroupService:
    """The tree of groups, and who belongs to them when."""

    store: WorkFactory
    policy: Policy
    days: Days

    @retrying
    def create(self, principal: Principal, new: NewGroup) -> GroupView:
        """Create a group; a campus teacher who creates one becomes its teacher.

        Raises
        ------
        Forbidden, Invalid
            The principal may not, or a field breaks a rule.
        """
        self.policy.scope(principal, "groups.create")
        new.check()
        with self.store.write(principal) as work:
            self._check_references(work, principal, new.parent, new.term)
            group = work.groups.add(new)
            work.emit(_event("created", group.id, {"name": group.name}))
            if principal.role is Role.TEACHER:
                self._join(work, group.id, principal.user_id, Role.TEACHER)
            view = self._views(work, [group])[0]
            work.commit()
        return view

    def list(self, principal: Principal, page: PageRequest | None = None) -> Page[GroupView]:
        """List groups by id, each with the names of today's teachers and students."""
        part = (page or PageRequest()).slice(default=_PAGE, width=1)
        scope = self.policy.scope(principal, "groups.read")
        with self.store.read() as work:
            groups = cut_page(work.groups.list(scope, part), part, lambda g: (g.id,))
            return Page([*self._views(work, groups.items)], groups.next)

    def get(self, principal: Principal, group_id: int) -> GroupView:
        """Return one group, or raise NotFound."""
        with self.store.read() as work:
            self.policy.require(work, principal, "groups.read", GroupTarget(group_id))
            return self._views(work, [_found(work, group_id)])[0]

    @retrying
    def update(self, principal: Principal, group_id: int, change: GroupChange) -> GroupView:
        """Change fields of a group.

        Raises
        ------
        Forbidden, Invalid, NotFound
            The principal may not, a field breaks a rule (a group cannot hang under itself), or
            there is no such group.
        """
        change.check()
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "groups.write", GroupTarget(group_id))
            group = _found(work, group_id)
            changed = _apply(group, change)
            parent = changed.parent if changed.parent != group.parent else None
            self._check_departure(work, principal, group, changed)
            self._check_references(work, principal, parent, changed.term)
            if parent is not None and group_id in work.groups.lineage(parent):
                raise Invalid.at("/parent", "a group cannot hang under itself")
            if changed != group:
                work.groups.save(changed)
                fields = changed_fields(group, changed)
                work.emit(_event("updated", group_id, {"fields": fields}))
            view = self._views(work, [changed])[0]
            work.commit()
        return view

    @retrying
    def archive(self, principal: Principal, group_id: int) -> None:
        """Take a group out of use; past attendance keeps its name.

        Raises
        ------
        Conflict
            Groups hang under it.
        Forbidden, NotFound
            The principal may not, or there is no such group.
        """
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "groups.write", GroupTarget(group_id))
            work.groups.archive(group_id)
            work.emit(_event("archived", group_id))
            work.commit()

    @retrying
    def add_user(self, principal: Principal, group_id: int, user_id: int, role: Role) -> bool:
        """Make a user a member from today on; twice is the same as once.

        Returns
        -------
        bool
            Whether anything changed.

        Raises
        ------
        Conflict
            The user is deactivated.
        Forbidden, Invalid, NotFound
            The principal may not, the role cannot be held in a group, or there is no such group
            or user. Only administrators add administrators.
        """
        role = _check_role(role)
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "groups.write", GroupTarget(group_id))
            self.policy.require(work, principal, "users.read", PersonTarget(user_id))
            with self.policy.noting(principal, "groups.write", f"group:{group_id}"):
                _check_joins(work, principal, user_id)
            if work.memberships.find(group_id, user_id, role, self.days.today()):
                return False
            self._join(work, group_id, user_id, role)
            work.commit()
        return True

    @retrying
    def remove_user(
        self, principal: Principal, group_id: int, user_id: int, role: Role | None = None
    ) -> bool:
        """End a user's memberships as of today, in one role or in all; say whether any ended.

        Raises
        ------
        Forbidden, Invalid, NotFound
            As ``add_user``.
        """
        today = self.days.today()
        roles = sorted(MEMBER_ROLES) if role is None else [_check_role(role)]
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "groups.write", GroupTarget(group_id))
            found = [work.memberships.find(group_id, user_id, each, today) for each in roles]
            rows = [row for row in found if row is not None]
            if not rows:
                self.policy.require(work, principal, "users.read", PersonTarget(user_id))
            work.memberships.end([row.id for row in rows], today)
            for row in rows:
                work.emit(_membership_event("ended", group_id, user_id, row.role))
            work.commit()
        return bool(rows)

    def members(
        self, principal: Principal, group_id: int, day: date | None = None
    ) -> Sequence[Member]:
        """List the members of a group on a local day, today by default; NotFound as ``get``.

        Deactivated users are on the lists of the past only.
        """
        today = self.days.today()
        day = day or today
        with self.store.read() as work:
            self.policy.require(work, principal, "groups.read", GroupTarget(group_id))
            rows = work.memberships.members(group_id, day)
            if day < today:
                return rows
            active = {name.id for _, _, name in work.memberships.names([group_id], day)}
        return [row for row in rows if row.id in active]

    def _join(self, work: Work, group_id: int, user_id: int, role: Role) -> None:
        today = self.days.today()
        row = Membership(0, group_id, user_id, role, today, None, "manual")
        work.memberships.add([row])
        work.emit(_membership_event("started", group_id, user_id, role))

    def _check_departure(
        self, work: Work, principal: Principal, group: Group, changed: Group
    ) -> None:
        """Refuse to take a group from under one that is not the principal's to change."""
        above = group.parent
        if above is None or above == changed.parent:
            return
        if not self.policy.may(work, principal, "groups.write", GroupTarget(above)):
            error = Forbidden(f"you may not take a group from under group {above}")
            raise self.policy.note(principal, "groups.write", f"group:{above}", error)

    def _check_references(
        self, work: Work, principal: Principal, parent: int | None, term: int | None
    ) -> None:
        if parent is not None:
            self.policy.require(work, principal, "groups.write", GroupTarget(parent))
            if len(work.groups.lineage(parent)) >= _DEEPEST:
                raise Invalid.at("/parent", f"groups nest at most {_DEEPEST} deep")
        if term is not None and work.terms.find(term) is None:
            raise Invalid.at("/term", f"there is no term {term}")

    def _views(self, work: Work, groups: Sequence[Group]) -> Sequence[GroupView]:
        if not groups:
            return []
        views = {
            g.id: GroupView(g.id, g.name, [], [], g.kind, g.parent, g.code, g.term) for g in groups
        }
        for group_id, role, name in work.memberships.names(list(views), self.days.today()):
            _place(views[group_id], role, name)
        return list(views.values())


def _place(view: GroupView, role: Role, name: UserName) -> None:
    if role is Role.TEACHER:
        view.teachers.append(name)
    elif role is Role.STUDENT:
        view.students.append(name)


def _apply(group: Group, change: GroupChange) -> Group:
    values = {n: getattr(change, n) for n in ("name", "kind", "parent", "code", "term")}
    return evolve(group, **{n: v for n, v in values.items() if not isinstance(v, Unset)})


def _check_role(role: Role) -> Role:
    role = member_of(Role, role, "/role")
    if role not in MEMBER_ROLES:
        known = ", ".join(sorted(MEMBER_ROLES))
        raise Invalid.at("/role", f"cannot be held in a group; one of {known}")
    return role


def _check_joins(work: Work, principal: Principal, user_id: int) -> None:
    user = work.users.find(user_id)
    if user is not None and user.role is Role.ADMIN and principal.role is not Role.ADMIN:
        raise Forbidden("only an administrator may add one to a group")
    if user is not None and not user.active:
        raise Conflict(f"user {user_id} is deactivated", code="user_inactive")


def _event(what: str, group_id: int, payload: dict[str, JSON] | None = None) -> NewMessage:
    return NewMessage(f"group.{what}", f"group:{group_id}", payload or {})


def _membership_event(what: str, group_id: int, user_id: int, role: Role) -> NewMessage:
    payload: dict[str, JSON] = {"group": group_id, "user": user_id, "role": str(role)}
    return NewMessage(f"membership.{what}", f"group:{group_id}", payload)


def _found(work: Work, group_id: int) -> Group:
    group = work.groups.find(group_id)
    if group is None:
        raise not_found(GroupTarget(group_id))
    return group

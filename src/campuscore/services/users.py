"""Users: create, look up, change, deactivate."""

from __future__ import annotations

from functools import partial

from attrs import evolve, frozen

from campuscore.domain.auth import OPERATOR, Principal, SessionEnd
from campuscore.domain.checks import check_all
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage, changed_fields
from campuscore.domain.paging import Page, PageRequest, cut_page
from campuscore.domain.passwords import Holder, PasswordRules, Rewrapped, Wrapping
from campuscore.domain.unset import Unset, given
from campuscore.domain.users import NewUser, Role, User, UserChange, UserName, UserQuery
from campuscore.errors import Conflict, NotFound
from campuscore.ports.auth import PasswordHasher
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.guardians import GuardianService
from campuscore.services.policy import PersonTarget, Policy, not_found
from campuscore.services.retrying import retrying

__all__ = ["UserService"]

_PAGE = 10_000
_HASHES = 500


@frozen
class UserService:
    """People and devices of the campus."""

    store: WorkFactory
    policy: Policy
    days: Days
    hasher: PasswordHasher
    rules: PasswordRules
    guardians: GuardianService

    def create(self, principal: Principal, new: NewUser) -> User:
        """Create a user.

        Parameters
        ----------
        principal
            Who acts; needs ``users.write``.
        new
            The user; without a password nobody can log in as them until one is set.

        Raises
        ------
        Conflict
            The username is taken.
        Forbidden, Invalid
            The principal may not, or a field breaks a rule.
        """
        self.policy.scope(principal, "users.write")
        check_all(new.check, partial(self._check_password, new.password, new))
        return self._create(principal, new, self._hash(new.password))

    def list(
        self,
        principal: Principal,
        query: UserQuery | None = None,
        page: PageRequest | None = None,
    ) -> Page[User] | Page[UserName]:
        """List users by id: whole ones for those who may read every detail, else their names."""
        query, page = query or UserQuery(), page or PageRequest()
        scope = self.policy.scope(principal, "users.read")
        part = page.slice(default=_PAGE, width=1)
        with self.store.read() as work:
            if self.policy.everywhere(principal, "users.details"):
                return cut_page(work.users.list(scope, query, part), part, lambda u: (u.id,))
            return cut_page(work.users.names(scope, query, part), part, lambda u: (u.id,))

    def get(self, principal: Principal, user_id: int) -> User | UserName:
        """Return one user: whole where the principal may read details, else the name.

        Raises
        ------
        NotFound
            There is no such user within the principal's rights.
        """
        target = PersonTarget(user_id)
        with self.store.read() as work:
            self.policy.require(work, principal, "users.read", target)
            user = _found(work, user_id)
            if self.policy.may(work, principal, "users.details", target):
                return user
        return UserName(user.id, user.username, user.first_name, user.last_name, user.role)

    def find_named(self, principal: Principal, username: str) -> User | UserName:
        """Return one user by username; as ``get``."""
        self.policy.scope(principal, "users.read")
        with self.store.read() as work:
            found = work.users.find_named([username])
        try:
            return self.get(principal, found[0].id if found else 0)
        except NotFound as error:
            text = f"there is no user {username!r}"
            raise NotFound(text, code=error.code) from error

    def update(self, principal: Principal, user_id: int, change: UserChange) -> User:
        """Change fields of a user; a password that is not given, or None, stays as it is.

        Raises
        ------
        Conflict
            The username is taken, or nobody would be left to administer the campus.
        Forbidden, Invalid, NotFound
            The principal may not, a field breaks a rule, or there is no such user.
        """
        self.policy.scope(principal, "users.write")
        secret = given(change.password, None)
        if secret is None:
            change.check()
        else:
            changed = self._changed(principal, user_id, change)
            check_all(change.check, partial(self._check_password, secret, changed))
        return self._update(principal, user_id, change, self._hash(secret))

    def deactivate(self, principal: Principal, user_id: int) -> None:
        """Shut a user out in the very next request; what they did stays on record."""
        self.update(principal, user_id, UserChange(active=False))

    def set_password(self, principal: Principal, user_id: int, password: str) -> None:
        """Set a user's password and end their sessions."""
        self.update(principal, user_id, UserChange(password=password))

    def ensure_administrator(self, username: str, password: str | None) -> str | None:
        """Create the first administrator on an empty campus.

        Returns
        -------
        str or None
            The password, where one was made up; None where it was given or nothing was to do.
        """
        with self.store.read() as work:
            if _any_user(self.policy, work):
                return None
        chosen = password or self.rules.invent(Holder(Role.ADMIN, (username,)))
        self.create(OPERATOR, NewUser(username=username, role=Role.ADMIN, password=chosen))
        return None if password else chosen

    def rewrap_passwords(self, principal: Principal) -> Rewrapped:
        """Seal all stored password hashes under the SECRET_KEY of now; needs ``auth.manage``.

        No password is needed for it, and no session ends. Hashes whose key is unknown stay as they
        are, and are counted. It is done in steps, each of which is kept when a later one fails.

        Example
        -------
        >>> from campuscore import open_campus
        >>> with open_campus("memory://") as campus:
        ...     campus.users.rewrap_passwords(campus.operator).sealed
        0
        """
        self.policy.scope(principal, "auth.manage")
        done, after = Rewrapped(), 0
        while True:
            step, after = self._rewrap(principal, after)
            if not after:
                return done
            done = Rewrapped(
                sealed=done.sealed + step.sealed,
                kept=done.kept + step.kept,
                foreign=done.foreign + step.foreign,
            )

    @retrying
    def _rewrap(self, principal: Principal, after: int) -> tuple[Rewrapped, int]:
        """Seal the hashes of some users, and return the id of the last one, 0 at the end."""
        sealed = kept = foreign = 0
        with self.store.write(principal) as work:
            rows = work.credentials.stored(after, _HASHES)
            for user_id, stored in rows:
                wrapping = self.hasher.wrapping(stored) if stored else Wrapping.CURRENT
                if wrapping in {Wrapping.FOREIGN, Wrapping.DAMAGED}:
                    foreign += 1
                elif wrapping is Wrapping.CURRENT:
                    kept += 1
                else:
                    work.credentials.rehash(user_id, stored, self.hasher.rewrap(stored))
                    sealed += 1
            if sealed:
                work.emit(NewMessage("passwords.sealed", "passwords", {"count": sealed}))
                work.commit()
        step = Rewrapped(sealed=sealed, kept=kept, foreign=foreign)
        return step, rows[-1][0] if rows else 0

    def _changed(self, principal: Principal, user_id: int, change: UserChange) -> User:
        """Return the user as they will be, whom the new password must fit."""
        with self.store.read() as work:
            self.policy.require(work, principal, "users.write", PersonTarget(user_id))
            return _apply(_found(work, user_id), change)

    def _check_password(self, password: str | None, user: User | NewUser) -> None:
        if password is not None:
            self.rules.check(password, Holder.of(user))

    def _hash(self, password: str | None) -> str:
        return "" if password is None else self.hasher.hash(password)

    @retrying
    def _create(self, principal: Principal, new: NewUser, stored: str) -> User:
        now = self.days.now()
        with self.store.write(principal) as work:
            user = work.users.add(new, now)
            if stored:
                work.credentials.set(user.id, stored, now)
            payload: dict[str, JSON] = {"username": user.username, "role": str(user.role)}
            work.emit(NewMessage("user.created", str(user.id), payload))
            work.commit()
        return user

    @retrying
    def _update(self, principal: Principal, user_id: int, change: UserChange, stored: str) -> User:
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "users.write", PersonTarget(user_id))
            user = _found(work, user_id)
            changed = _apply(user, change)
            if changed != user:
                self._save(work, user, changed)
            if stored:
                work.credentials.set(user_id, stored, self.days.now())
                work.credentials.supersede(user_id)
                keep = principal.session_id
                work.sessions.end_all(user_id, self.days.now(), SessionEnd.PASSWORD, keep=keep)
                work.tokens.revoke_all(user_id, self.days.now())
                work.emit(NewMessage("user.password_set", str(user_id)))
            work.commit()
        return changed

    def _save(self, work: Work, user: User, changed: User) -> None:
        work.users.save(changed)
        if _is_admin(user) and not _is_admin(changed) and not _any_admin(self.policy, work):
            raise Conflict("the last administrator cannot be taken away", code="last_admin")
        if user.role is not changed.role:
            work.credentials.supersede(user.id)
        if user.active and not changed.active:
            work.sessions.end_all(user.id, self.days.now(), SessionEnd.DEACTIVATED)
            work.tokens.revoke_all(user.id, self.days.now())
        what = "deactivated" if user.active and not changed.active else "updated"
        work.emit(NewMessage(f"user.{what}", str(user.id), _difference(user, changed)))


def _difference(user: User, changed: User) -> dict[str, JSON]:
    """Say which fields are other than they were, and what became of the role."""
    told: dict[str, JSON] = {"fields": changed_fields(user, changed)}
    if user.role is not changed.role:
        told["role"] = {"from": str(user.role), "to": str(changed.role)}
    return told


def _apply(user: User, change: UserChange) -> User:
    fields = ("username", "first_name", "last_name", "role", "email", "locale", "active")
    values = {name: getattr(change, name) for name in fields}
    return evolve(user, **{name: v for name, v in values.items() if not isinstance(v, Unset)})


def _is_admin(user: User) -> bool:
    return user.active and user.role is Role.ADMIN


def _any_admin(policy: Policy, work: Work) -> bool:
    part = PageRequest(limit=1).slice(default=1, width=1)
    scope = policy.scope(OPERATOR, "users.read")
    return bool(work.users.names(scope, UserQuery(active=True, role=Role.ADMIN), part))


def _any_user(policy: Policy, work: Work) -> bool:
    part = PageRequest(limit=1).slice(default=1, width=1)
    return bool(
        work.users.names(policy.scope(OPERATOR, "users.read"), UserQuery(active=None), part)
    )


def _found(work: Work, user_id: int) -> User:
    user = work.users.find(user_id)
    if user is None:
        raise not_found(PersonTarget(user_id))
    return user

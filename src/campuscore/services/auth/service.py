"""The service of auth."""

from __future__ import annotations

from functools import partial

from attrs import evolve, frozen

from campuscore.domain.auth import (
    ANONYMOUS,
    Claims,
    Credential,
    Impersonation,
    Lifetimes,
    NewImpersonation,
    Origin,
    Principal,
    Session,
    SessionEnd,
    SessionState,
    TokenPair,
    may_authenticate,
)
from campuscore.domain.checks import check_kind
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.passwords import Holder, PasswordRules
from campuscore.domain.rotation import RefreshToken
from campuscore.domain.users import User
from campuscore.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Unauthenticated,
)
from campuscore.ports.auth import PasswordHasher
from campuscore.ports.work import WorkFactory
from campuscore.services.auth.gate import Gate
from campuscore.services.auth.impersonating import Impersonating
from campuscore.services.auth.keys import KeyService
from campuscore.services.auth.opening import Opening
from campuscore.services.auth.refreshing import Refreshing
from campuscore.services.auth.ring import Ring
from campuscore.services.auth.rules import (
    TOKEN_PREFIX,
    no_session,
    refused_refresh,
    whose,
    wrong_credentials,
)
from campuscore.services.auth.tokens import TokenService
from campuscore.services.policy import Policy
from campuscore.services.retrying import retrying

__all__ = ["AuthService"]


@frozen
class AuthService:
    """Who is it, and do they still count."""

    store: WorkFactory
    policy: Policy
    days: Days
    hasher: PasswordHasher
    rules: PasswordRules
    ring: Ring
    lifetimes: Lifetimes
    check_in_on_login: bool
    tokens: TokenService
    keys: KeyService
    gate: Gate

    def login(self, username: str, password: str, origin: Origin | None = None) -> TokenPair:
        """Open a session, and record the login as a check-in.

        Exactly one password hash is computed whether or not the user exists, so that the time of
        the answer tells nothing; and none after too many tries. The check-in is part of the same
        commit; if it fails, the login still succeeds and the check-in is recorded later by the
        outbox.

        Raises
        ------
        Unauthenticated
            Username and password do not belong to an active user.
        TooMany
            Too many passwords were tried on this account, from this address or by everybody;
            ``retry_after`` says when the next one may be.
        Busy, Unavailable
            Too many logins at once, or tries cannot be counted.
        """
        check_kind(password, str, "/password")
        origin = origin or Origin()
        credential, fresh = self._check_password(username, password, origin)
        return self._open_session(credential, fresh, origin)

    def refresh(self, token: str, origin: Origin | None = None) -> TokenPair:
        """Exchange a refresh token, once, for a new pair (RFC 9700, section 4.14.2).

        For ten seconds the same client may ask again and gets the same successor, because its
        first answer may have been lost. Any other use of a token that was exchanged before means
        that somebody has a copy: the session ends, whoever asks.

        Raises
        ------
        Unauthenticated
            The token was used before, its session has ended, or its user is shut out.
        """
        check_kind(token, str, "/token")
        exchange = Refreshing(self.store, self.days, self.lifetimes).exchange
        with self.policy.noting(evolve(ANONYMOUS, origin=origin), "auth.refresh"):
            presented = RefreshToken.parse(token)
            if presented is None:
                raise refused_refresh()
            exchanged = exchange(presented, origin or Origin())
        return self._pair(exchanged.state, exchanged.token)

    def authenticate(self, token: str, origin: Origin | None = None) -> Principal:
        """Return who acts with an access token or an API token.

        The session and the user are looked up each time, so that logout and deactivation count
        in the very next request. ``origin`` is where the request came from; the principal keeps it.

        Raises
        ------
        Unauthenticated
            The token is not valid, or no longer counts.
        """
        check_kind(token, str, "/token")
        if token.startswith(TOKEN_PREFIX):
            return self.tokens.authenticate(token, origin)
        now = self.days.now()
        held = self.ring.revision
        claims = self.ring.verify(token, now)
        with self.store.read() as work:
            state = work.sessions.state(claims.session_id)
        if state is None or (state.user_id, state.actor) != (claims.user_id, claims.actor):
            raise Unauthenticated("the token belongs to no session", code="token_invalid")
        self.ring.confirm(token, now, held, state.ring)
        if not state.counts(now):
            raise Unauthenticated("the session has ended", code="session_ended")
        if state.version != claims.version:
            raise Unauthenticated("rights have changed; refresh the token", code="token_stale")
        return Principal(
            state.user_id,
            state.username,
            state.role,
            "session",
            claims.session_id,
            actor=state.actor,
            origin=origin,
        )

    def impersonate(self, principal: Principal, new: NewImpersonation) -> Impersonation:
        """Act in a user's name for some minutes, to see what they see.

        Each request is recorded with both names. What is to be done in person (passwords, tokens,
        check-ins, files, uploads, everything of administrators) cannot be done so. It ends with the
        time, with a logout, and as soon as either of the two is shut out or loses the role.

        Raises
        ------
        Forbidden
            The principal may not (``auth.impersonate``), came with an API token or already in
            somebody's name, or the user is an administrator or a device.
        Invalid, NotFound
            There is no reason, too much time, or no such active user.
        """
        begin = Impersonating(self.store, self.policy, self.days, self.ring).begin
        return begin(principal, new)

    def me(self, principal: Principal) -> User:
        """Return the user who acts."""
        self.policy.scope(principal, "auth.self")
        with self.store.read() as work:
            user = work.users.find(principal.user_id)
        if user is None:
            raise NotFound("the operator is not a user", code="user_not_found")
        return user

    def logout(self, principal: Principal) -> None:
        """End the session that the principal came with."""
        self.policy.scope(principal, "auth.self")
        if principal.session_id is not None:
            self._end(principal, principal.user_id, principal.session_id)

    def change_password(
        self, principal: Principal, old: str, new: str, *, keep_tokens: bool = False
    ) -> TokenPair:
        """Change one's own password; all other sessions and all API tokens end.

        What was issued before counts no more, this session's tokens included: the new pair is
        answered. With ``keep_tokens`` the API tokens stay.

        Raises
        ------
        Forbidden
            The principal came with an API token, or the old password is wrong.
        TooMany
            Too many passwords were tried, as with ``login``.
        Invalid
            The new password breaks a rule.
        """
        self.policy.scope(principal, "auth.credentials")
        check_kind(old, str, "/old_password")
        if principal.session_id is None:
            error = Forbidden("a password is changed from a session", code="session_needed")
            raise self.policy.note(principal, "auth.credentials", "", error)
        with self.store.read() as work:
            credential = work.credentials.find_of(principal.user_id)
        holder = Holder.of(credential.user) if credential else Holder()
        self.rules.check(new, holder, "/new_password")
        stored = credential.password_hash if credential else ""
        check = partial(self.hasher.verify, old, stored)
        with self.policy.noting(principal, "auth.credentials"):
            if not self.gate.verify(principal.username, principal.origin, check).fits:
                raise Forbidden("the old password is wrong", code="wrong_password")
        fresh = self.hasher.hash(new)
        return self._replace_password(principal, stored, fresh, keep_tokens=keep_tokens)

    def sessions(self, principal: Principal, user_id: int | None = None) -> list[Session]:
        """List one's own open sessions, or (with ``auth.manage``) those of a user."""
        wanted = whose(self.policy, principal, user_id, own="auth.self")
        with self.store.read() as work:
            return work.sessions.list(wanted, self.days.now())

    def session(self, principal: Principal, session_id: int) -> Session:
        """Return one of one's own open sessions, or raise NotFound."""
        for session in self.sessions(principal):
            if session.id == session_id:
                return session
        error = no_session(session_id)
        raise self.policy.note(principal, "auth.self", f"session:{session_id}", error)

    @retrying
    def end_all_sessions(
        self, principal: Principal, user_id: int | None = None, *, keep_tokens: bool = False
    ) -> int:
        """Log out everywhere: end all of one's own sessions, and revoke all API tokens.

        With ``auth.manage`` it can be done to another user. With ``keep_tokens`` the API tokens
        stay. Returns how many sessions were open.
        """
        wanted = whose(self.policy, principal, user_id)
        now = self.days.now()
        with self.store.write(principal) as work:
            count = work.sessions.end_all(wanted, now, SessionEnd.EVERYWHERE)
            revoked = 0 if keep_tokens else work.tokens.revoke_all(wanted, now)
            payload: dict[str, JSON] = {"sessions": count, "tokens": revoked}
            work.emit(NewMessage("session.all_ended", str(wanted), payload))
            work.commit()
        return count

    def unlock(self, principal: Principal, user_id: int) -> None:
        """Forget the wrong passwords that were tried on a user's account, from wherever.

        It needs ``auth.manage``. Nobody is locked out for good: without it the tries come back
        with time.
        """
        self.policy.scope(principal, "auth.manage")
        self.gate.unlock(self._record_unlock(principal, user_id))

    def end_session(
        self, principal: Principal, session_id: int, user_id: int | None = None
    ) -> None:
        """End one of one's own sessions, or (with ``auth.manage``) of a user; NotFound if gone."""
        self._end(principal, whose(self.policy, principal, user_id), session_id)

    @retrying
    def _record_unlock(self, principal: Principal, user_id: int) -> str:
        with self.store.write(principal) as work:
            user = work.users.find(user_id)
            if user is None:
                raise NotFound(f"there is no user {user_id}", code="user_not_found")
            work.emit(NewMessage("user.unlocked", str(user_id)))
            work.commit()
        return user.username

    @retrying
    def _end(self, principal: Principal, wanted: int, session_id: int) -> None:
        with self.store.write(principal) as work:
            if not work.sessions.end(session_id, wanted, self.days.now(), SessionEnd.LOGOUT):
                error = no_session(session_id)
                raise self.policy.note(principal, "auth.self", f"session:{session_id}", error)
            work.emit(NewMessage("session.ended", str(wanted), {"session": session_id}))
            work.commit()

    def _check_password(
        self, username: str, password: str, origin: Origin
    ) -> tuple[Credential, str]:
        """Return what the password fits, and a hash to store in its place, if any."""
        with self.store.read() as work:
            credential = work.credentials.find(username)
        known = credential is not None and may_authenticate(credential.user)
        stored = credential.password_hash if credential and known else ""
        check = partial(self.hasher.verify, password, stored)
        whom = str(credential.user.id) if credential else ""
        with self.policy.noting(evolve(ANONYMOUS, origin=origin), "auth.login", whom):
            verdict = self.gate.verify(username, origin, check)
            if not verdict.fits or credential is None:
                raise wrong_credentials()
        return credential, self.hasher.hash(password) if verdict.stale else ""

    @retrying
    def _open_session(self, credential: Credential, fresh: str, origin: Origin) -> TokenPair:
        user, now = credential.user, self.days.now()
        who = Principal(user.id, user.username, user.role, "login", origin=origin)
        with self.store.write(who) as work:
            if work.credentials.hold(user.id) != credential.version:
                raise wrong_credentials()  # it was changed since it was checked
            opened = self._opening.open(work, user.id, now, origin)
            if fresh:
                work.credentials.rehash(user.id, credential.password_hash, fresh)
            work.emit(
                NewMessage("session.opened", str(user.id), {"session": opened.token.session_id})
            )
            if self.check_in_on_login:
                self._opening.check_in(work, user.id, now, origin)
            work.commit()
        return self._pair(opened.state, opened.token)

    @retrying
    def _replace_password(
        self, principal: Principal, stored: str, fresh: str, *, keep_tokens: bool
    ) -> TokenPair:
        user, now = principal.user_id, self.days.now()
        with self.store.write(principal) as work:
            if not work.credentials.rehash(user, stored, fresh):
                raise Conflict("the password was changed meanwhile", code="password_changed")
            work.credentials.supersede(user)
            work.sessions.end_all(user, now, SessionEnd.PASSWORD)
            if not keep_tokens:
                work.tokens.revoke_all(user, now)
            work.emit(NewMessage("user.password_set", str(user)))
            opened = self._opening.open(work, user, now, principal.origin or Origin())
            work.commit()
        return self._pair(opened.state, opened.token)

    @property
    def _opening(self) -> Opening:
        return Opening(self.days, self.lifetimes)

    def _pair(self, state: SessionState, token: RefreshToken) -> TokenPair:
        now = self.days.now()
        ends = (now + self.lifetimes.access).timestamp()
        claims = Claims(state.user_id, token.session_id, ends, state.version, state.actor)
        return TokenPair(self.ring.issue(claims, now, state.ring), str(token))

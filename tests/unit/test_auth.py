"""Logins, sessions and tokens, where time and failures matter."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest
from attrs import astuple, evolve

from campuscore import NewUser, Role, Settings, UserChange, open_campus
from campuscore.adapters.http.auth import Login, PasswordChange, Refresh
from campuscore.domain.attendance import LOGIN_RETRY, CheckInMethod
from campuscore.domain.auth import (
    Claims,
    Credential,
    Impersonation,
    MintedToken,
    NewApiToken,
    Origin,
    TokenPair,
)
from campuscore.domain.users import User
from campuscore.errors import (
    CampusError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)

from .campuses import NOW, Clock, CountingHasher, new_store, town_on

AFTER_TIME = datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))

PASSWORD = "correct horse battery"


@pytest.fixture
def anna(town):
    return town.user("anna", password=PASSWORD)


@pytest.fixture
def auth(town, anna):
    return town.campus.auth


def refused(call, *args) -> str:
    with pytest.raises(CampusError) as error:
        call(*args)
    return error.value.code


class TestOneHash:
    """Whoever asks, a login costs one hash, so that its time tells nothing."""

    @pytest.mark.parametrize("case", ["right", "wrong", "unknown", "no password", "deactivated"])
    def test_on_every_path(self, town, auth, anna, case):
        name, password = "anna", PASSWORD
        if case == "wrong":
            password = "battery staple"
        elif case == "unknown":
            name = "nobody"
        elif case == "no password":
            town.user("bert")
            name, password = "bert", ""
        elif case == "deactivated":
            town.user("root", Role.ADMIN)
            town.campus.users.deactivate(town.campus.operator, anna)
        town.hasher.count = 0
        if case == "right":
            auth.login(name, password)
        else:
            assert refused(auth.login, name, password) == "wrong_credentials"

        assert town.hasher.count == 1

    def test_but_a_stale_hash_is_renewed(self, town, auth, anna):
        town.hasher.version = 2
        auth.login("anna", PASSWORD)
        with town.store.read() as work:
            assert work.credentials.find_of(anna).password_hash == f"2:{PASSWORD}"
        town.hasher.count = 0
        auth.login("anna", PASSWORD)

        assert town.hasher.count == 1

    def test_two_logins_at_once_may_both_find_it_stale(self, town, auth, anna):
        class Slow(CountingHasher):
            def verify(self, password, stored):
                verdict = super().verify(password, stored)
                auth.login("anna", PASSWORD)
                return verdict

        town.hasher.version = 2
        slow = evolve(auth, hasher=Slow(version=2))
        assert auth.authenticate(slow.login("anna", PASSWORD).access).user_id == anna

    def test_no_password_is_cut_before_it_is_hashed(self, town, auth):
        hashed = []
        verify = town.hasher.verify
        town.campus = evolve(town.campus, auth=evolve(auth, hasher=Spy(hashed, verify)))

        assert refused(town.campus.auth.login, "anna", "x" * 10**6) == "wrong_credentials"
        assert [len(password) for password in hashed] == [10**6]


class Spy:
    """A hasher that notes what it is given."""

    def __init__(self, seen, verify) -> None:
        self.seen, self._verify = seen, verify

    def verify(self, password, stored):
        self.seen.append(password)
        return self._verify(password, stored)


class TestCheckIn:
    def rows(self, town):
        return town.campus.attendance.list(town.campus.operator).items

    def test_a_login_is_one(self, town, auth, anna):
        auth.login("anna", PASSWORD, Origin("10.0.0.7", "lab-pc"))
        (row,) = self.rows(town)

        assert (row.user, row.timestamp, row.method) == (anna, NOW, CheckInMethod.LOGIN)
        assert (row.ip_address, row.user_agent) == ("10.0.0.7", "lab-pc")
        assert town.topics()[-2:] == ["session.opened", "checkin.recorded"]

    def test_not_when_the_setting_is_off(self, tmp_path):
        clock = Clock()
        store = new_store("memory", clock, tmp_path)
        town = town_on(store, clock, settings=Settings(check_in_on_login=False))
        town.user("anna", password=PASSWORD)
        town.campus.auth.login("anna", PASSWORD)

        assert self.rows(town) == []

    def test_a_refresh_is_none(self, town, auth):
        auth.refresh(auth.login("anna", PASSWORD).refresh)

        assert len(self.rows(town)) == 1

    @pytest.mark.parametrize("origin", [Origin("10.0.0.7", "lab-pc"), None])
    def test_one_that_fails_lets_the_login_through_and_is_recorded_later(
        self, town, auth, anna, origin
    ):
        with broken_check_ins(town):
            pair = auth.login("anna", PASSWORD, origin)
            assert auth.authenticate(pair.access).user_id == anna
            assert self.rows(town) == []
            assert town.topics()[-2:] == ["session.opened", LOGIN_RETRY]
            town.campus.operations.run_due("one")
            assert self.rows(town) == []

        town.clock.forward(hours=1)
        town.campus.operations.run_due("one")
        (row,) = self.rows(town)
        assert (row.user, row.timestamp, row.method) == (anna, NOW, CheckInMethod.LOGIN)
        assert (row.ip_address, row.user_agent) == (
            (origin.ip_address, origin.user_agent) if origin else (None, None)
        )


@contextmanager
def broken_check_ins(town):
    """Have the store fail in the middle of recording, after it has written."""
    with town.store.read() as work:
        kind = type(work.check_ins)
    add = kind.add

    def broken(check_ins, facts):
        add(check_ins, facts)
        raise Unavailable("the disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "add", broken)
        yield


class TestSessions:
    def test_it_ends_when_it_is_idle_for_too_long(self, town, auth):
        pair = auth.login("anna", PASSWORD)
        town.clock.forward(days=13, hours=23)
        pair = auth.refresh(pair.refresh)
        town.clock.forward(days=14, seconds=1)

        assert refused(auth.refresh, pair.refresh) == "refresh_refused"

    def test_and_after_a_month_however_busy_it_was(self, town, auth):
        pair = auth.login("anna", PASSWORD)
        for _ in range(5):
            town.clock.forward(days=5)
            pair = auth.refresh(pair.refresh)
        town.clock.forward(days=5)

        assert refused(auth.refresh, pair.refresh) == "refresh_refused"

    def test_an_access_token_lives_for_ten_minutes(self, town, auth):
        pair = auth.login("anna", PASSWORD)
        town.clock.forward(minutes=9, seconds=59)
        auth.authenticate(pair.access)
        town.clock.forward(seconds=1)

        assert refused(auth.authenticate, pair.access) == "token_expired"

    def test_an_access_token_ends_with_its_session_even_before(self, town, auth):
        town.campus = evolve(
            town.campus, auth=evolve(auth, lifetimes=evolve(auth.lifetimes, access=timedelta(99)))
        )
        pair = town.campus.auth.login("anna", PASSWORD)
        town.clock.forward(days=30)

        assert refused(auth.authenticate, pair.access) == "session_ended"

    def test_a_deactivated_user_is_out_in_the_next_request(self, town, auth, anna):
        pair = auth.login("anna", PASSWORD)
        minted = auth.tokens.mint(town.campus.operator, NewApiToken(name="t"), anna)
        town.user("root", Role.ADMIN)
        town.campus.users.deactivate(town.campus.operator, anna)

        assert refused(auth.authenticate, pair.access) == "session_ended"
        assert refused(auth.authenticate, minted.token) == "token_invalid"
        assert refused(auth.refresh, pair.refresh) == "refresh_refused"

    def test_a_user_who_comes_back_has_to_log_in_again(self, town, auth, anna):
        pair = auth.login("anna", PASSWORD)
        users, operator = town.campus.users, town.campus.operator
        minted = auth.tokens.mint(operator, NewApiToken(name="t"), anna)
        users.deactivate(operator, anna)
        users.update(operator, anna, UserChange(active=True))

        assert refused(auth.authenticate, pair.access) == "session_ended"
        assert refused(auth.authenticate, minted.token) == "token_invalid"
        assert auth.login("anna", PASSWORD).access

    def test_a_new_role_takes_the_tokens_that_knew_the_old_one(self, town, auth, anna):
        pair = auth.login("anna", PASSWORD)
        minted = auth.tokens.mint(town.campus.operator, NewApiToken(name="t"), anna)
        town.campus.users.update(town.campus.operator, anna, UserChange(role=Role.TEACHER))

        assert refused(auth.authenticate, pair.access) == "token_stale"
        assert auth.authenticate(auth.refresh(pair.refresh).access).role is Role.TEACHER
        assert auth.authenticate(minted.token).role is Role.TEACHER

    def test_another_name_takes_none(self, town, auth, anna):
        pair = auth.login("anna", PASSWORD)
        town.campus.users.update(town.campus.operator, anna, UserChange(first_name="Anna"))

        assert auth.authenticate(pair.access).user_id == anna

    def test_a_user_who_is_shut_out_while_logging_in_stays_out(self, town, auth, anna):
        class Slow(Spy):
            def verify(self, password, stored):
                users, operator = town.campus.users, town.campus.operator
                users.update(operator, anna, UserChange(active=False))
                return super().verify(password, stored)

        slow = evolve(auth, hasher=Slow([], town.hasher.verify))
        assert refused(slow.login, "anna", PASSWORD) == "wrong_credentials"
        assert auth.sessions(town.campus.operator, anna) == []

    def test_a_password_that_is_changed_during_the_login_lets_nobody_in(self, town, auth, anna):
        class Slow(Spy):
            def verify(self, password, stored):
                verdict = super().verify(password, stored)
                town.campus.users.set_password(town.campus.operator, anna, "battery staple")
                return verdict

        slow = evolve(auth, hasher=Slow([], town.hasher.verify))
        assert refused(slow.login, "anna", PASSWORD) == "wrong_credentials"
        assert auth.sessions(town.campus.operator, anna) == []
        assert auth.login("anna", "battery staple")

    def test_a_token_of_no_session_of_its_user_is_refused(self, auth, anna):
        auth.login("anna", PASSWORD)
        for user, session in ((anna, 999), (anna + 1, 1)):
            token = auth.ring.access.issue(Claims(user, session, NOW.timestamp() + 60, 1), NOW)
            assert refused(auth.authenticate, token) == "token_invalid"

    def test_logout_ends_one_and_means_nothing_to_a_token(self, town, auth, anna):
        pair, other = auth.login("anna", PASSWORD), auth.login("anna", PASSWORD)
        auth.logout(auth.authenticate(pair.access))
        minted = auth.tokens.mint(town.campus.operator, NewApiToken(name="t"), anna)
        auth.logout(auth.authenticate(minted.token))

        assert refused(auth.authenticate, pair.access) == "session_ended"
        assert auth.authenticate(other.access).user_id == anna
        assert auth.authenticate(minted.token).user_id == anna

    def test_an_administrator_manages_those_of_others(self, town, auth, anna):
        pairs = [auth.login("anna", PASSWORD) for _ in range(3)]
        operator = town.campus.operator
        newest = auth.sessions(operator, anna)[0]
        auth.end_session(operator, newest.id, anna)
        assert len(auth.sessions(operator, anna)) == 2
        minted = auth.tokens.mint(operator, NewApiToken(name="t"), anna)
        assert auth.end_all_sessions(operator, anna, keep_tokens=True) == 2
        assert auth.authenticate(minted.token).user_id == anna
        assert auth.end_all_sessions(operator, anna) == 0
        assert refused(auth.authenticate, minted.token) == "token_invalid"
        assert {refused(auth.authenticate, pair.access) for pair in pairs} == {"session_ended"}
        assert town.topics()[-4:] == [
            "session.ended",
            "token.minted",
            "session.all_ended",
            "session.all_ended",
        ]

    def test_one_is_shown_until_it_ends(self, town, auth):
        principal = auth.authenticate(auth.login("anna", PASSWORD).access)
        assert auth.session(principal, principal.session_id).user == principal.user_id
        auth.logout(principal)

        assert refused(auth.session, principal, principal.session_id) == "session_not_found"
        assert refused(auth.end_session, principal, principal.session_id) == "session_not_found"

    def test_nobody_else_does(self, town, auth, anna):
        bert = town.principal(town.user("bert", Role.TEACHER))
        auth.login("anna", PASSWORD)
        for call in (
            lambda: auth.sessions(bert, anna),
            lambda: auth.end_all_sessions(bert, anna),
            lambda: auth.end_session(bert, 1, anna),
            lambda: auth.tokens.list(bert, anna),
            lambda: auth.tokens.mint(bert, NewApiToken(name="t"), anna),
        ):
            with pytest.raises(Forbidden):
                call()

    def test_the_operator_is_no_user(self, town, auth):
        with pytest.raises(NotFound):
            auth.me(town.campus.operator)


class TestPasswords:
    @pytest.mark.parametrize("keep", [False, True])
    def test_a_change_ends_what_was_issued_before(self, town, auth, anna, keep):
        mine, other = (auth.login("anna", PASSWORD) for _ in range(2))
        minted = auth.tokens.mint(town.campus.operator, NewApiToken(name="t"), anna)
        origin = Origin("10.0.0.7", "lab-pc")
        principal = auth.authenticate(mine.access, origin)
        pair = auth.change_password(principal, PASSWORD, "battery staple", keep_tokens=keep)

        (session,) = auth.sessions(town.campus.operator, anna)
        assert auth.authenticate(pair.access).session_id == session.id != principal.session_id
        assert (session.ip_address, session.user_agent) == ("10.0.0.7", "lab-pc")
        assert auth.refresh(pair.refresh)
        for old in (mine, other):
            assert refused(auth.authenticate, old.access) == "session_ended"
            assert refused(auth.refresh, old.refresh) == "refresh_refused"
        if keep:
            assert auth.authenticate(minted.token).user_id == anna
        else:
            assert refused(auth.authenticate, minted.token) == "token_invalid"
        assert refused(auth.login, "anna", PASSWORD) == "wrong_credentials"
        assert auth.login("anna", "battery staple")
        assert "user.password_set" in town.topics()

    def test_of_two_changes_at_once_one_wins(self, town, auth, anna):
        principal = auth.authenticate(auth.login("anna", PASSWORD).access)

        class Slow(Spy):
            def hash(self, password):
                with town.store.write() as work:
                    work.credentials.set(anna, "1:meanwhile", NOW)
                    work.commit()
                return f"1:{password}"

        slow = evolve(auth, hasher=Slow([], town.hasher.verify))
        with pytest.raises(Conflict) as error:
            slow.change_password(principal, PASSWORD, "battery staple")

        assert error.value.code == "password_changed"
        assert auth.login("anna", "meanwhile")

    def test_who_has_no_password_cannot_change_it(self, town, auth):
        bert = town.principal(town.user("bert"))

        assert refused(auth.change_password, bert, "", "battery staple") == "wrong_password"

    @pytest.mark.parametrize("new", ["short", "x" * 1025, "\ud800 horse battery"])
    def test_a_bad_one_is_refused(self, auth, new):
        principal = auth.authenticate(auth.login("anna", PASSWORD).access)
        with pytest.raises(Invalid) as error:
            auth.change_password(principal, PASSWORD, new)
        assert [p.path for p in error.value.problems] == ["/new_password"]

    def test_one_set_by_an_administrator_ends_all_sessions_and_tokens(self, town, auth, anna):
        pair = auth.login("anna", PASSWORD)
        minted = auth.tokens.mint(town.campus.operator, NewApiToken(name="t"), anna)
        town.campus.users.set_password(town.campus.operator, anna, "battery staple")

        assert refused(auth.authenticate, pair.access) == "session_ended"
        assert refused(auth.authenticate, minted.token) == "token_invalid"
        assert auth.login("anna", "battery staple")

    def test_one_set_for_oneself_leaves_this_session_and_no_token_of_before(self, town, auth):
        root = town.user("root", Role.ADMIN, password=PASSWORD)
        mine, other = (auth.login("root", PASSWORD) for _ in range(2))
        town.campus.users.set_password(auth.authenticate(mine.access), root, "battery staple 9")

        assert refused(auth.authenticate, mine.access) == "token_stale"
        assert refused(auth.refresh, other.refresh) == "refresh_refused"
        assert auth.authenticate(auth.refresh(mine.refresh).access).user_id == root

    def test_each_counts_the_security_version_up(self, town, auth, anna):
        def version():
            with town.store.read() as work:
                return work.credentials.hold(anna)

        before = version()
        auth.change_password(
            auth.authenticate(auth.login("anna", PASSWORD).access), PASSWORD, "battery staple"
        )
        assert version() == before + 1
        town.campus.users.set_password(town.campus.operator, anna, PASSWORD)
        assert version() == before + 2


class TestApiTokens:
    def test_the_database_holds_no_secret_that_lets_anybody_in(self, tmp_path):
        with open_campus(Settings(home=str(tmp_path))) as campus:
            user = campus.users.create(campus.operator, NewUser(username="anna", password=PASSWORD))
            token = campus.auth.tokens.mint(campus.operator, NewApiToken(name="t"), user.id).token
            pair = campus.auth.login("anna", PASSWORD)
        stored = (tmp_path / "campus.db").read_bytes()

        assert b"anna" in stored
        for secret in (PASSWORD, token, pair.access, pair.refresh, pair.refresh[-43:]):
            assert secret.encode() not in stored

    def test_one_expires(self, town, auth, anna):
        me = town.principal(anna)
        new = NewApiToken(name="t", expires_at=NOW + timedelta(hours=1))
        token = auth.tokens.mint(me, new).token
        town.clock.forward(minutes=59)
        assert auth.authenticate(token).method == "token"
        town.clock.forward(minutes=1)

        assert refused(auth.authenticate, token) == "token_invalid"

    def test_one_of_who_is_shut_out_lets_nobody_in(self, town, auth, anna):
        """Whether or not somebody thought of revoking it."""
        token = auth.tokens.mint(town.principal(anna), NewApiToken(name="t")).token
        with town.store.write() as work:
            work.users.save(evolve(work.users.find(anna), active=False))
            work.commit()

        assert refused(auth.authenticate, token) == "token_invalid"

    def test_its_use_is_noted_once_a_minute(self, town, auth, anna):
        token = auth.tokens.mint(town.principal(anna), NewApiToken(name="t")).token

        def used():
            auth.authenticate(token)
            return auth.tokens.list(town.principal(anna))[0].last_used_at

        assert used() == NOW
        town.clock.forward(seconds=60)
        assert used() == NOW
        town.clock.forward(seconds=1)
        assert used() == NOW + timedelta(seconds=61)

    def test_it_is_limited_to_its_scopes(self, town, auth, anna):
        new = NewApiToken(name="t", scopes=("attendance.read",))
        principal = auth.authenticate(auth.tokens.mint(town.principal(anna), new).token)

        assert principal.scopes == ("attendance.read",)
        assert town.campus.attendance.list(principal).items == []
        with pytest.raises(Forbidden):
            town.campus.attendance.check_in(principal)

    def test_administrators_revoke_those_of_anybody(self, town, auth, anna):
        root = town.principal(town.user("root", Role.ADMIN))
        bert = town.principal(town.user("bert"))
        minted = auth.tokens.mint(town.principal(anna), NewApiToken(name="t"))
        with pytest.raises(NotFound):
            auth.tokens.revoke(bert, minted.id)
        assert [t.id for t in auth.tokens.list(town.campus.operator)] == [minted.id]
        auth.tokens.revoke(root, minted.id)

        assert auth.tokens.list(root, anna) == []
        assert refused(auth.authenticate, minted.token) == "token_invalid"

    def test_one_for_nobody_is_refused(self, town, auth):
        with pytest.raises(NotFound):
            auth.tokens.mint(town.campus.operator, NewApiToken(name="t"), 999)

    def test_an_instant_without_an_offset_is_refused(self, town, auth, anna):
        new = NewApiToken(name="t", expires_at=(NOW + timedelta(1)).replace(tzinfo=None))
        with pytest.raises(Invalid) as error:
            auth.tokens.mint(town.principal(anna), new)
        assert [p.path for p in error.value.problems] == ["/expires_at"]

    @pytest.mark.parametrize(
        ("new", "path"),
        [
            (NewApiToken(name=" "), "/name"),
            (NewApiToken(name="x" * 101), "/name"),
            (NewApiToken(name="x", scopes=()), "/scopes"),
            (NewApiToken(name="x", scopes=("*", "users.fly")), "/scopes/1"),
            (NewApiToken(name="x", scopes=("fly.*",)), "/scopes/0"),
            (NewApiToken(name="x", expires_at=NOW), "/expires_at"),
            (NewApiToken(name="x", expires_at=AFTER_TIME), "/expires_at"),
            (NewApiToken(name="\ud800"), "/name"),
        ],
    )
    def test_a_bad_one_is_refused(self, town, auth, anna, new, path):
        with pytest.raises(Invalid) as error:
            auth.tokens.mint(town.principal(anna), new)
        assert [p.path for p in error.value.problems] == [path]

    def test_one_mints_no_other_and_changes_no_password(self, town, auth, anna):
        minted = auth.tokens.mint(town.principal(anna), NewApiToken(name="x" * 100))
        program = auth.authenticate(minted.token)

        assert refused(auth.tokens.mint, program, NewApiToken(name="y")) == "session_needed"
        change = (program, PASSWORD, "battery staple")
        assert refused(auth.change_password, *change) == "session_needed"

    @pytest.mark.parametrize(
        "token", ["", "ccr_", "ccr_1_" + "x" * 130, "ccr_x_y", "ccr_\u0661_x", "1_x", "ccr_9_x"]
    )
    def test_what_is_no_refresh_token_is_refused(self, auth, token):
        assert refused(auth.refresh, token) == "refresh_refused"

    def test_half_a_surrogate_pair_is_no_token(self, auth):
        assert refused(auth.authenticate, "cct_\ud800") == "token_invalid"
        assert refused(auth.refresh, "ccr_1_\ud800") == "refresh_refused"


class TestAdministrators:
    def test_the_last_one_stays(self, town):
        users, operator = town.campus.users, town.campus.operator
        root, second = town.user("root", Role.ADMIN), town.user("second", Role.ADMIN)
        users.deactivate(operator, root)
        for change in (UserChange(active=False), UserChange(role=Role.TEACHER)):
            with pytest.raises(Conflict) as error:
                users.update(operator, second, change)
            assert error.value.code == "last_admin"
        assert users.get(operator, second).active
        users.update(operator, second, UserChange(first_name="New"))
        users.update(operator, root, UserChange(active=True))
        users.deactivate(operator, second)

    def test_the_first_one_is_made_once(self, town):
        users = town.campus.users
        password = users.ensure_administrator("root", None)

        assert password is not None
        assert len(password) >= 16
        assert town.campus.auth.login("root", password)
        assert users.ensure_administrator("second", None) is None
        assert len(users.list(town.campus.operator).items) == 1

    def test_a_password_that_was_given_is_not_told(self, town):
        assert town.campus.users.ensure_administrator("root", PASSWORD) is None
        assert town.campus.auth.login("root", PASSWORD)

    def test_a_deactivated_user_is_enough_to_make_none(self, town):
        users, operator = town.campus.users, town.campus.operator
        user = users.create(operator, NewUser(username="anna")).id
        users.deactivate(operator, user)

        assert users.ensure_administrator("root", None) is None


def test_an_unknown_user_cannot_be_told_from_a_wrong_password(auth):
    with pytest.raises(Unauthenticated) as unknown:
        auth.login("nobody", PASSWORD)
    with pytest.raises(Unauthenticated) as wrong:
        auth.login("anna", "x")

    assert (unknown.value.code, unknown.value.detail) == (wrong.value.code, wrong.value.detail)


@pytest.mark.parametrize(
    "value",
    [
        NewUser(username="anna", password=PASSWORD),
        UserChange(password=PASSWORD),
        Credential(User(1, "anna", "", "", Role.STUDENT, "", "", True, NOW), 1, PASSWORD),
        Login("anna", PASSWORD),
        PasswordChange(PASSWORD, PASSWORD),
        Refresh(PASSWORD),
        TokenPair(PASSWORD, PASSWORD),
        MintedToken(1, "bot", PASSWORD, ("*",), NOW, None),
        Impersonation(PASSWORD, 1, NOW),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_secret_prints(value):
    assert PASSWORD in astuple(value)
    assert PASSWORD not in repr(value)
    assert PASSWORD not in str([value])

"""The audit: whoever changes a record behind its back is found out."""

from __future__ import annotations

import ast
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from attrs import evolve
from falcon.testing import TestClient

import campuscore
from campuscore import NewRoom, NewTerm, NewUser, Role, Settings, UserChange, open_campus
from campuscore.adapters.http import create_app
from campuscore.domain.audit import AuditQuery, Outcome
from campuscore.domain.auth import ANONYMOUS, NewApiToken, NewImpersonation, Origin
from campuscore.domain.groups import GroupChange
from campuscore.errors import CampusError, Forbidden, Invalid, Unavailable
from campuscore.services.refusals import Refusals
from campuscore.settings import Secret

from .campuses import NOW

PASSWORD = "correct horse battery"
RATE = 20
SERVICES = Path(campuscore.__file__).parent / "services"


def records(town, **query):
    town.campus.audit.refusals.flush()
    return town.campus.audit.list(town.campus.operator, AuditQuery(**query)).items


class TestWhatIsRecorded:
    def test_a_change_with_who_did_it_and_from_where(self, town):
        key = town.user("root", Role.ADMIN, password=PASSWORD)
        auth = town.campus.auth
        origin = Origin("10.0.0.7", "desk", "req-1")
        root = auth.authenticate(auth.login("root", PASSWORD, origin).access, origin)
        anna = town.campus.users.create(root, NewUser(username="anna")).id
        (made, *_) = records(town, action="user.created")

        assert (made.user, made.method, made.session) == (key, "session", root.session_id)
        assert (made.target, made.detail) == (
            str(anna),
            {"username": "anna", "role": "student"},
        )
        assert (made.ip_address, made.user_agent, made.request_id) == ("10.0.0.7", "desk", "req-1")
        assert made.at == NOW

    def test_a_login_and_not_its_check_in(self, town):
        key = town.user("anna", password=PASSWORD)
        town.campus.auth.login("anna", PASSWORD, Origin("10.0.0.7"))
        actions = [row.action for row in records(town, user=key)]

        assert actions == ["session.opened"]

    @pytest.mark.parametrize(("name", "target"), [("anna", "1"), ("what.i.typed", "")])
    def test_a_login_that_fails_and_never_the_name_that_was_typed(self, town, name, target):
        town.user("anna", password=PASSWORD)
        with pytest.raises(CampusError):
            town.campus.auth.login(name, "wrong", Origin("10.0.0.7"))
        (row,) = records(town, outcome=Outcome.REFUSED)

        assert (row.user, row.action, row.target) == (-1, "auth.login", target)
        assert (row.code, row.ip_address) == ("wrong_credentials", "10.0.0.7")
        assert name not in repr(evolve(row, detail={})).replace("anna", "" if target else "anna")

    def test_a_right_that_is_missing(self, town):
        anna = town.principal(town.user("anna"))
        bert = town.user("bert")
        users = town.campus.users
        for call in (
            lambda: users.create(anna, NewUser(username="x")),
            lambda: users.get(anna, bert),
            lambda: users.get(anna, 999),
        ):
            with pytest.raises(CampusError):
                call()
        told = [(r.user, r.action, r.target, r.code) for r in records(town, user=anna.user_id)]

        assert told == [
            (1, "users.read", "999", "user_not_found"),
            (1, "users.read", str(bert), "user_not_found"),
            (1, "users.write", "", "forbidden"),
        ]

    def test_what_an_administrator_does_in_another_s_name(self, town):
        anna, root = town.user("anna", Role.TEACHER), town.user("root", Role.ADMIN)
        who = town.as_seen(anna, actor=root)
        town.campus.groups.create(who, campuscore.NewGroup(name="Lab"))
        (row, *_) = records(town, action="group.created")

        assert (row.user, row.actor) == (anna, root)

    def test_no_secret_ever(self, town):
        auth, operator = town.campus.auth, town.campus.operator
        key = town.user("anna", password=PASSWORD)
        pair = auth.login("anna", PASSWORD)
        me = auth.authenticate(pair.access)
        minted = auth.tokens.mint(me, NewApiToken(name="t"))
        fresh = auth.refresh(pair.refresh)
        for secret in ("wrong password", PASSWORD + "!"):
            with pytest.raises(CampusError):
                auth.login("anna", secret)
        newest = auth.change_password(me, PASSWORD, "battery staple")
        town.campus.users.set_password(operator, key, "one more password")
        told = repr(records(town))

        for secret in (PASSWORD, "wrong password", "battery staple", "one more password"):
            assert secret not in told
        for text in (*vars_of(pair), *vars_of(fresh), *vars_of(newest), minted.token):
            assert text not in told
            assert text[-30:] not in told

    def test_administrators_alone_read_it(self, town):
        bert = town.principal(town.user("bert", Role.TEACHER))
        audit = town.campus.audit
        for call in (audit.list, audit.head, audit.verify):
            with pytest.raises(Forbidden):
                call(bert)

    def test_dates_in_the_wrong_order_are_refused(self, town):
        query = AuditQuery(begin=NOW.date(), end=NOW.date() - timedelta(1))
        with pytest.raises(Invalid) as error:
            town.campus.audit.list(town.campus.operator, query)
        assert [p.path for p in error.value.problems] == ["/to"]

    def test_dates_are_local_and_the_last_is_included(self, town):
        town.user("anna")
        for begin, end, many in [(0, 0, 1), (1, 2, 0), (-2, -1, 0), (-1, 1, 1)]:
            days = {"begin": NOW.date() + timedelta(begin), "end": NOW.date() + timedelta(end)}
            assert len(records(town, **days)) == many


def vars_of(pair):
    return pair.access, pair.refresh


class TestRefusals:
    def note(self, refusals, town, times, **origin):
        for number in range(times):
            who = town.as_seen(1, origin=Origin(request_id=f"r{number}", **origin))
            refusals.note(who, "a", "t", Forbidden("no"))

    def test_the_same_error_is_noted_once(self, town):
        town.user("anna")
        refusals, error = town.campus.audit.refusals, Forbidden("no")
        for _ in range(3):
            refusals.note(town.principal(1), "a", "t", error)

        assert len(records(town, action="a")) == 1

    def test_alone_it_is_written_at_once(self, town):
        town.user("anna")
        refusals = town.campus.audit.refusals
        self.note(refusals, town, 1)
        refusals.settle()
        with town.store.read() as work:
            (row, *_) = work.audit.list(AuditQuery(), None, None, None, 1)

        assert (row.action, row.count, row.request_id) == ("a", 1, "r0")

    def test_a_flood_is_written_in_few_records_and_counted_whole(self, town):
        town.user("anna")
        refusals = Refusals(town.store, clock=lambda: 100.0)
        for number in range(500):
            self.note(refusals, town, 1, ip_address="10.0.0.7", user_agent=f"bot {number}")
            refusals.settle()
        refusals.close()
        rows = records(town, action="a")

        assert [row.count for row in rows] == [480, *[1] * RATE]
        assert (rows[0].target, rows[0].user_agent, rows[0].request_id) == ("", None, None)
        assert (rows[0].ip_address, rows[1].user_agent) == ("10.0.0.7", "bot 19")
        assert town.campus.audit.verify(town.campus.operator).is_whole

    def test_after_a_while_each_has_a_record_again(self, town):
        town.user("anna")
        times = [100.0] * 30 + [100.5] * 30
        refusals = Refusals(town.store, clock=iter(times).__next__)
        self.note(refusals, town, 60)
        refusals.close()

        assert [row.count for row in records(town, action="a")] == [30, *[1] * (RATE + RATE // 2)]

    def test_what_is_noted_is_bounded_while_nothing_can_be_stored(self, town, monkeypatch):
        town.user("anna")
        seconds = count()
        refusals = Refusals(town.store, clock=lambda: float(next(seconds)))
        with monkeypatch.context() as patch:
            patch.setattr(type(town.store), "write", broken)
            for number in range(1500):
                self.note(refusals, town, 1, ip_address=f"10.0.{number // 250}.{number % 250}")
                if number == 1200:
                    with pytest.raises(Unavailable):
                        refusals.flush()
        kept = len(refusals._alone), len(refusals._folded)
        refusals.close()
        counts = Counter()
        with town.store.read() as work:
            for row in work.audit.walk():
                counts[row.action] += row.count

        assert kept == (500, 501)
        assert (counts["a"], counts["many"]) == (1000, 500)

    def test_it_is_written_down_even_if_nobody_says_so(self, town):
        town.user("anna")
        refusals = town.campus.audit.refusals
        self.note(refusals, town, 1)
        timer = refusals._timer
        timer.join(30)
        with town.store.read() as work:
            (row, *_) = work.audit.list(AuditQuery(), None, None, None, 1)

        assert row.action == "a"

    def test_once_closed_nothing_is_written_unasked(self, town):
        town.user("anna")
        refusals = town.campus.audit.refusals
        self.note(refusals, town, 1)
        timer = refusals._timer
        refusals.close()
        timer.join(30)
        self.note(refusals, town, 1)

        assert refusals._timer is None
        assert not timer.is_alive()

    @pytest.mark.parametrize("agent", ["Bot\0/1", "\ud800", "x" * 10_000])
    def test_nothing_that_a_caller_sends_keeps_it_from_being_stored(
        self, databases, tmp_path, agent
    ):
        url = databases.create()
        with open_campus(Settings(database_url=url, home=str(tmp_path))) as campus:
            who = evolve(ANONYMOUS, origin=Origin(agent, agent, agent))
            refusals = campus.audit.refusals
            refusals.note(who, agent, agent, Forbidden("no", code=agent))
            refusals.flush()
            (row,) = campus.audit.list(campus.operator).items
            assert campus.audit.verify(campus.operator).is_whole

        assert (len(row.action), len(row.code)) <= (100, 100)
        assert max(map(len, (row.target, row.ip_address, row.user_agent))) <= 512

    def test_nothing_is_lost_when_it_cannot_be_stored(self, town, monkeypatch, caplog):
        town.user("anna")
        refusals = town.campus.audit.refusals
        self.note(refusals, town, 1)
        kind = type(town.store)
        with monkeypatch.context() as patch:
            patch.setattr(kind, "write", broken)
            refusals.settle()
            with pytest.raises(Unavailable):
                refusals.flush()
        assert "cannot be recorded yet" in caplog.text

        assert [row.count for row in records(town, action="a")] == [1]

    def test_closing_writes_what_is_left(self, tmp_path):
        home = Settings(home=str(tmp_path))
        with open_campus(home) as campus:
            campus.users.create(campus.operator, NewUser(username="anna"))
            with pytest.raises(CampusError):
                campus.auth.login("anna", "x")
        with open_campus(home) as campus:
            (row, *_) = campus.audit.list(campus.operator).items
        assert (row.action, row.code) == ("auth.login", "wrong_credentials")

    def test_threads_lose_none(self, town):
        town.user("anna")
        refusals = town.campus.audit.refusals

        def ask():
            for _ in range(50):
                refusals.note(town.principal(1), "a", "t", Forbidden("no"))
                refusals.settle()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(row.count for row in records(town, action="a")) == 200


def broken(store, by=None):
    raise Unavailable("the disk is full")


class TestWithoutAFrontEnd:
    """What the services refuse is noted where no front end does."""

    def test_a_login_that_is_throttled_and_on_whose_account(self, tmp_path):
        with open_campus(Settings(home=str(tmp_path))) as campus:
            key = campus.users.create(campus.operator, NewUser(username="anna")).id
            codes = set()
            while "too_many_attempts" not in codes:
                with pytest.raises(CampusError) as error:
                    campus.auth.login("anna", "x", Origin("10.0.0.7"))
                codes.add(error.value.code)
            campus.audit.refusals.flush()
            rows = campus.audit.list(campus.operator, AuditQuery(action="auth.login")).items

        assert {row.code for row in rows} == {"wrong_credentials", "too_many_attempts"}
        assert {row.target for row in rows} == {str(key)}

    def test_everything_else_of_auth(self, town):
        key = town.user("anna", password=PASSWORD)
        other = town.principal(town.user("bert"))
        root = town.as_seen(town.user("root", Role.ADMIN), method="token")
        auth = town.campus.auth
        me = auth.authenticate(auth.login("anna", PASSWORD).access)
        token = auth.tokens.mint(me, NewApiToken(name="t")).id
        by_token = evolve(me, method="token", session_id=None)
        calls = {
            "refresh_refused": lambda: auth.refresh("ccr_1_x"),
            "wrong_password": lambda: auth.change_password(me, "wrong", "battery staple"),
            "session_needed": lambda: auth.change_password(by_token, PASSWORD, "battery staple"),
            "session_not_found": lambda: auth.session(other, me.session_id),
            "token_not_found": lambda: auth.tokens.revoke(other, token),
            "not_impersonated": lambda: auth.impersonate(
                evolve(root, method="session"), NewImpersonation(user_id=root.user_id, reason="x")
            ),
        }
        more = {
            "session_needed": lambda: auth.tokens.mint(by_token, NewApiToken(name="u")),
            "session_not_found": lambda: auth.end_session(other, me.session_id),
        }
        again = lambda: auth.impersonate(root, NewImpersonation(user_id=key, reason="x"))  # noqa: E731
        for call in (*calls.values(), *more.values(), again):
            with pytest.raises(CampusError):
                call()
        told = Counter(row.code for row in records(town, outcome=Outcome.REFUSED))

        assert told == Counter([*calls, *more, "session_needed"])

    def test_to_put_an_administrator_into_a_group(self, town):
        teacher, root = town.user("anna", Role.TEACHER), town.user("root", Role.ADMIN)
        who = town.principal(teacher)
        lab = town.campus.groups.create(who, campuscore.NewGroup(name="Lab")).id
        with pytest.raises(Forbidden):
            town.campus.groups.add_user(who, lab, root, Role.STUDENT)

        assert [r.target for r in records(town, outcome=Outcome.REFUSED)] == [f"group:{lab}"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_cannot_be_recorded_is_not_done(town, store):
    with store.write() as work:
        work._desk._raw.execute("DROP TABLE audit_records")
        work.commit()
    with pytest.raises(CampusError):
        town.user("anna")

    with store.read() as work:
        assert work.credentials.find("anna") is None


def test_a_change_says_which_fields_and_which_role(town):
    key = town.user("anna")
    operator = town.campus.operator
    town.campus.users.update(operator, key, UserChange(first_name="Anna", role=Role.TEACHER))
    town.campus.users.update(operator, key, UserChange(active=False))
    lab = town.campus.groups.create(operator, campuscore.NewGroup(name="Lab")).id
    town.campus.groups.update(operator, lab, GroupChange(code="L1"))
    places = town.campus.schedule.rooms, town.campus.schedule.terms
    days = {"first_day": NOW.date(), "last_day": NOW.date()}
    for kind, service, more in zip((NewRoom, NewTerm), places, ({}, days), strict=True):
        made = service.create(operator, kind(name="One", **more)).id
        service.replace(operator, made, kind(name="Two", **more))
        (replaced,) = records(town, action=f"{kind.__name__[3:].lower()}.updated")
        assert replaced.detail == {"fields": ["name"]}
    (changed,) = records(town, action="user.updated")
    (gone,) = records(town, action="user.deactivated")
    (group,) = records(town, action="group.updated")

    role = {"from": "student", "to": "teacher"}
    assert changed.detail == {"fields": ["first_name", "role"], "role": role}
    assert gone.detail == {"fields": ["active"]}
    assert group.detail == {"fields": ["code"]}


def test_a_group_is_not_taken_for_the_user_of_the_same_number(town):
    anna = town.user("anna")
    operator, groups = town.campus.operator, town.campus.groups
    lab = groups.create(operator, campuscore.NewGroup(name="Lab")).id
    groups.update(operator, lab, GroupChange(code="L1"))
    groups.archive(operator, lab)

    assert lab == anna
    assert [r.action for r in records(town, target=str(anna))] == ["user.created"]
    done = ["group.archived", "group.updated", "group.created"]
    assert [r.action for r in records(town, target=f"group:{lab}")] == done


def test_no_secret_is_in_any_column(tmp_path):
    """Look into the file itself, after all that has to do with secrets."""
    settings = Settings(home=str(tmp_path), secret_key=Secret("s" * 40))
    with open_campus(settings) as campus:
        auth, operator = campus.auth, campus.operator
        key = campus.users.create(operator, NewUser(username="anna", password=PASSWORD)).id
        client = TestClient(create_app(campus))

        def ask(path, value, token=None):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = client.simulate_post(path, json=value, headers=headers)
            return answer.json if answer.content else {}

        pair = ask("/auth/login/", {"username": "anna", "password": PASSWORD})
        ask("/auth/login/", {"username": "my secret word", "password": "another one"})
        ask("/auth/login/", {"username": "anna", "password": "not the right one"})
        minted = ask("/auth/tokens/", {"name": "t"}, pair["access"])
        fresh = ask("/auth/refresh/", {"refresh": pair["refresh"]})
        ask("/auth/refresh/", {"refresh": pair["refresh"] + "x"})
        changed = {"old_password": PASSWORD, "new_password": "battery staple"}
        newest = ask("/auth/password/", changed, fresh["access"])
        client.simulate_get(
            "/users/?token=in-the-address", headers={"Authorization": "Bearer abc.d"}
        )
        campus.users.set_password(operator, key, "one more password")
        auth.keys.rotate(operator)
        with campus.users.store.read() as work:
            stored = work.credentials.find("anna").password_hash
            sealed = [each.sealed for each in work.keys.ring().keys]
        campus.audit.refusals.flush()
        assert campus.audit.verify(operator).records > 10
    with closing(sqlite3.connect(settings.database_file)) as raw:
        found = repr(raw.execute("SELECT * FROM audit_records").fetchall())
        found += repr(raw.execute("SELECT * FROM outbox").fetchall())
    secrets = {
        *(PASSWORD, "my secret word", "another one", "not the right one", "battery staple"),
        *("one more password", "in-the-address", "abc.d", "s" * 40, stored, minted["token"]),
        *(text for each in (pair, fresh, newest) for text in each.values()),
    }
    assert len(secrets) == 17
    assert [text for text in secrets if text in found] == []
    assert [text for text in sealed if repr(text)[2:-1] in found] == []
    assert minted["token"].removeprefix("cct_") not in found


SYSTEM = {
    "record_login_later": "the outbox, about a login that was recorded",
    "_begin": "the first key, by whoever logs in first",
    "_touch": "when a token was used last",
    "_claim": "bytes that are on their way",
    "_free": "bytes that nothing names",
    "forget_delivered": "the outbox",
    "_take": "the outbox",
    "_settle": "the outbox",
    "_write": "the audit itself",
}
"""What is done by no principal."""

SILENT = {name for name in SYSTEM if name not in {"record_login_later", "_begin"}}
"""What changes nothing that anybody would look up, and so has no event."""


def writers():
    """Yield the functions of the services that open a Work to write, with that call."""
    for function in functions():
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("store.write"):
                yield function, call


def functions():
    for path in SERVICES.rglob("*.py"):
        for each in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(each, ast.FunctionDef):
                yield each


def helpers_of(function):
    """Return the names of what a function hands its Work to."""
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and any(ast.unparse(each) == "work" for each in call.args):
            yield ast.unparse(call.func).rpartition(".")[2]


def test_every_service_says_in_whose_name_it_writes():
    assert {function.name for function, call in writers() if not call.args} == set(SYSTEM)


def test_every_change_has_an_event():
    """Who emits is told by the source: the function, or one that it hands its Work to."""
    helpers, telling = {}, set()
    for function in functions():
        helpers.setdefault(function.name, set()).update(helpers_of(function))
        if "work.emit(" in ast.unparse(function):
            telling.add(function.name)
    before = set()
    while telling != before:
        before = telling
        telling = before | {name for name, called in helpers.items() if called & before}

    assert {function.name for function, _ in writers()} - telling == SILENT

"""Guessing is slowed down, and those who know their password get in meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import evolve, frozen
from falcon.testing import TestClient

from campuscore import Role, Settings
from campuscore.adapters.http import create_app
from campuscore.domain.auth import NewImpersonation, Origin
from campuscore.domain.throttle import LoginLimits
from campuscore.errors import Busy, CampusError, Forbidden, NotFound, TooMany, Unavailable
from campuscore.ports.throttle import RateLimiter

from .campuses import Clock, new_store, town_on

PASSWORD = "correct horse battery"
LIMITS = LoginLimits()
LAB, HOME = Origin("10.0.0.7", "lab-pc"), Origin("2001:db8:0:1::7", "phone")
PEER = {"remote_addr": "10.0.0.7"}
TOO_MANY, WRONG = "too_many_attempts", "wrong_credentials"


@pytest.fixture
def auth(town):
    town.user("anna", password=PASSWORD)
    return town.campus.auth


def refused(call, *args) -> str:
    with pytest.raises(CampusError) as error:
        call(*args)
    return error.value.code


def guess(auth, name, origin, times=1) -> list[str]:
    return [refused(auth.login, name, f"guess {n}", origin) for n in range(times)]


def away(number: int) -> Origin:
    return Origin(f"192.0.{number // 200}.{number % 200 + 1}", "bot")


class TestPair:
    @pytest.mark.parametrize("name", ["anna", "nobody"])
    def test_ten_at_once_then_one_each_half_minute(self, town, auth, name):
        assert guess(auth, name, LAB, 12) == [WRONG] * 10 + [TOO_MANY] * 2
        town.clock.forward(seconds=29)
        assert guess(auth, name, LAB) == [TOO_MANY]
        town.clock.forward(seconds=1)
        assert guess(auth, name, LAB, 2) == [WRONG, TOO_MANY]

    def test_refusals_cost_no_hash_and_say_when(self, town, auth):
        guess(auth, "anna", LAB, 10)
        town.hasher.count = 0
        with pytest.raises(TooMany) as error:
            auth.login("anna", PASSWORD, LAB)
        assert (error.value.retry_after, town.hasher.count) == (30, 0)
        assert error.value.detail == "too many passwords were tried; try again in 30 seconds"
        town.clock.forward(seconds=29.5)
        with pytest.raises(TooMany) as error:
            auth.login("anna", PASSWORD, LAB)
        assert error.value.retry_after == 1

    def test_names_are_one_in_any_case(self, auth):
        guess(auth, "anna", LAB, 10)
        assert guess(auth, "ANNA", LAB) == [TOO_MANY]
        assert guess(auth, "bert", LAB) == [WRONG]

    def test_a_right_password_clears_it(self, auth):
        for _ in range(4):
            assert guess(auth, "anna", LAB, 9) == [WRONG] * 9
            assert auth.login("anna", PASSWORD, LAB)

    def test_the_right_password_of_who_is_shut_out_clears_nothing(self, town, auth):
        """Else the limit tells which password was right."""
        town.campus.users.deactivate(town.campus.operator, 1)
        codes = [refused(auth.login, "anna", PASSWORD, LAB) for _ in range(11)]
        assert codes == [WRONG] * 10 + [TOO_MANY]

    def test_one_ipv6_client_has_many_addresses(self, auth):
        guess(auth, "anna", HOME, 10)
        assert guess(auth, "anna", Origin("2001:db8:0:1:ffff::9")) == [TOO_MANY]
        assert guess(auth, "anna", Origin("2001:db8:0:2::7")) == [WRONG]


class TestAddress:
    def test_a_hundred_at_once_then_one_each_three_seconds(self, town, auth):
        codes = [guess(auth, f"user{n}", LAB)[0] for n in range(102)]
        assert codes == [WRONG] * 100 + [TOO_MANY] * 2
        town.clock.forward(seconds=3)
        assert [guess(auth, f"other{n}", LAB)[0] for n in range(2)] == [WRONG, TOO_MANY]
        assert guess(auth, "user0", away(1)) == [WRONG]

    def test_a_right_password_does_not_reset_it(self, auth):
        """Else whoever has an account guesses on from where that account logs in."""
        for n in range(100):
            if n % 9 == 0:
                auth.login("anna", PASSWORD, LAB)
            assert guess(auth, f"user{n}", LAB) == [WRONG]
        assert guess(auth, "user", LAB) == [TOO_MANY]
        assert refused(auth.login, "anna", PASSWORD, LAB) == TOO_MANY

    def test_a_class_behind_one_address_logs_in_at_nine(self, town):
        names = [f"student{n}" for n in range(300)]
        for name in names:
            town.user(name, password=f"{name} knows")
        with ThreadPoolExecutor(8) as pool:
            logins = pool.map(lambda n: town.campus.auth.login(n, f"{n} knows", LAB), names)
            assert all(pair.access for pair in logins)

    def test_one_person_logs_in_as_often_as_they_like(self, auth):
        for _ in range(200):
            assert auth.login("anna", PASSWORD, LAB)


class TestAccount:
    def test_thirty_at_once_then_one_a_minute_from_wherever(self, town, auth):
        codes = [guess(auth, "anna", away(n))[0] for n in range(32)]
        assert codes == [WRONG] * 30 + [TOO_MANY] * 2
        town.clock.forward(minutes=1)
        assert [guess(auth, "anna", away(n))[0] for n in (40, 41)] == [WRONG, TOO_MANY]

    def test_an_unknown_name_is_counted_alike(self, auth):
        codes = [guess(auth, "nobody", away(n))[0] for n in range(31)]
        assert codes == [WRONG] * 30 + [TOO_MANY]

    def test_whoever_is_known_somewhere_gets_in_from_there(self, town, auth):
        for origin in (LAB, HOME):
            auth.login("anna", PASSWORD, origin)
        for n in range(100):
            guess(auth, "anna", away(n))
        assert auth.login("anna", PASSWORD, LAB)
        assert auth.login("anna", PASSWORD, Origin("2001:db8:0:1:2::1"))
        assert refused(auth.login, "anna", PASSWORD, away(200)) == TOO_MANY
        town.clock.forward(minutes=1)
        assert auth.login("anna", PASSWORD, away(200))

    def test_a_month_later_nobody_is_known(self, town, auth):
        auth.login("anna", PASSWORD, LAB)
        town.clock.forward(days=30)
        [guess(auth, "anna", away(n)) for n in range(30)]
        assert auth.login("anna", PASSWORD, LAB)
        town.clock.forward(days=30, seconds=1)
        [guess(auth, "anna", away(n)) for n in range(30)]
        assert refused(auth.login, "anna", PASSWORD, LAB) == TOO_MANY

    def test_those_who_act_in_a_name_make_no_address_known(self, town, auth):
        town.user("root", Role.ADMIN, password=PASSWORD)
        root = auth.authenticate(auth.login("root", PASSWORD, LAB).access, LAB)
        auth.impersonate(root, NewImpersonation(user_id=1, reason="ticket 7"))
        [guess(auth, "anna", away(n)) for n in range(30)]
        assert refused(auth.login, "anna", PASSWORD, LAB) == TOO_MANY
        assert auth.login("root", PASSWORD, LAB)

    def test_without_an_address_only_account_and_everybody_count(self, auth):
        assert guess(auth, "anna", None, 31) == [WRONG] * 30 + [TOO_MANY]
        assert guess(auth, "nobody", Origin(None, "bot")) == [WRONG]

    def test_a_hundred_wrong_ones_everywhere_do_not_shut_the_right_out(self, town, auth):
        for n in range(20):
            town.user(f"other{n}", password=PASSWORD)
        auth.login("anna", PASSWORD, LAB)
        for n in range(100):
            guess(auth, ["anna", f"other{n % 20}"][n % 2], away(n % 7))
        assert auth.login("anna", PASSWORD, LAB)


class TestEverybody:
    def test_a_thousand_at_once_then_as_many_in_five_minutes(self, tmp_path):
        clock = Clock()
        town = town_on(new_store("memory", clock, tmp_path), clock)
        auth = town.campus.auth
        codes = [guess(auth, f"user{n}", away(n))[0] for n in range(1002)]
        assert codes == [WRONG] * 1000 + [TOO_MANY] * 2
        clock.forward(minutes=5)
        codes = [guess(auth, f"more{n}", away(2000 + n))[0] for n in range(1001)]
        assert codes == [WRONG] * 1000 + [TOO_MANY]

    def test_parallel_guesses_do_not_pass(self, auth):
        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda n: guess(auth, "anna", LAB)[0], range(40)))
        assert codes.count(WRONG) == LIMITS.pair.burst


class TestPassword:
    def test_the_old_one_is_guessed_no_faster(self, town, auth):
        principal = auth.authenticate(auth.login("anna", PASSWORD, LAB).access, LAB)
        codes = [
            refused(auth.change_password, principal, f"guess {n}", "battery staple")
            for n in range(11)
        ]
        assert codes == ["wrong_password"] * 10 + [TOO_MANY]
        assert refused(auth.login, "anna", PASSWORD, LAB) == TOO_MANY
        town.clock.forward(seconds=30)
        assert auth.change_password(principal, PASSWORD, "battery staple")
        assert guess(auth, "anna", LAB, 10) == [WRONG] * 10


class TestUnlock:
    def test_an_account_is_let_in_again(self, town, auth):
        guess(auth, "anna", LAB, 10)
        [guess(auth, "anna", away(n)) for n in range(30)]
        guess(auth, "bert", LAB, 10)
        auth.unlock(town.campus.operator, 1)
        assert guess(auth, "anna", LAB, 10) == [WRONG] * 10
        assert guess(auth, "bert", LAB) == [TOO_MANY]
        assert town.topics()[-1] == "user.unlocked"

    def test_it_is_for_administrators_and_users_there_are(self, town, auth):
        teacher = town.principal(town.user("teacher", Role.TEACHER))
        with pytest.raises(Forbidden):
            auth.unlock(teacher, 1)
        with pytest.raises(NotFound):
            auth.unlock(town.campus.operator, 99)


class TestUpkeep:
    def test_what_has_come_back_is_forgotten(self, town, auth):
        guess(auth, "anna", LAB)
        assert auth.gate.forget() == 0
        town.clock.forward(seconds=89)
        assert auth.gate.forget() == 2  # address and everybody
        town.clock.forward(minutes=1)
        assert auth.gate.forget() == 2

    def test_keys_tell_no_names(self, town, auth):
        other = evolve(auth.gate, secret=b"another")
        keys = {charge.key for gate in (auth.gate, other) for charge in charges_of(gate)}
        assert len(keys) == 8
        assert all(b"anna" not in key and b"10.0" not in key for key in keys)
        assert "another" not in repr(other)


def charges_of(gate):
    pair, others = gate._charges("anna", LAB)
    return [*pair, *others]


class TestStatements:
    """An unknown name is found out by as many statements as a known one, and as few as can be."""

    CASES = (
        ("wrong", "anna", 4),
        ("unknown", "nobody", 4),
        ("too many", "locked", 3),
        ("right", "anna", 19),
    )

    @pytest.mark.parametrize(("case", "name", "count"), CASES)
    def test_their_number_is_fixed(self, tmp_path, case, name, count):
        clock = Clock()
        store = new_store("sqlite", clock, tmp_path)
        town = town_on(store, clock)
        town.user("anna", password=PASSWORD)
        auth = town.campus.auth
        guess(auth, "locked", LAB, 10)
        auth.login("anna", PASSWORD, LAB)
        seen = trace(store)
        if case == "right":
            auth.login(name, PASSWORD, LAB)
        else:
            assert guess(auth, name, LAB) == [TOO_MANY if case == "too many" else WRONG]
        store.keeper.close()

        words = [text for text in seen if text.split()[0] not in {"BEGIN", "COMMIT", "ROLLBACK"}]
        assert len(words) == count, words


def trace(store) -> list[str]:
    """Return a list in which every statement that the store runs from now on is noted."""
    seen = []

    def traced(connect):
        def opened():
            raw = connect()
            raw.set_trace_callback(seen.append)
            return raw

        return opened

    for row in (store.readers, store.writers, store.limiter._row):
        row.clear()
        row._connect = traced(row._connect)
    store.readers.leave(store.readers.take("BEGIN"))
    store.writers.leave(store.writers.take("BEGIN"))
    store.limiter._row.leave(store.limiter._row.take("BEGIN"))
    seen.clear()
    return seen


class TestTrouble:
    def test_whoever_was_not_judged_gets_the_try_back(self, town, auth):
        def judge(password, stored):
            raise Busy("too many")

        crowded = evolve(auth, hasher=Judge(judge))
        assert [refused(crowded.login, "anna", PASSWORD, LAB) for _ in range(50)] == ["busy"] * 50
        assert guess(auth, "anna", LAB, 10) == [WRONG] * 10

    def test_a_login_that_cannot_be_counted_is_refused_and_reads_go_on(self, town, auth):
        access = auth.login("anna", PASSWORD, LAB).access
        town.hasher.count = 0
        broken = evolve(auth, gate=evolve(auth.gate, limiter=Broken(town.store.limiter, "charge")))
        assert refused(broken.login, "anna", PASSWORD, LAB) == "unavailable"
        assert town.hasher.count == 0
        assert broken.me(broken.authenticate(access)).username == "anna"

    def test_a_charge_that_cannot_be_given_back_refuses_nobody(self, town, auth):
        broken = evolve(auth, gate=evolve(auth.gate, limiter=Broken(town.store.limiter, "refund")))
        assert broken.login("anna", PASSWORD, LAB)

    def test_the_store_of_the_limiter_may_fail_alone(self, tmp_path):
        clock = Clock()
        store = new_store("sqlite", clock, tmp_path)
        town = town_on(store, clock)
        town.user("anna", password=PASSWORD)
        access = town.campus.auth.login("anna", PASSWORD, LAB).access
        with store.write() as work:
            work._desk._raw.execute("DROP TABLE throttles")
            work.commit()
        assert refused(town.campus.auth.login, "anna", PASSWORD, LAB) == "unavailable"
        assert town.campus.auth.authenticate(access).username == "anna"
        store.keeper.close()


@frozen
class Broken:
    """A limiter one of whose methods fails."""

    inner: RateLimiter
    method: str

    def charge(self, charges, at):
        self._fail("charge")
        return self.inner.charge(charges, at)

    def refund(self, charges):
        self._fail("refund")
        self.inner.refund(charges)

    def _fail(self, method):
        if method == self.method:
            raise Unavailable("the limiter is gone")


@frozen
class Judge:
    """A hasher that verifies by a function."""

    verify: object


class TestSetting:
    def test_it_can_be_turned_off(self, tmp_path):
        clock = Clock()
        store = new_store("memory", clock, tmp_path)
        town = town_on(store, clock, settings=Settings(login_throttle=False))
        town.user("anna", password=PASSWORD)
        assert guess(town.campus.auth, "anna", LAB, 40) == [WRONG] * 40
        assert store.limiter.forget(clock.at + timedelta(days=9)) == 0


class TestHttp:
    def test_a_refusal_is_a_problem_that_says_when(self, town, auth):
        client = TestClient(create_app(town.campus))
        given = {"username": "anna", "password": "wrong"}
        answers = [client.simulate_post("/auth/login/", json=given, **PEER) for _ in range(11)]
        assert [each.status_code for each in answers] == [401] * 10 + [429]
        last = answers[-1]
        assert last.headers["retry-after"] == "30"
        assert last.headers["content-type"] == "application/problem+json"
        assert (last.json["status"], last.json["code"]) == (429, TOO_MANY)

    def test_so_is_that_of_a_change_of_password(self, town, auth):
        client = TestClient(create_app(town.campus))
        given = {"username": "anna", "password": PASSWORD}
        access = client.simulate_post("/auth/login/", json=given, **PEER).json["access"]
        headers = {"Authorization": f"Bearer {access}"}
        change = {"old_password": "wrong", "new_password": "battery staple"}
        for status in [403] * 10 + [429]:
            answer = client.simulate_post("/auth/password/", json=change, headers=headers, **PEER)
            assert answer.status_code == status
        assert answer.headers["retry-after"] == "30"

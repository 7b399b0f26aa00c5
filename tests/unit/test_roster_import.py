"""The import itself, on real stores: all or nothing, and twice is once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from campuscore import Settings
from campuscore.adapters import memory
from campuscore.adapters.rosters import read_roster
from campuscore.domain.auth import OPERATOR, Principal
from campuscore.domain.days import Days, utc_now
from campuscore.domain.groups import GroupKind, Membership, NewGroup
from campuscore.domain.paging import Slice
from campuscore.domain.roster import (
    ImportReport,
    Outcome,
    Place,
    Roster,
    RosterGroup,
    RosterMembership,
    RosterTerm,
    RosterUser,
)
from campuscore.domain.schedule import NewTerm
from campuscore.domain.users import NewUser, Role
from campuscore.errors import Conflict, Forbidden, Invalid
from campuscore.plugins import find_store
from campuscore.ports.work import WorkFactory
from campuscore.services.policy import Policy
from campuscore.services.roster import RosterService

DATA = Path(__file__).parent.parent / "data"
DAY = date(2026, 9, 1)
ALL = Slice(1 << 62)


@define
class Campus:
    """A store and a clock that stands still until it is told to go on."""

    store: WorkFactory
    today: date = DAY

    @property
    def days(self) -> Days:
        return Days(now=lambda: datetime.combine(self.today, datetime.min.time(), UTC))

    def load(
        self, roster: Roster, *, dry_run: bool = False, removals: bool = False
    ) -> ImportReport:
        service = RosterService(self.store, Policy(self.days), self.days)
        return service.import_(OPERATOR, roster, dry_run=dry_run, allow_removals=removals)

    def state(self) -> dict[str, object]:
        """Everything that an import could change."""
        scope = Policy(self.days).scope(OPERATOR, "rosters.import")
        with self.store.read() as work:
            groups = work.groups.list(scope, ALL)
            return {
                "users": [
                    evolve(user, id=0)
                    for n in range(1, 150)
                    if (user := work.users.find(n)) is not None
                ],
                "groups": groups,
                "terms": work.terms.list(),
                "members": {g.id: work.memberships.members(g.id, self.today) for g in groups},
                "links": work.links.of("s", "user"),
                "events": len(work.outbox.list(None, 0, 100)),
            }

    def members(self, name: str, day: date | None = None) -> dict[str, Role]:
        """Return usernames and roles in a group by its name or code."""
        scope = Policy(self.days).scope(OPERATOR, "rosters.import")
        with self.store.read() as work:
            (found,) = [g for g in work.groups.list(scope, ALL) if name in {g.name, g.code}]
            rows = work.memberships.members(found.id, day or self.today)
        return {row.username: row.role for row in rows}


@pytest.fixture(params=["memory", "sql"])
def campus(
    request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]
) -> Iterator[Campus]:
    if request.param == "memory":
        yield Campus(memory.open_store())
        return
    settings = Settings(home=str(tmp_path), database_url=new_database())
    store = find_store(settings.database)(settings, utc_now)
    store.keeper.upgrade()
    yield Campus(store)
    store.keeper.close()


def user(key: str, **changes: object) -> RosterUser:
    made = RosterUser(key, f"u-{key}", "First", "Last", Role.STUDENT, "", Place("u.csv", 2))
    return evolve(made, **changes)


def group(key: str, **changes: object) -> RosterGroup:
    made = RosterGroup(key, f"G {key}", GroupKind.CLASS, "", "", "", Place("g.csv", 2))
    return evolve(made, **changes)


def member(who: str, where: str = "g", **changes: object) -> RosterMembership:
    made = RosterMembership(where, who, Role.STUDENT, None, None, Place("m.csv", 2))
    return evolve(made, **changes)


def roster(*people: str, **changes: object) -> Roster:
    """A class of these people."""
    made = Roster(
        source="s",
        users=tuple(user(each) for each in people),
        groups=(group("g"),),
        memberships=tuple(member(each) for each in people),
    )
    return evolve(made, **changes)


def numbers(report: ImportReport, kind: str) -> tuple[int, int, int, int, int]:
    tally = report.counts[kind]
    return tally.created, tally.updated, tally.unchanged, tally.ended, tally.skipped


def detail(report: ImportReport, kind: str, key: str) -> tuple[Outcome, str]:
    (row,) = [row for row in report.rows if (row.kind, row.key) == (kind, key)]
    return row.outcome, row.detail


class TestSamples:
    def test_sds1(self, campus: Campus) -> None:
        sample = read_roster(DATA / "roster-sds1-100")
        report = campus.load(sample)
        assert numbers(report, "user") == (98, 0, 0, 0, 0)
        assert numbers(report, "group") == (30, 0, 0, 0, 0)
        assert numbers(report, "term") == (1, 0, 0, 0, 0)
        assert numbers(report, "membership") == (630, 0, 0, 0, 0)
        assert report.changes == 759
        assert report.ignored == sample.ignored
        taught = campus.members("11001")
        assert taught["CBeane"] is Role.TEACHER
        assert taught["OKlein"] is Role.STUDENT
        before = campus.state()
        again = campus.load(sample)
        assert again.changes == 0
        assert numbers(again, "membership") == (0, 0, 630, 0, 0)
        after = campus.state()
        assert after.pop("events") == before.pop("events") + 1
        assert after == before

    def test_sds21(self, campus: Campus) -> None:
        sample = read_roster(DATA / "roster-sds21")
        report = campus.load(sample)
        made = [report.counts[k].created for k in ("user", "group", "term", "membership")]
        assert made == [8, 6, 2, 6]
        groups = {g.name: g for g in campus.state()["groups"]}
        school = groups["School of TwoDotOne"]
        assert school.parent == groups["Ministry of TwoDotOne"].id
        assert groups["Biology 10"].parent == school.id
        terms = {t.id: t.name for t in campus.state()["terms"]}
        assert terms[groups["Biology 10"].term] == "2021 School Year"
        assert campus.load(sample).changes == 0

    def test_dangling_reference_writes_nothing(self, campus: Campus, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(DATA / "roster-sds1-100", tmp_path / "r"))
        file = folder / "StudentEnrollment.csv"
        file.write_bytes(file.read_bytes().replace(b"11001,13003", b"11001,13999"))
        before = campus.state()
        with pytest.raises(Invalid) as caught:
            campus.load(read_roster(folder))
        assert [p.path for p in caught.value.problems] == ["StudentEnrollment.csv:4:SIS ID"]
        assert campus.state() == before

    def test_one_who_left(self, campus: Campus, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(DATA / "roster-sds1-100", tmp_path / "r"))
        campus.load(read_roster(folder))
        file = folder / "StudentEnrollment.csv"
        file.write_bytes(file.read_bytes().replace(b"11001,13003\r\n", b""))
        campus.today += timedelta(1)
        report = campus.load(read_roster(folder))
        assert numbers(report, "membership") == (0, 0, 629, 1, 0)
        outcome, words = detail(report, "membership", "section:11001/student:13003")
        assert (outcome, bool(words)) == (Outcome.ENDED, True)
        assert "FStark" in campus.members("11001", DAY)
        assert "FStark" not in campus.members("11001")


class TestAllOrNothing:
    def test_only_those_who_may(self, campus: Campus) -> None:
        service = RosterService(campus.store, Policy(campus.days), campus.days)
        for role in (Role.STUDENT, Role.TEACHER, Role.DEVICE):
            with pytest.raises(Forbidden):
                service.import_(Principal(1, "x", role), roster("a"))

    def test_dry_run_reports_the_same_and_keeps_nothing(self, campus: Campus) -> None:
        before = campus.state()
        dry = campus.load(roster("a", "b"), dry_run=True)
        assert campus.state() == before
        assert dry.dry_run
        assert evolve(dry, dry_run=False) == campus.load(roster("a", "b"))

    def test_one_event_with_the_counts(self, campus: Campus) -> None:
        campus.load(roster("a", "b"))
        with campus.store.read() as work:
            (message,) = work.outbox.list(None, 0, 10)
        assert (message.topic, message.key) == ("roster.imported", "roster:s")
        assert message.payload["source"] == "s"
        assert message.payload["counts"]["user"] == {"created": 2, "updated": 0, "ended": 0}

    def test_a_username_of_somebody_else_stops_everything(self, campus: Campus) -> None:
        campus.load(roster("a", "b"))
        before = campus.state()
        renamed = (user("a", username="U-B"), user("b", username="x"))
        with pytest.raises(Invalid) as caught:
            campus.load(roster("a", "b", users=renamed))
        assert [p.path for p in caught.value.problems] == ["u.csv:2:username"]
        assert campus.state() == before

    def test_a_refused_membership_is_named(self, campus: Campus) -> None:
        campus.load(roster("a", "b"))
        with campus.store.write() as work:
            (found,) = work.users.find_named(["u-b"])
            row = Membership(0, 1, found.id, Role.ASSISTANT, DAY + timedelta(9), None, "manual")
            work.memberships.add([row])
            work.commit()
        rows = (
            member("a"),
            member("b"),
            member("a", role=Role.ASSISTANT, place=Place("m.csv", 3)),
            member("b", role=Role.ASSISTANT, place=Place("m.csv", 4)),
        )
        before = campus.state()
        with pytest.raises(Conflict, match=r"m\.csv, line 4"):
            campus.load(roster("a", "b", memberships=rows))
        assert campus.state() == before


class TestUsers:
    def test_no_passwords_and_no_touch_of_those_that_are_there(self, campus: Campus) -> None:
        campus.load(roster("a"))
        with campus.store.write() as work:
            found = work.credentials.find("u-a")
            assert found is not None
            assert found.password_hash == ""
            work.credentials.set(found.user.id, "a hash", campus.days.now())
            work.commit()
        campus.load(roster("a", users=(user("a", first_name="New"),)))
        with campus.store.read() as work:
            found = work.credentials.find("u-a")
        assert found is not None
        assert (found.password_hash, found.user.first_name) == ("a hash", "New")

    def test_what_changed_in_the_file_changes_here(self, campus: Campus) -> None:
        campus.load(roster("a"))
        said = user("a", username="new", last_name="N", email="a@b", role=Role.TEACHER)
        report = campus.load(roster("a", users=(said,)))
        assert numbers(report, "user") == (0, 1, 0, 0, 0)
        assert numbers(report, "membership") == (0, 0, 1, 0, 0)
        (found,) = campus.state()["users"]
        assert (found.username, found.last_name, found.email, found.role) == (
            "new",
            "N",
            "a@b",
            Role.TEACHER,
        )

    def test_adoption(self, campus: Campus) -> None:
        with campus.store.write() as work:
            work.users.add(NewUser(username="U-A", role=Role.ADMIN), campus.days.now())
            work.commit()
        report = campus.load(roster("a"))
        assert numbers(report, "user") == (0, 1, 0, 0, 0)
        assert "adopted" in detail(report, "user", "a")[1]
        (found,) = campus.state()["users"]
        assert (found.username, found.first_name, found.role) == ("U-A", "First", Role.ADMIN)
        assert campus.load(roster("a", users=(user("a", username="new"),))).changes == 1

    def test_nobody_is_reactivated_or_taken_away(self, campus: Campus) -> None:
        campus.load(roster("a", "b"))
        with campus.store.write() as work:
            (found,) = work.users.find_named(["u-a"])
            work.users.save(evolve(found, active=False))
            work.commit()
        campus.load(roster("a"))
        active = {u.username: u.active for u in campus.state()["users"]}
        assert active == {"u-a": False, "u-b": True}

    def test_more_people_than_one_question_holds(self) -> None:
        campus = Campus(memory.open_store())
        many = roster(*(str(n) for n in range(1203)))
        campus.load(many)
        renewed = evolve(many, source="other", memberships=())
        assert numbers(campus.load(renewed), "user") == (0, 0, 1203, 0, 0)


class TestGroupsAndTerms:
    def test_changes(self, campus: Campus) -> None:
        terms = (RosterTerm("t", "Autumn", DAY, DAY, Place("t.csv", 2)),)
        groups = (group("g", parent_key="p", term_key="t"), group("p"))
        first = roster("a", groups=groups, terms=terms)
        campus.load(first)
        later = (evolve(terms[0], last_day=DAY + timedelta(1)),)
        moved = (group("g", parent_key="q", name="New"), group("p"), group("q"))
        report = campus.load(evolve(first, groups=moved, terms=later))
        assert numbers(report, "term") == (0, 1, 0, 0, 0)
        assert numbers(report, "group") == (1, 1, 1, 0, 0)
        named = {g.name: g for g in campus.state()["groups"]}
        assert named["New"].parent == named["G q"].id
        (term,) = campus.state()["terms"]
        assert (named["New"].term, term.last_day) == (term.id, DAY + timedelta(1))

    def test_adoption_by_name(self, campus: Campus) -> None:
        with campus.store.write() as work:
            work.groups.add(NewGroup(name="Lab 1", kind=GroupKind.LAB))
            work.terms.add(NewTerm(name="Autumn", first_day=DAY, last_day=DAY))
            work.commit()
        said = roster(
            "a",
            groups=(group("lab 1", name="LAB 1"),),
            terms=(RosterTerm("t", "Autumn", DAY, DAY, Place("t.csv", 2)),),
            memberships=(member("a", "lab 1"),),
        )
        report = campus.load(said)
        assert numbers(report, "group") == numbers(report, "term") == (0, 0, 1, 0, 0)
        assert campus.members("Lab 1") == {"u-a": Role.STUDENT}
        (found,) = campus.state()["groups"]
        assert found.kind is GroupKind.LAB
        assert campus.load(said).changes == 0

    def test_archived_groups_are_left_alone(self, campus: Campus) -> None:
        campus.load(roster("a", "b"))
        with campus.store.write() as work:
            work.groups.archive(1)
            work.commit()
        campus.today += timedelta(1)
        report = campus.load(roster("b", "c", users=(user("a"), user("b"), user("c"))))
        assert numbers(report, "group") == (0, 0, 0, 0, 1)
        assert numbers(report, "membership") == (0, 0, 0, 0, 2)
        with campus.store.read() as work:
            assert {row.end for row in work.memberships.of_source("import:s", DAY)} == {None}


class TestMemberships:
    def test_they_open_today_unless_dated(self, campus: Campus) -> None:
        rows = (member("a"), member("b", begin=DAY - timedelta(9), end=DAY + timedelta(2)))
        campus.load(roster("a", "b", memberships=rows))
        assert set(campus.members("G g", DAY - timedelta(1))) == {"u-b"}
        assert set(campus.members("G g")) == {"u-a", "u-b"}
        assert set(campus.members("G g", DAY + timedelta(2))) == {"u-a"}

    def test_only_those_of_the_source_end(self, campus: Campus) -> None:
        campus.load(roster("a", "b"))
        campus.load(evolve(roster("x", groups=(group("other"),), memberships=()), source="other"))
        with campus.store.write() as work:
            (found,) = work.users.find_named(["u-x"])
            work.memberships.add([Membership(0, 1, found.id, Role.STUDENT, DAY, None, "manual")])
            work.commit()
        campus.today += timedelta(1)
        report = campus.load(roster("a"))
        assert report.counts["membership"].ended == 1
        assert set(campus.members("G g")) == {"u-a", "u-x"}

    def test_who_is_a_member_already_is_one_once(self, campus: Campus) -> None:
        campus.load(roster("a"))
        with campus.store.write() as work:
            new = work.users.add(NewUser(username="u-b"), campus.days.now())
            work.memberships.add([Membership(0, 1, new.id, Role.STUDENT, DAY, None, "manual")])
            work.commit()
        report = campus.load(roster("a", "b"))
        outcome, words = detail(report, "membership", "g/b")
        assert (outcome, words) == (Outcome.UNCHANGED, "stands already (manual)")
        assert campus.load(roster("a")).changes == 0

    @pytest.mark.parametrize(
        ("end", "outcome", "begins"),
        [
            (None, Outcome.CREATED, DAY - timedelta(5)),
            (-6, Outcome.UNCHANGED, None),
            (-5, Outcome.UNCHANGED, None),
        ],
    )
    def test_the_past_of_others_is_not_written_over(
        self, campus: Campus, end: int | None, outcome: Outcome, begins: date | None
    ) -> None:
        campus.load(roster("a"))
        begin, over = DAY - timedelta(9), DAY - timedelta(5)
        with campus.store.write() as work:
            new = work.users.add(NewUser(username="u-b"), campus.days.now())
            work.memberships.add([Membership(0, 1, new.id, Role.STUDENT, begin, over, "manual")])
            work.commit()
        until = None if end is None else DAY + timedelta(end)
        rows = (member("a"), member("b", begin=begin, end=until))
        report = campus.load(roster("a", "b", memberships=rows))
        assert detail(report, "membership", "g/b")[0] is outcome
        with campus.store.read() as work:
            own = [r for r in work.memberships.of_source("import:s", begin) if r.user == new.id]
        assert [row.begin for row in own] == ([] if begins is None else [begins])

    def test_back_again_with_the_old_date(self, campus: Campus) -> None:
        dated = roster("a", "b", memberships=(member("a"), member("b", begin=DAY)))
        campus.load(dated)
        campus.today = DAY + timedelta(5)
        campus.load(roster("a"))
        campus.today = DAY + timedelta(9)
        assert campus.load(dated).counts["membership"].created == 1
        days = [n for n in range(12) if "u-b" in campus.members("G g", DAY + timedelta(n))]
        assert days == list(range(12))
        assert campus.load(dated).changes == 0

    def test_an_older_date_than_what_was_stored(self, campus: Campus) -> None:
        campus.load(roster("a"))
        campus.today = DAY + timedelta(2)
        campus.load(roster("a", "b"))
        campus.today = DAY + timedelta(5)
        campus.load(roster("a"))
        campus.today = DAY + timedelta(9)
        dated = roster("a", "b", memberships=(member("a"), member("b", begin=DAY)))
        assert campus.load(dated).counts["membership"].created == 1
        assert campus.load(dated).changes == 0
        days = [n for n in range(10) if "u-b" in campus.members("G g", DAY + timedelta(n))]
        assert days == list(range(2, 10))

    def test_too_many_removals(self, campus: Campus) -> None:
        people = [str(n) for n in range(20)]
        campus.load(roster(*people))
        campus.today += timedelta(1)
        before = campus.state()
        with pytest.raises(Conflict) as caught:
            campus.load(roster(*people[3:]))
        assert caught.value.code == "too_many_removals"
        assert campus.state() == before
        report = campus.load(roster(*people[3:]), removals=True)
        assert report.counts["membership"].ended == 3
        assert len(campus.members("G g")) == 17
        assert len(campus.members("G g", DAY)) == 20

    def test_one_in_ten_may_go(self, campus: Campus) -> None:
        people = [str(n) for n in range(20)]
        campus.load(roster(*people))
        assert campus.load(roster(*people[2:])).counts["membership"].ended == 2


@given(st.lists(st.sets(st.sampled_from("abcdef")), min_size=1, max_size=5))
def test_the_group_is_what_the_last_file_said(files: list[set[str]]) -> None:
    campus = Campus(memory.open_store())
    seen: dict[date, set[str]] = {}
    for people in files:
        said = roster(*sorted(people))
        campus.load(said, removals=True)
        assert campus.load(said).changes == 0
        seen[campus.today] = {f"u-{each}" for each in people}
        campus.today += timedelta(1)
    for day, names in seen.items():
        assert set(campus.members("G g", day)) == names

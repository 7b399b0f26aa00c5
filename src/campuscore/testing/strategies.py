"""Hypothesis strategies: users, groups, instants where clocks change, whole campuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from attrs import frozen
from hypothesis import strategies as st

from campuscore.domain.access import Reach
from campuscore.domain.days import AFTERNOON, Days
from campuscore.domain.groups import MEMBER_ROLES
from campuscore.domain.users import NewUser, Role, username_key

__all__ = [
    "ZONES",
    "CampusPlan",
    "PlannedFile",
    "PlannedGroup",
    "PlannedMembership",
    "campus_plans",
    "clock_changes",
    "instants",
    "instants_near",
    "member_roles",
    "names",
    "new_users",
    "reaches",
    "usernames",
    "zones",
]

ZONES = (
    "UTC",
    "Europe/Moscow",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
"""Zones with no change, an hour, half an hour, negative saving, odd offsets, a skipped day."""

_FIRST, _LAST = date(2010, 1, 1), date(2030, 12, 31)
_DAY = timedelta(days=1)
_HAIRS = [timedelta(microseconds=n) for n in (-1_000_000, -1, 0, 1, 1_000_000)]


@frozen
class PlannedGroup:
    """A group: its name, the place of its parent in the plan, and whether it ends up archived."""

    name: str
    parent: int | None
    archived: bool


@frozen
class PlannedMembership:
    """A membership, with the places of user and group in the plan."""

    user: int
    group: int
    role: Role
    begin: date
    end: date | None


@frozen
class PlannedFile:
    """A file of the user at a place in the plan."""

    user: int
    day: date
    withdrawn: bool


@frozen(kw_only=True)
class CampusPlan:
    """A whole campus, not yet stored; facts are pairs of a user's place and an instant."""

    days: Days
    middle: datetime
    users: Sequence[NewUser]
    groups: Sequence[PlannedGroup]
    memberships: Sequence[PlannedMembership]
    facts: Sequence[tuple[int, datetime]]
    files: Sequence[PlannedFile]

    @property
    def today(self) -> date:
        """The local day on which the clock changes."""
        return self.days.local(self.middle).day


@cache
def clock_changes(zone: str) -> tuple[datetime, ...]:
    """Return the instants from 2010 to 2030 at which a zone's offset changes, to the minute."""
    where = ZoneInfo(zone)
    found: list[datetime] = []
    at, end = (datetime.combine(day, time(), UTC) for day in (_FIRST, _LAST))
    while at < end:
        if _offset(at, where) != _offset(at + _DAY, where):
            found.append(_change_within(at, at + _DAY, where))
        at += _DAY
    return tuple(found)


def zones() -> st.SearchStrategy[str]:
    """Return names of zones that are hard in different ways."""
    return st.sampled_from(ZONES)


def instants(zone: str) -> st.SearchStrategy[datetime]:
    """Return instants in UTC: anywhere, near changes of the clock, near the day's edges."""
    begin, end = datetime(2010, 1, 1), datetime(2030, 12, 31)  # noqa: DTZ001 - zoned by the strategy
    anywhere = st.datetimes(begin, end, timezones=st.just(UTC))
    edges = st.builds(
        _near_clock,
        st.dates(_FIRST, _LAST),
        st.sampled_from([time(), AFTERNOON, time(23, 59, 59)]),
        st.sampled_from(_HAIRS),
        st.just(zone),
    )
    changes = clock_changes(zone)
    if not changes:
        return anywhere | edges
    around = st.timedeltas(-timedelta(hours=3), timedelta(hours=3))
    return anywhere | edges | st.builds(_plus, st.sampled_from(changes), around)


def instants_near(zone: str, middle: datetime) -> st.SearchStrategy[datetime]:
    """Return instants in UTC within three days of one, so that many fall on the same local day."""
    day = middle.astimezone(ZoneInfo(zone)).date()
    dates = st.integers(-2, 2).map(lambda n: day + n * _DAY)
    clocks = st.sampled_from([time(), time(1, 30), time(2, 15), AFTERNOON, time(23, 59, 59)])
    moments = st.builds(
        _near_clock,
        dates,
        clocks,
        st.sampled_from(_HAIRS),
        st.just(zone),
    )
    hours = st.timedeltas(-timedelta(hours=30), timedelta(hours=30))
    minutes = st.integers(-12, 12).map(lambda n: timedelta(minutes=5 * n))
    return moments | (hours | minutes).map(lambda delta: middle + delta)


def usernames() -> st.SearchStrategy[str]:
    """Return short usernames of which many are equal when folded."""
    folding = "sSß\N{LATIN SMALL LETTER LONG S}fi\N{LATIN SMALL LIGATURE FI}éÉ"
    return st.text(f"{folding}abAB_%😀я", min_size=1, max_size=4)


def names() -> st.SearchStrategy[str]:
    """Return what people may be called, in any script."""
    odd = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
    return odd | st.sampled_from(["", "Anna", "Иванов", "O'Brien", "  two  words "])


def new_users() -> st.SearchStrategy[NewUser]:
    """Return users to create."""
    return st.builds(
        NewUser,
        username=usernames(),
        first_name=names(),
        last_name=names(),
        role=st.sampled_from(Role),
    )


def member_roles() -> st.SearchStrategy[Role]:
    """Return roles that can be held in a group."""
    return st.sampled_from(sorted(MEMBER_ROLES))


def reaches() -> st.SearchStrategy[Reach]:
    """Return reaches, each flag in or out."""
    return st.sets(st.sampled_from(list(Reach))).map(_union)


@st.composite
def campus_plans(draw: st.DrawFn, zone: str) -> CampusPlan:
    """Return campuses in a zone, within a few days of a change of the clock."""
    at = st.sampled_from(clock_changes(zone) or (datetime(2026, 3, 4, 12, tzinfo=UTC),))
    middle = draw(at)
    days = Days(ZoneInfo(zone))
    today = days.local(middle).day
    dates = st.integers(-3, 3).map(lambda n: today + n * _DAY)
    users = draw(st.lists(new_users(), min_size=2, max_size=4, unique_by=_key))
    groups = _tree(draw(st.lists(_groups(), min_size=1, max_size=4)))
    user = st.integers(0, len(users) - 1)
    group = st.integers(0, len(groups) - 1)
    members = st.builds(
        PlannedMembership, user, group, member_roles(), dates, dates | st.none()
    ).filter(lambda m: m.end is None or m.begin < m.end)
    return CampusPlan(
        days=days,
        middle=middle,
        users=users,
        groups=groups,
        memberships=draw(st.lists(members, min_size=3, max_size=10)),
        facts=draw(st.lists(st.tuples(user, instants_near(zone, middle)), min_size=4, max_size=20)),
        files=draw(st.lists(st.builds(PlannedFile, user, dates, st.booleans()), max_size=5)),
    )


def _groups() -> st.SearchStrategy[PlannedGroup]:
    parent = st.integers(0, 5) | st.none()
    return st.builds(PlannedGroup, st.sampled_from(["Lab", "zoo", "Lab 2"]), parent, st.booleans())


def _tree(drawn: Sequence[PlannedGroup]) -> list[PlannedGroup]:
    """Hang each group under an earlier one; a group with others below is not archived."""
    parents = [
        None if group.parent is None or not place else group.parent % place
        for place, group in enumerate(drawn)
    ]
    return [
        PlannedGroup(group.name, parent, group.archived and place not in parents)
        for place, (group, parent) in enumerate(zip(drawn, parents, strict=True))
    ]


def _key(new: NewUser) -> str:
    return username_key(new.username)


def _union(flags: set[Reach]) -> Reach:
    joined = Reach.NONE
    for flag in flags:
        joined |= flag
    return joined


def _plus(at: datetime, delta: timedelta) -> datetime:
    return at + delta


def _near_clock(day: date, clock: time, delta: timedelta, zone: str) -> datetime:
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC) + delta


def _offset(at: datetime, where: ZoneInfo) -> timedelta | None:
    return at.astimezone(where).utcoffset()


def _change_within(low: datetime, high: datetime, where: ZoneInfo) -> datetime:
    """Halve the span until it holds one minute, at whose end the offset is another."""
    before = _offset(low, where)
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        low, high = (low, middle) if _offset(middle, where) != before else (middle, high)
    return high.replace(second=0, microsecond=0)

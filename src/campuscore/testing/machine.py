"""A state machine that drives a store and the memory reference, and compares all they answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType] - untyped there
)

from campuscore.domain.access import Reach, Scope
from campuscore.domain.days import Days
from campuscore.domain.events import NewMessage
from campuscore.domain.users import NewUser, Role
from campuscore.ports.work import WorkFactory
from campuscore.testing import orders
from campuscore.testing.answers import checks_in, compare_pages, events_in, lists_in, searches_in
from campuscore.testing.contract import EVERYTHING, NOON, Contract
from campuscore.testing.strategies import (
    CampusPlan,
    campus_plans,
    instants_near,
    member_roles,
    names,
    new_users,
    reaches,
    usernames,
    zones,
)
from campuscore.testing.twins import Side, Twins

__all__ = ["MachineContract", "StoreMachine"]

_PLACES = st.integers(0, 9)
_OFFSETS = st.integers(-3, 3)
_ANY_DAY = st.none() | _OFFSETS
_ANY_PLACE = st.none() | _PLACES
_YES_NO_ANY = st.none() | st.booleans()


class StoreMachine(RuleBasedStateMachine):
    """Random orders to an empty store and to the reference.

    Parameters
    ----------
    store
        The empty store to examine.
    """

    def __init__(self, store: WorkFactory) -> None:
        super().__init__()
        self.twins: Twins = Twins.of(store)
        self.days: Days = Days()
        self.today: date = NOON.date()
        self.middle: datetime = NOON
        self.events: int = 0

    def teardown(self) -> None:
        """Leave no Work open."""
        self.twins.close(commit=False)

    @initialize(plan=zones().flatmap(campus_plans))
    def settle(self, plan: CampusPlan) -> None:
        """Start with a campus, on a day when its clock changes."""
        self.days, self.middle, self.today = plan.days, plan.middle, plan.today
        orders.fill(self.twins, plan)
        self.add_user_in_a_part(NewUser(username="undone"), undo=True)

    @rule(new=new_users())
    def add_user(self, new: NewUser) -> None:
        orders.add_user(self.twins, new)
        self._emit()

    @rule(user=_PLACES, name=usernames(), last=names(), active=st.booleans())
    def save_user(self, user: int, name: str, last: str, active: bool) -> None:  # noqa: FBT001 - Hypothesis passes keywords
        orders.save_user(self.twins, self._key("user", user), name, last, active=active)

    @rule(name=st.sampled_from(["Lab", "zoo", "Lab 2"]), parent=_ANY_PLACE)
    def add_group(self, name: str, parent: int | None) -> None:
        orders.add_group(self.twins, name, None if parent is None else self._key("group", parent))

    @rule(group=_PLACES, name=names(), parent=_PLACES)
    def move_group(self, group: int, name: str, parent: int) -> None:
        keys = self._key("group", group), self._key("group", parent)
        orders.move_group(self.twins, keys[0], name, keys[1])

    @rule(group=_PLACES)
    def archive_group(self, group: int) -> None:
        key = self._key("group", group)
        self.twins.do(lambda side: side.work.groups.archive(side.id("group", key)))

    @rule(user=_PLACES, group=_PLACES, role=member_roles(), begin=_OFFSETS, length=_ANY_DAY)
    def join(self, user: int, group: int, role: Role, begin: int, length: int | None) -> None:
        first = self._day(begin)
        days = first, None if length is None else first + timedelta(days=length)
        keys = self._key("group", group), self._key("user", user)
        orders.join(self.twins, *keys, role, days)

    @rule(place=_PLACES, end=_OFFSETS)
    def leave(self, place: int, end: int) -> None:
        orders.leave(self.twins, place, self._day(end))

    @rule(data=st.data(), users=st.lists(_PLACES, min_size=1, max_size=6))
    def check_in(self, data: st.DataObject, users: list[int]) -> None:
        near = instants_near(self.days.zone.key, self.middle)
        pairs: list[tuple[int, datetime]] = [
            (self._key("user", user), data.draw(near)) for user in users
        ]
        orders.check_in(self.twins, self.days, pairs)
        self._emit()

    @rule(user=_PLACES, offset=_OFFSETS)
    def attach(self, user: int, offset: int) -> None:
        orders.attach(self.twins, self._key("user", user), self._day(offset))
        self._emit()

    @rule(file=_PLACES)
    def withdraw(self, file: int) -> None:
        key = self._key("file", file)
        self.twins.do(lambda side: side.work.attachments.withdraw(side.id("file", key), NOON))

    @rule(group=_PLACES, offset=_OFFSETS)
    def add_entry(self, group: int, offset: int) -> None:
        orders.add_entry(self.twins, self._key("group", group), self._day(offset))

    @rule(entry=_PLACES)
    def remove_entry(self, entry: int) -> None:
        key = self._key("entry", entry)
        self.twins.do(lambda side: side.work.entries.remove(side.id("entry", key)))

    @rule(zone=zones())
    def move_campus(self, zone: str) -> None:
        self.days = Days(ZoneInfo(zone))
        self.twins.do(lambda side: side.work.check_ins.rebuild(zone))

    @precondition(lambda self: self.twins.depth < 3)
    @rule()
    def open_savepoint(self) -> None:
        self.twins.open_savepoint()

    @precondition(lambda self: self.twins.depth > 0)
    @rule(undo=st.booleans())
    def close_savepoint(self, undo: bool) -> None:  # noqa: FBT001 - Hypothesis passes keywords
        self.twins.close_savepoint(undo=undo)

    @rule(new=new_users(), undo=st.booleans())
    def add_user_in_a_part(self, new: NewUser, undo: bool) -> None:  # noqa: FBT001 - Hypothesis passes keywords
        self.twins.open_savepoint()
        self.add_user(new)
        self.twins.close_savepoint(undo=undo)

    @rule(commit=st.sampled_from([True, True, False]))
    def close_work(self, commit: bool) -> None:  # noqa: FBT001 - Hypothesis passes keywords
        self.twins.close(commit=commit)
        for reach in (Reach.SELF | Reach.FELLOW, Reach.TAUGHT | Reach.ASSISTED):
            self.look(reach, 0)

    @invariant()
    def whole_lists_agree(self) -> None:
        """Compare what a campus-wide principal sees."""
        scope = evolve(EVERYTHING, today=self.today)
        self.twins.compare(lambda _, work: [*lists_in(work, scope), events_in(work)])

    @rule(reach=reaches(), offset=st.integers(-1, 1))
    def look(self, reach: Reach, offset: int) -> None:
        """Compare what every user with this reach sees."""
        for key in self.twins.keys("user"):

            def scope(side: Side, key: int = key) -> Scope:
                return Scope(reach, side.id("user", key), self._day(offset))

            self.twins.compare(lambda side, work: lists_in(work, scope(side)))
            self.twins.compare(lambda side, work: checks_in(side, work, scope(side)))

    @rule(user=_ANY_PLACE, group=_ANY_PLACE, since=_ANY_DAY, until=_ANY_DAY, files=_YES_NO_ANY)
    def search(
        self,
        user: int | None,
        group: int | None,
        since: int | None,
        until: int | None,
        files: bool | None,  # noqa: FBT001 - Hypothesis passes keywords
    ) -> None:
        """Compare filtered lists."""
        first, last = (None if n is None else self._day(n) for n in (since, until))
        self.twins.compare(
            lambda side, work: searches_in(
                work,
                files,
                user=None if user is None else side.id("user", self._key("user", user)),
                group=None if group is None else side.id("group", self._key("group", group)),
                since=first,
                until=last,
            )
        )

    @rule(size=st.integers(1, 3))
    def turn_pages(self, size: int) -> None:
        """Compare the pages of the subject's lists with its whole lists."""
        self.twins.subject.read(lambda _, work: compare_pages(work, size))

    def _key(self, kind: str, place: int) -> int:
        """Return the key of one of the rows; of none for a place behind all of them."""
        keys = self.twins.keys(kind)
        return keys[place % (len(keys) + 1)] if place % (len(keys) + 1) < len(keys) else -1

    def _emit(self) -> None:
        self.events += 1
        message = NewMessage("happened", str(self.events), {"number": self.events})
        self.twins.do(lambda side: side.work.emit(message))

    def _day(self, offset: int) -> date:
        return self.today + timedelta(days=offset)


class MachineContract(Contract):
    """A store answers as the reference does. The fixture ``fresh`` returns a new, empty store."""

    examples: ClassVar[int] = 25
    steps: ClassVar[int] = 30

    def test_store_and_reference_agree(self, fresh: Callable[[], WorkFactory]) -> None:
        class Fresh(StoreMachine):
            def __init__(self) -> None:
                super().__init__(fresh())

        limits = settings(max_examples=self.examples, stateful_step_count=self.steps, deadline=None)
        run_state_machine_as_test(Fresh, settings=limits)

"""Two stores that get the same orders, and whose answers are compared.

Stores number their rows as they like, so orders and answers name a row by its *key*: how many rows
of its kind were added before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any, cast

from attrs import define, evolve, field, frozen

from campuscore.adapters.memory import open_store
from campuscore.domain.attendance import Attachment, CheckIn, DayRow
from campuscore.domain.groups import Group, Member, Membership
from campuscore.domain.schedule import ScheduleEntry
from campuscore.domain.users import User, UserName
from campuscore.errors import CampusError
from campuscore.ports.work import Work, WorkFactory

__all__ = ["Side", "Twins"]

_KEYS: Mapping[type, Mapping[str, str]] = {
    User: {"id": "user"},
    UserName: {"id": "user"},
    Member: {"id": "user"},
    Group: {"id": "group", "parent": "group"},
    Membership: {"group": "group", "user": "user"},
    CheckIn: {"id": "check_in", "user": "user"},
    Attachment: {"id": "file", "user": "user"},
    ScheduleEntry: {"id": "entry", "group": "group"},
    DayRow: {"id": "user"},
}
"""Which fields of a row are ids, and of what kind."""


class _Undone(Exception):
    """Makes a savepoint roll back."""


@define(eq=False)
class Side:
    """One of two stores with its open Work, and the ids it gave."""

    store: WorkFactory
    ids: dict[str, dict[int, int]] = field(factory=dict[str, dict[int, int]])
    _work: Work | None = None
    _savepoints: list[AbstractContextManager[None]] = field(
        factory=list[AbstractContextManager[None]]
    )

    @property
    def work(self) -> Work:
        """The open Work; a write Work is opened where none is."""
        if self._work is None:
            self._work = self.store.write().__enter__()
        return self._work

    def id(self, kind: str, key: int) -> int:
        """Return the id of a row by its key; an id that nothing has for an unknown key."""
        return self.ids.get(kind, {}).get(key, 1 << 40)

    def key(self, kind: str, row_id: int) -> int:
        """Return the key of a row by its id, or -1 for a row that nobody added."""
        return next((k for k, i in self.ids.get(kind, {}).items() if i == row_id), -1)

    def keyed(self, value: Any) -> Any:
        """Return an answer with keys in place of ids."""
        if isinstance(value, list | tuple):
            return [self.keyed(each) for each in cast("list[Any]", value)]
        kinds = next((found for kind, found in _KEYS.items() if isinstance(value, kind)), None)
        if kinds is None:
            return value
        changes: dict[str, Any] = {
            name: self.key(kind, getattr(value, name))
            for name, kind in kinds.items()
            if getattr(value, name) is not None
        }
        if isinstance(value, Membership):
            changes["id"] = 0
        if isinstance(value, DayRow):
            changes["files"] = [self._file_key(address) for address in value.files]
        return evolve(value, **changes)

    def read(self, ask: Callable[[Side, Work], Any]) -> Any:
        """Ask the open Work, or a read Work where none is open."""
        if self._work is not None:
            return self.keyed(ask(self, self._work))
        with self.store.read() as work:
            return self.keyed(ask(self, work))

    def attempt(self, act: Callable[[Side], Any]) -> Any:
        """Act under a savepoint; return the result, or the class of the refusal."""
        try:
            with self.work.savepoint():
                return self.keyed(act(self))
        except CampusError as error:
            return type(error)

    def open_savepoint(self) -> None:
        """Open a savepoint inside the open ones."""
        part = self.work.savepoint()
        part.__enter__()
        self._savepoints.append(part)

    def close_savepoint(self, *, undo: bool) -> None:
        """Close the innermost savepoint."""
        part = self._savepoints.pop()
        if not undo:
            part.__exit__(None, None, None)
            return
        error = _Undone()
        try:
            swallowed = part.__exit__(_Undone, error, None)
        except _Undone:
            swallowed = False
        assert not swallowed

    def close(self, *, commit: bool) -> None:
        """Commit the open Work or undo it; nothing happens where none is open."""
        if self._work is None:
            return
        while self._savepoints:
            self.close_savepoint(undo=not commit)
        if commit:
            self._work.commit()
        self._work.__exit__(None, None, None)
        self._work = None

    def _file_key(self, address: str) -> str:
        start, number, end = address.rsplit("/", 2)
        return f"{start}/{self.key('file', int(number))}/{end}"


@frozen
class _Mark:
    """What to go back to: the ids of both sides and how many rows of each kind there were."""

    ids: tuple[dict[str, dict[int, int]], dict[str, dict[int, int]]]


@define(eq=False)
class Twins:
    """A store and the memory reference, side by side."""

    subject: Side
    reference: Side
    _marks: list[_Mark] = field(factory=list[_Mark], init=False)
    _committed: _Mark = field(factory=lambda: _Mark(({}, {})), init=False)

    @classmethod
    def of(cls, store: WorkFactory) -> Twins:
        """Put a new, empty reference beside an empty store."""
        return cls(Side(store), Side(open_store()))

    def keys(self, kind: str) -> list[int]:
        """Return the keys of the rows that were added and not undone."""
        return list(self.reference.ids.get(kind, {}))

    def do(self, act: Callable[[Side], Any]) -> Any:
        """Have both do the same, and compare what they answer."""
        theirs = self.reference.attempt(act)
        assert self.subject.attempt(act) == theirs
        return theirs

    def add(self, kind: str, act: Callable[[Side], list[int]]) -> None:
        """Have both add rows by a function that returns ids, and give them the next keys."""
        found: list[list[int]] = []

        def keep(side: Side) -> None:
            found.append(act(side))

        if self.do(keep) is None:
            theirs, mine = found
            assert len(mine) == len(theirs)
            start = max(self.keys(kind), default=0) + 1
            for key, (one, other) in enumerate(zip(mine, theirs, strict=True), start):
                self.subject.ids.setdefault(kind, {})[key] = one
                self.reference.ids.setdefault(kind, {})[key] = other

    def compare(self, ask: Callable[[Side, Work], Any]) -> Any:
        """Ask both the same, and compare what they answer."""
        theirs = self.reference.read(ask)
        assert self.subject.read(ask) == theirs
        return theirs

    @property
    def depth(self) -> int:
        """How many savepoints are open."""
        return len(self._marks)

    def open_savepoint(self) -> None:
        """Open a savepoint on both sides."""
        self._marks.append(self._mark())
        for side in (self.subject, self.reference):
            side.open_savepoint()

    def close_savepoint(self, *, undo: bool) -> None:
        """Close the innermost savepoint on both sides."""
        mark = self._marks.pop()
        for side in (self.subject, self.reference):
            side.close_savepoint(undo=undo)
        if undo:
            self._return_to(mark)

    def close(self, *, commit: bool) -> None:
        """Commit or undo on both sides."""
        for side in (self.subject, self.reference):
            side.close(commit=commit)
        self._marks.clear()
        if commit:
            self._committed = self._mark()
        else:
            self._return_to(self._committed)

    def _mark(self) -> _Mark:
        return _Mark((deepcopy(self.subject.ids), deepcopy(self.reference.ids)))

    def _return_to(self, mark: _Mark) -> None:
        self.subject.ids, self.reference.ids = deepcopy(mark.ids[0]), deepcopy(mark.ids[1])

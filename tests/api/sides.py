"""The two sides of a campus under test: they share nobody, and each has something of everything.

All texts of a side begin with its mark and say how far they may be known, so that an answer that
has a text of the other side tells whether it may.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from attrs import define, evolve, field
from tests.http.worlds import LONG_AGO, People
from tests.index.dists import Dist, sdist, wheel

from campuscore import Role
from campuscore.domain.attendance import CheckInQuery, DayQuery, DayRow, NewAttachment, NewCheckIn
from campuscore.domain.audit import AuditQuery, Outcome
from campuscore.domain.auth import MintedToken, NewApiToken, Origin, TokenPair
from campuscore.domain.groups import GroupChange
from campuscore.domain.packages import NewUpload
from campuscore.domain.schedule import EntryQuery, NewEntry, NewRoom, NewTerm
from campuscore.errors import CampusError

__all__ = ["FAR", "FAR_BEGIN", "FAR_MICROSECOND", "KINDS", "PASSWORD", "Side"]

PASSWORD = "plain zebra teapot 91"
FAR = "canary"
"""The mark of the far side; it is in no text but theirs."""

FAR_BEGIN = date(2017, 7, 17)
FAR_MICROSECOND = 717_171
KINDS = ("own", "directory", "house", "shelf")
"""Who may know a text of a side: its people; the teachers of the campus; whoever is logged in;
everybody."""

_GROUPS = {"course", "lab"}
_PEOPLE = (
    ("teacher", Role.TEACHER, "course"),
    ("assistant", Role.ASSISTANT, "course"),
    ("student", Role.STUDENT, "lab"),
    ("classmate", Role.STUDENT, "lab"),
    ("guardian", Role.GUARDIAN, ""),
    ("device", Role.DEVICE, ""),
)


@define
class Side(People):
    """A course with a lab below it, their people, and what is recorded of them."""

    mark: str = field(kw_only=True)
    password: str = field(default=PASSWORD, kw_only=True)
    with_password: tuple[str, ...] = field(default=("student",), kw_only=True)
    logins: dict[str, TokenPair] = field(factory=dict, init=False)
    sessions: list[int] = field(factory=list, init=False)
    minted: dict[str, MintedToken] = field(factory=dict, init=False)
    files: list[int] = field(factory=list, init=False)
    entries: list[int] = field(factory=list, init=False)
    rooms: list[int] = field(factory=list, init=False)
    terms: list[int] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        """Fill the side."""
        self._add_places()
        self._add_people()
        self._let_in()
        self._record()
        self._upload()

    def text(self, kind: str) -> str:
        """Return the text of a kind, which no other side has."""
        return f"{self.mark}-{kind}-{self.number}"

    def name(self, who: str) -> str:
        return f"{self.text('own' if who in _GROUPS else 'directory')}.{who}"

    @property
    def project(self) -> str:
        return self.text("shelf")

    @property
    def today(self) -> date:
        return self.campus.policy.days.today()

    def dist(self, version: str) -> Dist:
        """Return a wheel of the side's project; its text is the same for every version."""
        name = self.project.replace("-", "_")
        return wheel(name, version, f"Summary: {self.text('shelf')}")

    @property
    def dists(self) -> tuple[Dist, Dist]:
        """The files that the side has on the index."""
        return self.dist("1.0"), sdist(self.project.replace("-", "_"), "1.0")

    def _add_places(self) -> None:
        """Add groups, and rooms and terms of which the second ones are not used."""
        operator, schedule = self.campus.operator, self.campus.schedule
        for name in (self.text("house"), f"{self.text('house')}.spare"):
            self.rooms.append(schedule.rooms.create(operator, NewRoom(name=name, capacity=20)).id)
            term = NewTerm(name=name, first_day=self.today, last_day=self.today, code=name)
            self.terms.append(schedule.terms.create(operator, term).id)
        self.group("course")
        self.group("lab", "course")
        for each in self.groups.values():
            change = GroupChange(code=self.text("own"), term=self.terms[0])
            self.campus.groups.update(operator, each, change)

    def _add_people(self) -> None:
        for who, role, group in _PEOPLE:
            known = {"first_name": self.text("directory"), "email": f"{self.text('own')}@x.example"}
            secret = {"password": self.password} if who in self.with_password else {}
            self.add(who, role, **known, **secret)
            if group:
                self.join(group, who, role, FAR_BEGIN if self.mark == FAR else LONG_AGO)
        guardians = self.campus.users.guardians
        guardians.link(self.campus.operator, self.users["student"], self.users["guardian"])

    def _let_in(self) -> None:
        auth, operator = self.campus.auth, self.campus.operator
        for who in self.with_password:
            self.logins[who] = auth.login(self.name(who), self.password, self._origin)
            self.sessions += [each.id for each in auth.sessions(operator, self.users[who])]
        for who in ("student", "teacher"):
            self.minted[who] = self._mint(who)

    def _mint(self, who: str) -> MintedToken:
        tokens, new = self.campus.auth.tokens, NewApiToken(name=self.text("own"))
        return tokens.mint(self.campus.operator, new, self.users[who])

    @property
    def _moment(self) -> datetime:
        microsecond = FAR_MICROSECOND if self.mark == FAR else 0
        earlier = self.campus.policy.days.now() - timedelta(seconds=1)
        return earlier.replace(microsecond=microsecond)

    @property
    def _origin(self) -> Origin:
        return Origin("192.0.2.7", self.text("own"))

    def _record(self) -> None:
        operator, attendance, own = self.campus.operator, self.campus.attendance, self.text("own")
        for who in ("student", "classmate"):
            user = self.users[who]
            new = NewCheckIn(user=user, timestamp=self._moment)
            attendance.check_in(operator, new, origin=self._origin)
            for day in (self.today, self.today - timedelta(days=1)):
                file = NewAttachment(user=user, date=day, filename=f"{own}.txt")
                self.files.append(attendance.attach_file(operator, file, [own.encode()]).id)
        for group in self.groups.values():
            entry = NewEntry(
                group=group,
                title=own,
                date=self.today,
                start=time(9),
                end=time(10),
                room=self.rooms[0],
            )
            self.entries.append(self.campus.schedule.create(operator, entry).id)

    def _upload(self) -> None:
        teacher = self.campus.auth.authenticate(self.minted["teacher"].token)
        for dist in self.dists:
            new = NewUpload(filename=dist.filename)
            self.campus.packages.upload(teacher, new, [dist.data])

    def fingerprint(self) -> dict[str, str]:
        """Return all that is recorded of the side, by what it is."""
        packages, schedule = self.campus.packages, self.campus.schedule
        found = {
            "packages": _seen(lambda: packages.page(self._me, self.project)),
            "rooms": _seen(lambda: [schedule.rooms.get(self._me, each) for each in self.rooms]),
            "terms": _seen(lambda: [schedule.terms.get(self._me, each) for each in self.terms]),
        }
        for who, key in self.users.items():
            found |= {f"{who}: {name}": text for name, text in self._of_user(key).items()}
        for called, key in self.groups.items():
            found |= {f"{called}: {name}": text for name, text in self._of_group(key).items()}
        for each in self.files:
            found[f"file {each}"] = _seen(lambda each=each: self._file(each))
        return found

    @property
    def _me(self):
        return self.campus.operator

    def _of_user(self, key: int) -> dict[str, str]:
        users, auth, attendance = self.campus.users, self.campus.auth, self.campus.attendance
        return {
            "user": _seen(lambda: users.get(self._me, key)),
            "guardians": _seen(lambda: users.guardians.of(self._me, key)),
            "wards": _seen(lambda: users.guardians.wards(self._me, key)),
            "sessions": _seen(lambda: auth.sessions(self._me, key)),
            "tokens": _seen(lambda: auth.tokens.list(self._me, key)),
            "check-ins": _seen(lambda: attendance.list(self._me, CheckInQuery(user=key))),
            "days": _seen(lambda: self._days(key)),
            "done": self._done(str(key)),
        }

    def _days(self, key: int) -> list[DayRow]:
        """Return the days of a user without their groups: a teacher may take anybody into one."""
        rows = self.campus.attendance.aggregate(self._me, DayQuery(user=key)).items
        return [evolve(row, group="") for row in rows]

    def _of_group(self, key: int) -> dict[str, str]:
        groups, schedule = self.campus.groups, self.campus.schedule
        return {
            "group": _seen(lambda: groups.get(self._me, key)),
            "members": _seen(lambda: groups.members(self._me, key)),
            "timetable": _seen(lambda: schedule.list(self._me, EntryQuery(group=key))),
            "done": self._done(f"group:{key}"),
        }

    def _done(self, target: str) -> str:
        """Return what the audit knows to be done to somebody, even where it left no trace."""
        query = AuditQuery(target=target, outcome=Outcome.DONE)
        return _seen(lambda: self.campus.audit.list(self._me, query))

    def _file(self, key: int) -> tuple[object, bytes]:
        row, chunks = self.campus.attendance.open_file(self._me, key)
        return row, b"".join(chunks)


def _seen(look: Callable[[], object]) -> str:
    """Return what is seen, which may be that it is gone."""
    try:
        return repr(look())
    except CampusError as error:
        return f"{error.code}: {error.detail}"

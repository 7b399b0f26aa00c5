"""A front end in ten commands or so: a desk that reads lines, such as a chat bot gets them.

``python desk.py URL`` reads from standard input. Whatever carries the lines (a chat, a serial
scanner, a mail box) calls ``Desk.answer`` instead, and gets a text back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

from campuscore import Campus, DayQuery, NewCheckIn, errors, open_campus
from campuscore.domain.attendance import CheckInMethod
from campuscore.domain.groups import GroupView

HELP = """\
here NAME               somebody has come
who is in GROUP         the people of a group
who is missing GROUP    those of them who have not come today
groups                  the groups
bye                     leave"""


class Desk:
    """Answers lines. Every rule is the library's: this only reads words and writes words."""

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        # A bot in which people act for themselves keeps their tokens, and says here instead:
        # campus.auth.authenticate(token).
        self.who = campus.operator
        self.commands: dict[str, Callable[[str], str]] = {
            "here": self.here,
            "who is missing": self.missing,
            "who is in": self.members,
            "groups": self.groups,
            "help": lambda _: HELP,
        }

    def answer(self, line: str) -> str:
        """Return what to say to a line."""
        words = " ".join(line.split())
        for command, run in self.commands.items():
            if words.casefold() == command or words.casefold().startswith(f"{command} "):
                try:
                    return run(words[len(command) :].strip())
                except errors.CampusError as error:
                    return f"sorry, {error.detail}"
        return "pardon? Say help."

    def here(self, name: str) -> str:
        user = self.campus.users.find_named(self.who, name)
        new = NewCheckIn(user=user.id)
        seen = self.campus.attendance.check_in(self.who, new, method=CheckInMethod.MANUAL)
        clock = self.campus.attendance.days.local(seen.timestamp).clock
        return f"welcome, {user.first_name or user.username}: {clock:%H:%M}"

    def missing(self, name: str) -> str:
        group = self.group(name)
        today = self.campus.attendance.days.today()
        query = DayQuery(group=group.id, since=today, until=today)
        seen = {day.id for day in self.campus.attendance.aggregate(self.who, query).items}
        away = [user for user in group.students if user.id not in seen]
        return listed([f"{u.first_name} {u.last_name}".strip() for u in away], "nobody")

    def members(self, name: str) -> str:
        group = self.group(name)
        rows = self.campus.groups.members(self.who, group.id)
        names = [f"{m.first_name} {m.last_name} ({m.role})".strip() for m in rows]
        return listed(names, "nobody")

    def groups(self, _: str) -> str:
        return listed([group.name for group in self.campus.groups.list(self.who).items], "none")

    def group(self, name: str) -> GroupView:
        """Find a group by its name, in any case."""
        for group in self.campus.groups.list(self.who).items:
            if group.name.casefold() == name.casefold():
                return group
        raise errors.NotFound(f"there is no group {name!r}")


def listed(names: Iterable[str], nothing: str) -> str:
    """Join names."""
    return ", ".join(names) or nothing


def conversation(desk: Desk, lines: Iterable[str]) -> Iterator[str]:
    """Answer line by line until somebody leaves."""
    for line in filter(None, map(str.strip, lines)):
        if line.casefold() == "bye":
            yield "bye"
            return
        yield desk.answer(line)


def main() -> None:
    """Talk over standard input and output."""
    with open_campus(sys.argv[1] if len(sys.argv) > 1 else "sqlite:///campus.db") as campus:
        for answer in conversation(Desk(campus), sys.stdin):
            print(answer, flush=True)


if __name__ == "__main__":
    main()

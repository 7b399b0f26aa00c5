"""Embed campuscore in a program: a kiosk that checks people in by the number on their card.

The campus is a SQLite file in a temporary folder here; give ``open_campus`` the URL of yours.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from campuscore import Campus, DayQuery, NewCheckIn, NewGroup, NewUser, Role, errors, open_campus
from campuscore.domain.attendance import CheckInMethod
from campuscore.domain.events import Message

PEOPLE = {"0417": ("ada", "Ada", "Lovelace"), "2300": ("bob", "Bob", "Hope")}


def set_up(campus: Campus) -> dict[str, int]:
    """Create a lab with its people, and return who has which card."""
    lab = campus.groups.create(campus.operator, NewGroup(name="Lab 1"))
    cards: dict[str, int] = {}
    for card, (username, first, last) in PEOPLE.items():
        new = NewUser(username=username, first_name=first, last_name=last)
        cards[card] = campus.users.create(campus.operator, new).id
        campus.groups.add_user(campus.operator, lab.id, cards[card], Role.STUDENT)
    return cards


def scan(campus: Campus, cards: dict[str, int], card: str) -> date | None:
    """Check in whoever has this card, and return the day."""
    try:
        new = NewCheckIn(user=cards[card])
        seen = campus.attendance.check_in(campus.operator, new, method=CheckInMethod.KIOSK)
    except KeyError:
        print(f"{card}: nobody has this card")
        return None
    except errors.CampusError as error:
        print(f"{card}: {error.detail}")
        return None
    print(f"{card}: welcome, user {seen.user}")
    return campus.attendance.days.local(seen.timestamp).day


def tell(message: Message) -> None:
    """Pass an event on, to a display or a chat for example."""
    print(f"event {message.topic} of {message.key}")


def main() -> None:
    """Set up a campus, scan three cards, and write the sheet of the day."""
    with tempfile.TemporaryDirectory() as folder, open_campus(f"sqlite:///{folder}/c.db") as campus:
        cards = set_up(campus)
        campus.operations.subscribe("checkin.recorded", tell)
        days = {scan(campus, cards, card) for card in ("0417", "2300", "9999")} - {None}
        campus.operations.run_due("kiosk")

        query = DayQuery(since=min(filter(None, days)))
        for row in campus.attendance.aggregate(campus.operator, query).items:
            entry = row.morning_entry or row.afternoon_entry
            print(f"{row.date} {entry} {row.full_name} ({row.group})")

        sheet = campus.attendance.sheet(campus.operator, query, form="xlsx")
        path = Path(folder, sheet.filename)
        path.write_bytes(b"".join(sheet.chunks))
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""Filling campuscore with the campus, and both peers with attached files."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

from .client import Site
from .data import ADMIN_PASSWORD, ADMIN_USER, PASSWORD, Campus

__all__ = ["attach_files", "load_campuscore"]

BULK = 10_000
BOUNDARY = "campus-benchmark-boundary"
DOCUMENT = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def load_campuscore(home: Path, data: Campus) -> None:
    """Fill an empty home through the library, with memberships from the term's first day on."""
    from campuscore import Settings, open_campus  # noqa: PLC0415  (the seed runs without it)
    from campuscore.domain.days import Days  # noqa: PLC0415

    settings = Settings(home=str(home), sqlite_synchronous="normal")
    first = datetime.combine(data.days[0], time(), UTC)
    with open_campus(settings, days=Days(now=lambda: first)) as campus:
        campus.users.ensure_administrator(ADMIN_USER, ADMIN_PASSWORD)
        users = load_people(campus, data)
        load_groups(campus, data, users)
    with open_campus(settings) as campus:
        load_check_ins(campus, data, users)


def load_people(campus: Any, data: Campus) -> dict[str, int]:
    """Create everybody; answers ids by username."""
    from campuscore import NewUser, Role  # noqa: PLC0415

    news = (
        NewUser(
            username=person.username,
            first_name=person.first_name,
            last_name=person.last_name,
            role=Role(person.role),
            email=f"{person.username}@campus.example",
            locale="en",
            password=PASSWORD if person.can_log_in else None,
        )
        for person in data.people
    )
    return {new.username: campus.users.create(campus.operator, new).id for new in news}


def load_groups(campus: Any, data: Campus, users: dict[str, int]) -> None:
    """Create groups, their people, rooms and the timetable."""
    from campuscore import NewEntry, NewGroup, NewRoom, Role  # noqa: PLC0415

    operator, schedule = campus.operator, campus.schedule
    news = [NewGroup(name=name, code=name) for name in data.group_names]
    groups = {new.name: campus.groups.create(operator, new).id for new in news}
    for seat in data.memberships():
        group, user = groups[seat.group], users[seat.username]
        campus.groups.add_user(operator, group, user, Role(seat.role))
    rooms = [NewRoom(name=f"Lab {n + 1:03}") for n in range(data.room_count)]
    room_ids = [schedule.rooms.create(operator, room).id for room in rooms]
    for entry in data.entries():
        new = NewEntry(
            group=groups[entry.group],
            title=entry.title,
            date=entry.date,
            start=entry.start,
            end=entry.end,
            room=room_ids[entry.room - 1],
        )
        schedule.create(operator, new)


def load_check_ins(campus: Any, data: Campus, users: dict[str, int]) -> None:
    """Record the term's attendance in bulk."""
    from campuscore import NewCheckIn  # noqa: PLC0415
    from campuscore.domain.attendance import CheckInMethod  # noqa: PLC0415

    rows = data.check_ins()
    while batch := list(islice(rows, BULK)):
        news = [NewCheckIn(user=users[row.username], timestamp=row.timestamp) for row in batch]
        campus.attendance.check_in_many(campus.operator, news, method=CheckInMethod.IMPORT)


def attach_files(site: Site, data: Campus) -> None:
    """Attach a small document to the user-days that have one, over HTTP."""
    users = site.users()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    for username, day in data.files():
        fields = {"user_id": str(users[username]), "date": str(day)}
        body = multipart(fields, f"note-{username}.pdf", DOCUMENT)
        site.must("POST", "/attendance/attach_file/", body, **{"Content-Type": kind})


def multipart(fields: dict[str, str], filename: str, content: bytes) -> bytes:
    """A form with one file."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    )
    return "".join(parts).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()

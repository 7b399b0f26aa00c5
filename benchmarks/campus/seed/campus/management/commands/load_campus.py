"""Fill an empty database with one size of the campus."""

import os
from argparse import ArgumentParser
from collections.abc import Iterable
from itertools import islice
from typing import Any

from benchmarks.campus.data import PASSWORD, SIZES, Campus
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand
from django.db import connection, models, transaction

from campus.models import AttendanceLog, Group, Membership, ScheduleEntry, User

BATCH = 5_000


class Command(BaseCommand):
    """load_campus SIZE."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The size is the only argument."""
        parser.add_argument("size", choices=SIZES)

    def handle(self, *args: Any, size: str, **options: Any) -> None:
        """Load everything in one transaction, then let the planner look at it."""
        campus = SIZES[size]
        with transaction.atomic():
            users = load_people(campus)
            load_groups(campus, users)
            load_check_ins(campus, users)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def load_people(campus: Campus) -> dict[str, int]:
    """Users and the administrator; answers ids by username."""
    User.objects.create_superuser(
        os.environ["CAMPUSCORE_ADMIN_USER"],
        password=os.environ["CAMPUSCORE_ADMIN_PASSWORD"],
        role="admin",
    )
    hashed, unusable = make_password(PASSWORD), make_password(None)
    insert(
        User,
        (
            User(
                username=person.username,
                first_name=person.first_name,
                last_name=person.last_name,
                role=person.role,
                email=f"{person.username}@campus.example",
                password=hashed if person.can_log_in else unusable,
            )
            for person in campus.people
        ),
    )
    return dict(User.objects.values_list("username", "id"))


def load_groups(campus: Campus, users: dict[str, int]) -> None:
    """Groups, their people and their timetable."""
    insert(Group, (Group(name=name, code=name) for name in campus.group_names))
    groups = dict(Group.objects.values_list("name", "id"))
    seats = (
        Membership(group_id=groups[seat.group], user_id=users[seat.username], role=seat.role)
        for seat in campus.memberships()
    )
    insert(Membership, seats)
    entries = (
        ScheduleEntry(
            group_id=groups[entry.group],
            title=entry.title,
            date=entry.date,
            start=entry.start,
            end=entry.end,
            room=entry.room,
        )
        for entry in campus.entries()
    )
    insert(ScheduleEntry, entries)


def load_check_ins(campus: Campus, users: dict[str, int]) -> None:
    """The term's attendance."""
    logs = (
        AttendanceLog(user_id=users[row.username], timestamp=row.timestamp, method="import")
        for row in campus.check_ins()
    )
    insert(AttendanceLog, logs)


def insert(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """Store many rows in batches."""
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        model._default_manager.bulk_create(batch)  # noqa: SLF001

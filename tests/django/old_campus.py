"""Build the database of a Django campus, as the seed has one: run as a program of its own.

``python old_campus.py FOLDER [URL]`` writes FOLDER/media, and FOLDER/old.db or
a database on PostgreSQL.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time
from pathlib import Path

from django.conf import settings

import django

FOLDER = Path(sys.argv[1])


def database() -> dict[str, object]:
    if len(sys.argv) < 3:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "old.db"}
    from psycopg.conninfo import conninfo_to_dict

    found = conninfo_to_dict(sys.argv[2])
    names = {"NAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user"}
    given = {name: str(found[key]) for name, key in names.items() if found.get(key)}
    return {"ENGINE": "django.db.backends.postgresql", **given}


settings.configure(
    DATABASES={"default": database()},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "campus"],
    AUTH_USER_MODEL="campus.User",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MEDIA_ROOT=FOLDER / "media",
    MIGRATION_MODULES={"auth": None, "contenttypes": None},
    USE_TZ=True,
    SECRET_KEY="only for this test",
)
django.setup()

from campus.models import (  # noqa: E402
    Attachment,
    AttendanceLog,
    Event,
    Group,
    Library,
    Membership,
    Notice,
    Schedule,
    User,
)
from django.core.files.base import ContentFile  # noqa: E402
from django.core.management import call_command  # noqa: E402


def people() -> list[User]:
    joined = datetime(2025, 9, 1, 6, tzinfo=UTC)
    root = User.objects.create_superuser("root", password="root-password-1", date_joined=joined)
    ada = User.objects.create_user(
        "ada",
        password="old-password-Ада",
        first_name="Ada",
        last_name="Lovelace",
        role="teacher",
        email="ada@example.org",
        date_joined=joined,
    )
    bob = User.objects.create_user(
        "bob", password="bobs-old-word", phone="5", date_joined=joined, first_name="Боб"
    )
    gone = User.objects.create_user(
        "gone", password="gone-password", is_active=False, date_joined=joined
    )
    card = User(username="card", date_joined=joined)
    card.set_unusable_password()
    card.save()
    return [root, ada, bob, gone, card]


def wheel() -> bytes:
    return (FOLDER / "made.whl").read_bytes()


def main() -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    root, ada, bob, gone, card = people()
    course = Group.objects.create(name="Course", id=9)
    lab = Group.objects.create(name="Lab 1", parent=course, id=4)
    lab.teachers.add(ada)
    for user, role in ((bob, "student"), (gone, "student"), (card, "assistant")):
        Membership.objects.create(group=lab, user=user, role=role)
    Membership.objects.create(group=course, user=root, role="teacher")
    for day in (1, 2, 3):
        AttendanceLog.objects.create(
            user=bob,
            timestamp=datetime(2026, 3, day, 5, 30, 0, 250000, tzinfo=UTC),
            ip_address="10.0.0.7",
            user_agent="Firefox",
        )
    noted = AttendanceLog.objects.create(user=ada, timestamp=datetime(2026, 3, 2, 21, tzinfo=UTC))
    noted.file.save("note.txt", ContentFile(b"late, the tram"))
    slip = Attachment(user=bob, date=date(2026, 3, 2), filename="Справка.pdf")
    slip.file.save("slip.pdf", ContentFile(b"%PDF a slip"))
    lost = Attachment(user=bob, date=date(2026, 3, 3), filename="lost.pdf")
    lost.file.name = "attendance/lost.pdf"
    lost.save()
    sly = Attachment(user=bob, date=date(2026, 3, 3), filename="sly.txt")
    sly.file.name = "../old.db"
    sly.save()
    Schedule.objects.create(
        group=lab, title="Python", date=date(2026, 3, 2), start=time(8, 30), room="101"
    )
    Schedule.objects.create(group=lab, title="Reading", date=date(2026, 3, 3))
    Event.objects.create(group=course, name="Exam", date=datetime(2026, 6, 1, 7, tzinfo=UTC))
    Library(name="tool").file.save("demo_tool-1.0-py3-none-any.whl", ContentFile(wheel()))
    Library.objects.create(name="junk")
    Library(name="readme").file.save("readme.txt", ContentFile(b"hello"))
    Notice.objects.create(text="holiday")


main()

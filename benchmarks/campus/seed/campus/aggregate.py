"""One row per user and local day, folded from a fixed number of queries."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from .models import Attachment, AttendanceLog, Membership, User

NOON = time(12, 30)
COLUMNS = [
    "id",
    "username",
    "full_name",
    "group",
    "date",
    "morning_entry",
    "afternoon_entry",
    "files",
]
Row = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """A half-open range of local days."""

    first: date
    last: date

    def bounds(self) -> tuple[datetime, datetime]:
        """Its instants."""
        zone = timezone.get_current_timezone()
        return (
            datetime.combine(self.first, time(), zone),
            datetime.combine(self.last + timedelta(1), time(), zone),
        )


def fold(people: QuerySet[User], span: Span, link: Callable[[str], str]) -> list[Row]:
    """Rows of the people who have check-ins in the span, by day and user."""
    names = {row[0]: row for row in people.values_list("id", "username", "last_name", "first_name")}
    everyone = not people.query.where
    groups = group_names(people, everyone=everyone)
    files = file_links(people, span, link, everyone=everyone)
    rows = []
    for (day, user_id), parts in sorted(day_parts(people, span, everyone=everyone).items()):
        _, username, last, first = names[user_id]
        morning, afternoon = parts
        rows.append(
            {
                "id": user_id,
                "username": username,
                "full_name": f"{last} {first}",
                "group": groups.get(user_id, ""),
                "date": day.isoformat(),
                "morning_entry": morning and morning.isoformat("seconds"),
                "afternoon_entry": afternoon and afternoon.isoformat("seconds"),
                "files": files.get((user_id, day), []),
            }
        )
    return rows


def day_parts(
    people: QuerySet[User], span: Span, *, everyone: bool
) -> dict[tuple[date, int], list[time | None]]:
    """First entry before and from 12:30 of each user-day."""
    start, end = span.bounds()
    logs = AttendanceLog.objects.filter(timestamp__gte=start, timestamp__lt=end)
    if not everyone:
        logs = logs.filter(user_id__in=people.values("id"))
    zone = timezone.get_current_timezone()
    found: dict[tuple[date, int], list[time | None]] = defaultdict(lambda: [None, None])
    ordered = logs.order_by("timestamp").values_list("user_id", "timestamp")
    for user_id, stamp in ordered.iterator(chunk_size=5_000):
        local = stamp.astimezone(zone)
        moment = local.time()
        part = 0 if moment < NOON else 1
        entry = found[local.date(), user_id]
        if entry[part] is None:
            entry[part] = moment
    return found


def group_names(people: QuerySet[User], *, everyone: bool) -> dict[int, str]:
    """Names of each person's groups, joined."""
    seats = Membership.objects.order_by("group__name")
    if not everyone:
        seats = seats.filter(user_id__in=people.values("id"))
    found: dict[int, list[str]] = defaultdict(list)
    for user_id, name in seats.values_list("user_id", "group__name"):
        found[user_id].append(name)
    return {user_id: ", ".join(names) for user_id, names in found.items()}


def file_links(
    people: QuerySet[User], span: Span, link: Callable[[str], str], *, everyone: bool
) -> dict[tuple[int, date], list[str]]:
    """Addresses of the files of each user-day."""
    files = Attachment.objects.filter(date__range=(span.first, span.last)).order_by("id")
    if not everyone:
        files = files.filter(user_id__in=people.values("id"))
    found: dict[tuple[int, date], list[str]] = defaultdict(list)
    for key, user_id, day in files.values_list("id", "user_id", "date"):
        found[user_id, day].append(link(f"/attendance/files/{key}/"))
    return found


def workbook(rows: list[Row]) -> bytes:
    """The sheet, written as the seed wrote it."""
    import pandas as pd  # noqa: PLC0415  (40 MiB that only exporting workers need)

    frame = pd.DataFrame(
        [{**row, "files": ", ".join(row["files"])} for row in rows],
        columns=COLUMNS,
    )
    buffer = BytesIO()
    with pd.ExcelWriter(buffer, engine="xlsxwriter") as writer:
        frame.to_excel(writer, index=False, sheet_name="Attendance")
    return buffer.getvalue()

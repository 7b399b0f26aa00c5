"""The timetable over HTTP."""

from __future__ import annotations

from datetime import date

from campuscore.adapters.http.route import PAGING, Ask, Param, Route
from campuscore.domain.schedule import EntryChange, EntryQuery, NewEntry, ScheduleEntry

__all__ = ["ROUTES"]


def list_entries(ask: Ask) -> list[ScheduleEntry]:
    values = ask.values()
    page = ask.page(values)
    query = EntryQuery(group=values.get("group"), since=values.get("from"), until=values.get("to"))
    return ask.rows(ask.campus.schedule.list(ask.principal, query, page))


def create_entry(ask: Ask) -> ScheduleEntry:
    return ask.campus.schedule.create(ask.principal, ask.body(NewEntry))


def show_entry(ask: Ask, entry_id: int) -> ScheduleEntry:
    return ask.campus.schedule.get(ask.principal, entry_id)


def change_entry(ask: Ask, entry_id: int) -> ScheduleEntry:
    return ask.campus.schedule.update(ask.principal, entry_id, ask.body(EntryChange))


def remove_entry(ask: Ask, entry_id: int) -> None:
    ask.campus.schedule.remove(ask.principal, entry_id)


_ONE, _WRITE = "/schedule/{entry_id}/", "schedule.write"

ROUTES = (
    Route(
        method="GET",
        path="/schedule/",
        action="schedule.read",
        handler=list_entries,
        summary="List schedule entries by date.",
        answer=list[ScheduleEntry],
        params=(
            Param("group", int, "Only entries of this group."),
            Param("from", date, "The first local day."),
            Param("to", date, "The last local day."),
            *PAGING,
        ),
    ),
    Route(
        method="POST",
        path="/schedule/",
        action=_WRITE,
        handler=create_entry,
        summary="Put an entry on the timetable.",
        body=NewEntry,
        answer=ScheduleEntry,
        status=201,
    ),
    Route(
        method="GET",
        path=_ONE,
        action="schedule.read",
        handler=show_entry,
        summary="Show an entry.",
        answer=ScheduleEntry,
    ),
    *(
        Route(
            method=method,
            path=_ONE,
            action=_WRITE,
            handler=change_entry,
            summary="Change fields of an entry.",
            body=EntryChange,
            answer=ScheduleEntry,
        )
        for method in ("PATCH", "PUT")
    ),
    Route(
        method="DELETE",
        path=_ONE,
        action=_WRITE,
        handler=remove_entry,
        summary="Take an entry off the timetable.",
        status=204,
    ),
)

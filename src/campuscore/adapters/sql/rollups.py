"""The roll-up of days: facts folded in Python, merged in SQL by a monotone upsert."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import case, or_

from campuscore.adapters.sql.columns import micros
from campuscore.adapters.sql.dialects import upsert
from campuscore.adapters.sql.tables import day_rollups
from campuscore.domain.days import LocalMoment
from campuscore.ports.attendance import Fact

__all__ = ["UPSERT", "fold"]

_NEW = upsert(day_rollups)


def _earlier(part: str) -> Any:
    """Say that the incoming first check-in of a day part comes before the stored one."""
    mine, theirs = day_rollups.c[f"{part}_at"], _NEW.excluded[f"{part}_at"]
    return or_(mine.is_(None), theirs < mine) & theirs.is_not(None)


def _merge() -> dict[str, Any]:
    merged: dict[str, Any] = {"count": day_rollups.c.count + _NEW.excluded["count"]}
    last = _NEW.excluded.last_at
    merged["last_at"] = case((last > day_rollups.c.last_at, last), else_=day_rollups.c.last_at)
    for part in ("morning", "afternoon"):
        for name in (f"{part}_second", f"{part}_at"):
            merged[name] = case((_earlier(part), _NEW.excluded[name]), else_=day_rollups.c[name])
    return merged


UPSERT = _NEW.on_conflict_do_update(index_elements=["day", "user_id"], set_=_merge())


def fold(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Fold facts into one row a user-day, sorted so that concurrent writers lock in one order."""
    rows: dict[tuple[date, int], dict[str, Any]] = {}
    for fact in facts:
        at, local = micros(fact.at), fact.local
        row = rows.setdefault((local.day, fact.user), _empty(local.day, fact.user))
        row["count"] += 1
        row["last_at"] = max(row["last_at"], at)
        _note(row, "afternoon" if local.is_afternoon else "morning", at, local)
    return [rows[key] for key in sorted(rows)]


def _note(row: dict[str, Any], part: str, at: int, local: LocalMoment) -> None:
    first = row[f"{part}_at"]
    if first is None or at < first:
        row[f"{part}_at"] = at
        row[f"{part}_second"] = local.clock


def _empty(day: date, user: int) -> dict[str, Any]:
    return {
        "day": day,
        "user_id": user,
        "morning_at": None,
        "morning_second": None,
        "afternoon_at": None,
        "afternoon_second": None,
        "last_at": 0,
        "count": 0,
    }

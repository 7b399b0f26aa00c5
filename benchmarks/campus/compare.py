"""Checks that both peers answer the same amount of the same before they are timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .client import Site, Unexpected
from .data import Campus
from .rows import Row, Visit

__all__ = ["Body", "bodies_of", "differences"]

KEPT = ("username", "full_name", "date", "morning_entry", "afternoon_entry")
SAMPLE = 3
READING = ("cycle.lua", "")


@dataclass(frozen=True)
class Body:
    """What a peer answers to the first targets of a row."""

    rows: int
    content: tuple[tuple[Any, ...], ...]


def bodies_of(row: Row, site: Site, campus: Campus) -> Body | None:
    """Ask for the first targets of a reading row; None for a row that writes."""
    if row.script not in READING:
        return None
    lines = [line.split("\t") for line in row.targets(Visit(site, campus, 1))[:SAMPLE]]
    paths = [fields[1] for fields in lines if fields[0] == "GET"]
    if not paths:
        return None
    answers = [site.call("GET", path) for path in paths]
    bad = [answer for answer in answers if answer.status != 200]
    if bad:
        raise Unexpected(f"{row.key}: {bad[0].status} {bad[0].body[:300]!r}")
    objects = [item for answer in answers for item in answer.json()]
    days = [item for item in objects if "morning_entry" in item]
    return Body(
        rows=len(objects),
        content=tuple(sorted((tuple(item[key] for key in KEPT) for item in days), key=repr)),
    )


def differences(title: str, bodies: Mapping[str, Body | None]) -> list[str]:
    """Sentences about what the peers answer differently."""
    known = {name: body for name, body in bodies.items() if body is not None}
    if len(known) < 2:
        return []
    first, second = list(known.values())[:2]
    names = " and ".join(known)
    if first.rows != second.rows:
        return [f"{title}: {names} answer {first.rows} and {second.rows} rows."]
    unlike = len(set(first.content) ^ set(second.content))
    return [f"{title}: {unlike} rows differ between {names}."] if unlike else []

"""Checks that the fields of many entities share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import TypeVar, cast

from campuscore.errors import Invalid, Problem

__all__ = ["check_all", "check_kind", "check_span", "check_text", "member_of"]

E = TypeVar("E", bound=StrEnum)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HALF = re.compile("[\ud800-\udfff]")


def check_all(*checks: Callable[[], None]) -> None:
    """Run checks that raise Invalid, and raise the problems of all of them together."""
    problems: list[Problem] = []
    for check in checks:
        try:
            check()
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(*problems)


def check_kind(value: object, kind: type, path: str) -> None:
    """Raise Invalid where a program gives something of another type than was asked for."""
    if not isinstance(value, kind):
        raise Invalid.at(path, f"must be {kind.__name__}, not {type(value).__name__}")


def check_span(first: date | None, last: date | None, path: str) -> None:
    """Raise Invalid, with the path of the last day, where it lies before the first one."""
    if first is not None and last is not None and last < first:
        raise Invalid.at(path, f"{last} lies before the first day, {first}")


def check_text(path: str, value: str, longest: int) -> list[Problem]:
    """Return what is wrong with a text of one line, at most one problem."""
    if len(value) > longest:
        return [Problem(path, f"is longer than {longest} characters")]
    if _CONTROL.search(value):
        return [Problem(path, "contains a control character")]
    if _HALF.search(value):
        return [Problem(path, "contains half of a surrogate pair")]
    return []


def member_of(kind: type[E], value: object, path: str) -> E:
    """Return the member that a word names, or raise Invalid.

    >>> from campuscore.domain.users import Role
    >>> member_of(Role, "teacher", "/role")
    <Role.TEACHER: 'teacher'>
    """
    try:
        return kind(cast("str", value))
    except ValueError:
        raise Invalid.at(path, f"must be one of {', '.join(kind)}") from None

"""The mark of a value that was not given, where None means something."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeVar

__all__ = ["UNSET", "Unset", "given"]

T = TypeVar("T")


class Unset(Enum):
    """The type of UNSET."""

    UNSET = "unset"


UNSET: Final[Literal[Unset.UNSET]] = Unset.UNSET
"""Not given: the field stays as it is."""


def given(value: T | Unset, otherwise: T) -> T:
    """Return the value, or the other one where none was given."""
    return otherwise if isinstance(value, Unset) else value

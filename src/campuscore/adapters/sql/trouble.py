"""What databases refuse, in the words of the feature that asked for it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from campuscore.errors import CampusError, Conflict, Invalid, Problem, Unavailable
from campuscore.ports.work import CLOSED

__all__ = ["Refused", "closed", "translated", "unstorable"]


class Refused(Conflict):
    """A change that contradicts what is stored: a broken reference, else a key that is taken."""

    def __init__(self, detail: str, *, missing: bool) -> None:
        super().__init__(detail)
        self.missing = missing


@contextmanager
def translated(
    missing: CampusError | None = None, taken: CampusError | None = None
) -> Generator[None]:
    """Say for the block what a broken reference or a taken key means."""
    try:
        yield
    except Refused as error:
        if error.missing:
            raise missing or Conflict("something that this refers to is not there") from error
        raise taken or Conflict("this contradicts what is stored") from error


def closed() -> Unavailable:
    """Return the refusal of a store that was closed."""
    return Unavailable("this campus is closed", code=CLOSED)


def unstorable(why: object) -> Invalid:
    """Return the refusal of a value that the database cannot hold."""
    return Invalid(Problem("", f"a value cannot be stored: {why}"))

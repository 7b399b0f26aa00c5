"""What can go wrong, as one tree that knows nothing of HTTP or exit codes.

CampusError
├── Unauthenticated    nobody, or a token that no longer counts
├── Forbidden          this principal may never do this kind of action
├── NotFound           no such thing, or none within the principal's rights
├── Conflict           the change contradicts what is stored
├── Invalid            values that break a rule, with the path of each
├── TooLarge           more bytes or rows than a limit allows
├── TooMany            asked too often; retry_after says when to come back
├── Busy               overloaded for the moment; retry_after says when to come back
├── Unavailable        a part (database, file store, optional library) cannot be reached
└── Misconfigured      a setting is missing, unsafe or contradicts another

Adapters translate the errors of their vendors into these at the port; front ends translate these
into status or exit codes, in one table each.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

__all__ = [
    "Busy",
    "CampusError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "Misconfigured",
    "NotFound",
    "Problem",
    "TooLarge",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
]


@frozen
class Problem:
    """One broken rule: the JSON Pointer (RFC 6901) of the value, and what is wrong with it."""

    path: str
    detail: str


class CampusError(Exception):
    """Any refusal by campuscore.

    Parameters
    ----------
    detail
        One sentence for people.
    code
        A stable word for programs, such as ``not_found``; each class has a default.
    """

    default_code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, code: str = "") -> None:
        super().__init__(detail)
        self.noted = False  # whether the audit knows of it already
        self.detail = detail
        self.code: str = code or self.default_code


class Unauthenticated(CampusError):
    """The caller gave no credentials, or credentials that do not count."""

    default_code = "unauthenticated"


class Forbidden(CampusError):
    """The caller is known, and may not do this kind of action."""

    default_code = "forbidden"


class NotFound(CampusError):
    """There is no such thing, or none within the caller's rights."""

    default_code = "not_found"


class Conflict(CampusError):
    """The change contradicts what is stored, such as a name that is taken."""

    default_code = "conflict"


class Invalid(CampusError):
    """Values break a rule.

    Parameters
    ----------
    problems
        Each broken rule with its path; at least one.
    """

    default_code = "invalid"

    def __init__(self, *problems: Problem, detail: str = "", code: str = "") -> None:
        words = detail or "; ".join(f"{p.path or 'body'}: {p.detail}" for p in problems[:3])
        super().__init__(words, code=code)
        self.problems = problems

    @classmethod
    def at(cls, path: str, detail: str) -> Invalid:
        """Make the error of one field."""
        return cls(Problem(path, detail))


class TooLarge(CampusError):
    """More bytes or rows than a limit allows."""

    default_code = "too_large"


class _Later(CampusError):
    """A refusal that says when to come back."""

    def __init__(self, detail: str, *, retry_after: int = 1, code: str = "") -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class TooMany(_Later):
    """Asked too often; ``retry_after`` is in seconds."""

    default_code = "too_many"


class Busy(_Later):
    """Overloaded for the moment; ``retry_after`` is in seconds."""

    default_code = "busy"


class Unavailable(CampusError):
    """A part that is needed cannot be reached or is not installed."""

    default_code = "unavailable"


class Misconfigured(CampusError):
    """A setting is missing, unsafe, or contradicts another."""

    default_code = "misconfigured"

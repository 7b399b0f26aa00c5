"""What obstore raises, said in our words."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from campuscore.errors import NotFound, Unavailable

__all__ = ["bucket_is_missing", "not_found", "reachable"]

_CODE = re.compile(r"<Code>(\w{1,60})</Code>")


@contextmanager
def reachable(what: str = "The object store") -> Generator[None]:
    """Turn what obstore or the disk raises into Unavailable.

    The sentence reaches clients, and must not tell them addresses and names of the store: those are
    in the cause.
    """
    try:
        yield
    except (BaseError, OSError) as error:
        message = f"{what} cannot be used: {_reason(error)}."
        raise Unavailable(message, code="files_unavailable") from error


def bucket_is_missing(error: FileNotFoundError) -> bool:
    """Tell a missing bucket from a missing object, which obstore does not.

    Answers to HEAD have no body, so that there nobody can.
    """
    return "<Code>NoSuchBucket</Code>" in str(error)


def not_found() -> NotFound:
    return NotFound("There is no such file.", code="blob_not_found")


def _reason(error: Exception) -> str:
    code = _CODE.search(str(error))
    if code:
        return code[1]
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return "AccessDenied"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "no usable answer"

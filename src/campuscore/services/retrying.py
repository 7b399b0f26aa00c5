"""Use cases that are done again when others were faster."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from campuscore.errors import Busy
from campuscore.ports.work import TRY_AGAIN

__all__ = ["MOST", "retrying"]

P = ParamSpec("P")
R = TypeVar("R")

MOST = 12
"""How often a use case is tried."""

_FIRST, _LONGEST = 0.001, 0.1


def retrying(method: Callable[P, R]) -> Callable[P, R]:
    """Run a method again, up to twelve times in all, while its Work says that others were faster.

    It goes on every method that opens a write Work, and the whole method is done again, so that
    what it read before it wrote is read anew. What must happen once, such as to consume an
    iterator, to call somebody else or to hash a password, belongs into its caller.
    """

    @wraps(method)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for tried in range(MOST - 1):
            try:
                return method(*args, **kwargs)
            except Busy as error:
                if error.code != TRY_AGAIN:
                    raise
            longest = min(_LONGEST, _FIRST * 2**tried)
            time.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret
        return method(*args, **kwargs)

    return again

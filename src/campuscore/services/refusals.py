"""Refusals on their way into the audit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from attrs import define, evolve, field

from campuscore.domain.audit import AuditEntry, Outcome
from campuscore.domain.auth import Principal
from campuscore.errors import CampusError
from campuscore.ports.work import WorkFactory
from campuscore.services.retrying import retrying

__all__ = ["Refusals"]

_LOG = logging.getLogger(__name__)
_MOST: Final = 1000
_PAUSE: Final = 0.05
"""Seconds from one flush to the next: what is refused meanwhile is flushed together."""

_MANY: Final = AuditEntry(user=-1, action="many", target="", outcome=Outcome.REFUSED)
"""Stands for refusals that are more than are kept apart until they are written."""


@define(eq=False)
class Refusals:
    """Notes refusals, and writes them down in a unit of work of their own.

    A refusal takes its own unit of work with it, so it is noted first and written after it. When
    they come fast, those that are alike become one record with a count: whoever is refused a
    thousand times a second does not make the campus write as often.
    """

    store: WorkFactory
    clock: Callable[[], float] = time.monotonic
    _noted: dict[AuditEntry, tuple[AuditEntry, int]] = field(
        init=False, factory=dict[AuditEntry, tuple[AuditEntry, int]]
    )
    _lock: threading.Lock = field(init=False, factory=threading.Lock)
    _writing: threading.Lock = field(init=False, factory=threading.Lock)
    _timer: threading.Timer | None = field(init=False, default=None)
    _last: float = field(init=False, default=0.0)

    def note(self, principal: Principal, action: str, target: str, error: CampusError) -> None:
        """Note that a principal was refused; the same error is noted once."""
        if error.noted:
            return
        error.noted = True
        entry = AuditEntry.by(principal, action, target)
        entry = evolve(entry, outcome=Outcome.REFUSED, code=error.code)
        alike = evolve(entry, request_id=None)
        with self._lock:
            if alike not in self._noted and len(self._noted) >= _MOST:
                alike = entry = evolve(_MANY, code=error.code)
            first, count = self._noted.get(alike, (entry, 0))
            self._noted[alike] = (first if count == 0 else alike, count + 1)

    def settle(self) -> None:
        """Write down what was noted, now or in a moment."""
        with self._lock:
            if not self._noted or self._timer is not None:
                return
            wait = self._last + _PAUSE - self.clock()
            if wait > 0:
                self._timer = threading.Timer(wait, self._flush_later)
                self._timer.daemon = True
                self._timer.start()
                return
        self._flush_safely()

    def flush(self) -> None:
        """Write down all that was noted.

        Raises
        ------
        CampusError
            It cannot be stored; it stays noted.
        """
        with self._writing:
            with self._lock:
                noted, self._noted = self._noted, {}
                self._last = self.clock()
            if not noted:
                return
            try:
                self._write([evolve(entry, count=count) for entry, count in noted.values()])
            except CampusError:
                with self._lock:
                    self._noted = {**noted, **self._noted}
                raise

    @retrying
    def _write(self, entries: list[AuditEntry]) -> None:
        with self.store.write() as work:
            for entry in entries:
                work.note(entry)
            work.commit()

    def _flush_later(self) -> None:
        with self._lock:
            self._timer = None
        self._flush_safely()

    def _flush_safely(self) -> None:
        try:
            self.flush()
        except CampusError as error:
            _LOG.warning("refusals cannot be recorded yet: %s", error)

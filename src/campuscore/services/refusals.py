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
from campuscore.ports.work import CLOSED, WorkFactory
from campuscore.services.retrying import retrying

__all__ = ["Refusals"]

_LOG = logging.getLogger(__name__)
_RATE: Final = 20
"""How many refusals a second have a record each; those beyond are folded."""

_MOST: Final = 500
"""How many are kept until they can be written, of each kind."""

_SOON: Final = 1.0
"""Seconds until what nobody has written down by then is written down."""

_MANY: Final = AuditEntry(user=-1, action="many", target="", outcome=Outcome.REFUSED)
"""Stands for refusals of more kinds than are kept apart until they are written."""


@define(eq=False)
class Refusals:
    """Notes refusals, and writes them down in a unit of work of their own.

    A refusal takes its own unit of work with it, so it is noted first and written after it. Twenty
    a second (of this process) have a record each. When they come faster, those of the same caller,
    address, action and code become one record a second with a count: whoever is refused a thousand
    times a second does not make the campus write as often.
    """

    store: WorkFactory
    clock: Callable[[], float] = time.monotonic
    _alone: list[AuditEntry] = field(init=False, factory=list[AuditEntry])
    _folded: dict[AuditEntry, int] = field(init=False, factory=dict[AuditEntry, int])
    _allowance: float = field(init=False, default=_RATE)
    _counted: float = field(init=False, default=0.0)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)
    _writing: threading.Lock = field(init=False, factory=threading.Lock)
    _timer: threading.Timer | None = field(init=False, default=None)
    _closed: bool = field(init=False, default=False)

    def note(self, principal: Principal, action: str, target: str, error: CampusError) -> None:
        """Note that a principal was refused; the same error is noted once."""
        if error.noted:
            return
        error.noted = True
        entry = AuditEntry.by(principal, action, target).refused(error.code)
        with self._lock:
            if self._may_stand_alone():
                self._alone.append(entry)
            else:
                self._fold(entry.alike(), 1)
            self._wind()

    def settle(self) -> None:
        """Write down what has a record of its own; what is folded follows within a second."""
        if self._alone:
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
                alone, self._alone = self._alone, []
                folded, self._folded = self._folded, {}
            if not alone and not folded:
                return
            try:
                counted = [evolve(entry, count=count) for entry, count in folded.items()]
                self._write([*alone, *counted])
            except BaseException as error:
                with self._lock:
                    self._keep(alone, folded)
                    if getattr(error, "code", "") != CLOSED:
                        self._wind()
                raise

    def close(self) -> None:
        """Write down what is left; from now on nothing is written unasked."""
        with self._lock:
            self._closed = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._flush_safely()

    @retrying
    def _write(self, entries: list[AuditEntry]) -> None:
        with self.store.write() as work:
            for entry in entries:
                work.note(entry)
            work.commit()

    def _may_stand_alone(self) -> bool:
        now = self.clock()
        self._allowance = min(_RATE, self._allowance + (now - self._counted) * _RATE)
        self._counted = now
        if self._allowance < 1 or len(self._alone) >= _MOST:
            return False
        self._allowance -= 1
        return True

    def _fold(self, alike: AuditEntry, count: int) -> None:
        if alike not in self._folded and len(self._folded) >= _MOST:
            alike = evolve(_MANY, code=alike.code)
        self._folded[alike] = self._folded.get(alike, 0) + count

    def _keep(self, alone: list[AuditEntry], folded: dict[AuditEntry, int]) -> None:
        """Keep what could not be written, and no more of it than before."""
        later, self._alone = self._alone, alone
        for entry in later:
            if len(self._alone) < _MOST:
                self._alone.append(entry)
            else:
                self._fold(entry.alike(), 1)
        for alike, count in folded.items():
            self._fold(alike, count)

    def _wind(self) -> None:
        """Have it written down soon, whoever forgets to."""
        if self._timer is None and not self._closed:
            self._timer = threading.Timer(_SOON, self._flush_soon)
            self._timer.daemon = True
            self._timer.start()

    def _flush_soon(self) -> None:
        with self._lock:
            self._timer = None
        self._flush_safely()

    def _flush_safely(self) -> None:
        try:
            self.flush()
        except CampusError as error:
            _LOG.warning("refusals cannot be recorded yet: %s", error)

"""The opening of sessions, and the check-in that a login is."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, frozen

from campuscore.domain.attendance import CheckInMethod, login_retry
from campuscore.domain.auth import Lifetimes, Origin
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.rotation import RefreshToken
from campuscore.errors import CampusError
from campuscore.ports.attendance import Fact
from campuscore.ports.auth import NewSession
from campuscore.ports.work import Work
from campuscore.services.auth.refreshing import Exchanged
from campuscore.services.auth.rules import wrong_credentials

__all__ = ["Opening"]


@frozen
class Opening:
    """Lets a user in whose password was right."""

    days: Days
    lifetimes: Lifetimes

    def open(self, work: Work, user_id: int, now: datetime, origin: Origin) -> Exchanged:
        """Open a session, unless the user was shut out since their password was checked."""
        first = RefreshToken.new(0)
        session_id = work.sessions.open(
            NewSession(
                user_id,
                first.family_hash,
                first.secret_hash,
                now,
                now + self.lifetimes.session,
                origin.ip_address,
                origin.user_agent,
            )
        )
        state = work.sessions.state(session_id)
        if state is None or not state.counts(now):
            raise wrong_credentials()
        return Exchanged(state, evolve(first, session_id=session_id))

    def check_in(self, work: Work, user_id: int, now: datetime, origin: Origin) -> None:
        """Record the login as a check-in; where that fails, the outbox does it later."""
        local = self.days.local(now)
        fact = Fact(user_id, now, local, CheckInMethod.LOGIN, origin.ip_address, origin.user_agent)
        try:
            with work.savepoint():
                ids = work.check_ins.add([fact])
                payload: dict[str, JSON] = {"first": ids[0], "last": ids[0], "count": 1}
                work.emit(NewMessage("checkin.recorded", str(user_id), payload))
        except CampusError:
            work.emit(login_retry(user_id, now, origin))

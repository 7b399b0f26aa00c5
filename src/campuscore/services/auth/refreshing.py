"""The exchange of refresh tokens."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, frozen

from campuscore.domain.auth import ANONYMOUS, Lifetimes, Origin, SessionEnd, SessionState
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.rotation import Family, RefreshToken, Standing, judge
from campuscore.errors import Busy
from campuscore.ports.auth import Rotation
from campuscore.ports.work import TRY_AGAIN, Work, WorkFactory
from campuscore.services.auth.rules import refused_refresh
from campuscore.services.retrying import retrying

__all__ = ["Exchanged", "Refreshing"]


@frozen
class Exchanged:
    """A session that goes on, with the refresh token to use next."""

    state: SessionState
    token: RefreshToken


@frozen
class Refreshing:
    """Gives the next refresh token for the present one, and ends what was stolen."""

    store: WorkFactory
    days: Days
    lifetimes: Lifetimes

    @retrying
    def exchange(self, token: RefreshToken, origin: Origin) -> Exchanged:
        """Exchange a token, or raise Unauthenticated; a replayed one ends its session."""
        agent = origin.user_agent
        with self.store.write(evolve(ANONYMOUS, origin=origin)) as work:
            now = self.days.now()
            family = work.sessions.family(token.session_id)
            standing = judge(family, token, agent, now, self.lifetimes)
            if family is None or standing is Standing.REFUSED:
                raise refused_refresh()
            if standing is Standing.REPEATED and family.successor is not None:
                return Exchanged(family.state, token.unseal(family.successor))
            if standing is Standing.CURRENT:
                successor = _rotate(work, family, token, agent, now)
                work.commit()
                return Exchanged(family.state, successor)
            _end(work, family, token, now)
            work.commit()
        raise refused_refresh()


def _rotate(
    work: Work, family: Family, token: RefreshToken, agent: str | None, now: datetime
) -> RefreshToken:
    successor = token.next()
    rotation = Rotation(successor.secret_hash, token.seal(successor), now, agent)
    if not work.sessions.rotate(token.session_id, family.secret_hash, rotation):
        raise Busy("another refresh was faster", code=TRY_AGAIN)
    return successor


def _end(work: Work, family: Family, token: RefreshToken, now: datetime) -> None:
    user = family.state.user_id
    payload: dict[str, JSON] = {"session": token.session_id, "generation": family.generation}
    work.sessions.end(token.session_id, user, now, SessionEnd.REPLAY)
    work.emit(NewMessage("session.replayed", str(user), payload))

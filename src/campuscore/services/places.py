"""Terms and rooms: the frame of the timetable."""

from __future__ import annotations

from attrs import frozen

from campuscore.domain.auth import Principal
from campuscore.domain.events import NewMessage, changed_fields
from campuscore.domain.schedule import NewRoom, NewTerm, Room, Term
from campuscore.errors import NotFound
from campuscore.ports.work import WorkFactory
from campuscore.services.policy import Policy
from campuscore.services.retrying import retrying

__all__ = ["RoomService", "TermService"]


@frozen
class TermService:
    """Named spans of local dates."""

    store: WorkFactory
    policy: Policy

    def list(self, principal: Principal) -> list[Term]:
        """List all terms by first day."""
        self.policy.scope(principal, "terms.read")
        with self.store.read() as work:
            return work.terms.list()

    def get(self, principal: Principal, term_id: int) -> Term:
        """Return one term, or raise NotFound."""
        self.policy.scope(principal, "terms.read")
        with self.store.read() as work:
            term = work.terms.find(term_id)
        if term is None:
            raise _no_term(term_id)
        return term

    @retrying
    def create(self, principal: Principal, new: NewTerm) -> Term:
        """Create a term; Conflict where the name is taken, Invalid where a field breaks a rule."""
        self.policy.scope(principal, "terms.write")
        new.check()
        with self.store.write(principal) as work:
            term = work.terms.add(new)
            work.emit(NewMessage("term.created", f"term:{term.id}"))
            work.commit()
        return term

    @retrying
    def replace(self, principal: Principal, term_id: int, new: NewTerm) -> Term:
        """Give a term these fields; raises as ``create``, and NotFound."""
        self.policy.scope(principal, "terms.write")
        new.check()
        term = Term(term_id, new.name, new.first_day, new.last_day, new.code)
        with self.store.write(principal) as work:
            before = work.terms.find(term_id)
            if before is None:
                raise _no_term(term_id)
            work.terms.save(term)
            payload = {"fields": changed_fields(before, term)}
            work.emit(NewMessage("term.updated", f"term:{term_id}", payload))
            work.commit()
        return term

    @retrying
    def remove(self, principal: Principal, term_id: int) -> None:
        """Remove a term that no group refers to (else Conflict), or raise NotFound."""
        self.policy.scope(principal, "terms.write")
        with self.store.write(principal) as work:
            if work.terms.find(term_id) is None:
                raise _no_term(term_id)
            work.terms.remove(term_id)
            work.emit(NewMessage("term.removed", f"term:{term_id}"))
            work.commit()


@frozen
class RoomService:
    """Bookable places."""

    store: WorkFactory
    policy: Policy

    def list(self, principal: Principal) -> list[Room]:
        """List all rooms by name."""
        self.policy.scope(principal, "rooms.read")
        with self.store.read() as work:
            return work.rooms.list()

    def get(self, principal: Principal, room_id: int) -> Room:
        """Return one room, or raise NotFound."""
        self.policy.scope(principal, "rooms.read")
        with self.store.read() as work:
            room = work.rooms.find(room_id)
        if room is None:
            raise _no_room(room_id)
        return room

    @retrying
    def create(self, principal: Principal, new: NewRoom) -> Room:
        """Create a room; Conflict where the name is taken, Invalid where a field breaks a rule."""
        self.policy.scope(principal, "rooms.write")
        new.check()
        with self.store.write(principal) as work:
            room = work.rooms.add(new)
            work.emit(NewMessage("room.created", f"room:{room.id}"))
            work.commit()
        return room

    @retrying
    def replace(self, principal: Principal, room_id: int, new: NewRoom) -> Room:
        """Give a room these fields; raises as ``create``, and NotFound."""
        self.policy.scope(principal, "rooms.write")
        new.check()
        room = Room(room_id, new.name, new.capacity)
        with self.store.write(principal) as work:
            before = work.rooms.find(room_id)
            if before is None:
                raise _no_room(room_id)
            work.rooms.save(room)
            payload = {"fields": changed_fields(before, room)}
            work.emit(NewMessage("room.updated", f"room:{room_id}", payload))
            work.commit()
        return room

    @retrying
    def remove(self, principal: Principal, room_id: int) -> None:
        """Remove a room that no schedule entry refers to (else Conflict), or raise NotFound."""
        self.policy.scope(principal, "rooms.write")
        with self.store.write(principal) as work:
            if work.rooms.find(room_id) is None:
                raise _no_room(room_id)
            work.rooms.remove(room_id)
            work.emit(NewMessage("room.removed", f"room:{room_id}"))
            work.commit()


def _no_term(term_id: int) -> NotFound:
    return NotFound(f"there is no term {term_id}", code="term_not_found")


def _no_room(room_id: int) -> NotFound:
    return NotFound(f"there is no room {room_id}", code="room_not_found")

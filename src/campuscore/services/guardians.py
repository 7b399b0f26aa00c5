"""Guardians: who sees the days of a student for whom they care."""

from __future__ import annotations

from attrs import frozen

from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.users import UserName
from campuscore.errors import Invalid
from campuscore.ports.work import WorkFactory
from campuscore.services.policy import PersonTarget, Policy
from campuscore.services.retrying import retrying

__all__ = ["GuardianService"]


@frozen
class GuardianService:
    """Links users to those whose guardian they are.

    A guardian reads the attendance and the timetable of a ward, and attaches files to their days,
    such as an excuse. The link gives that right, whatever the guardian's campus role.
    """

    store: WorkFactory
    policy: Policy
    days: Days

    def of(self, principal: Principal, student_id: int) -> list[UserName]:
        """List the guardians of a user, by id; needs ``users.details`` of the user.

        Raises
        ------
        Forbidden, NotFound
            The principal may not, or there is no such user within their rights.
        """
        with self.store.read() as work:
            self.policy.require(work, principal, "users.details", PersonTarget(student_id))
            return work.guardians.of(student_id)

    def wards(self, principal: Principal, guardian_id: int) -> list[UserName]:
        """List those whose guardian a user is, by id; as ``of``."""
        with self.store.read() as work:
            self.policy.require(work, principal, "users.details", PersonTarget(guardian_id))
            return work.guardians.wards(guardian_id)

    @retrying
    def link(self, principal: Principal, student_id: int, guardian_id: int) -> None:
        """Make a user the guardian of a student; twice is the same as once.

        Raises
        ------
        Forbidden, NotFound
            The principal may not (``users.write``), or there is no such user.
        Invalid
            Nobody is their own guardian.
        """
        with self.store.write(principal) as work:
            for user in (student_id, guardian_id):
                self.policy.require(work, principal, "users.write", PersonTarget(user))
            if student_id == guardian_id:
                raise Invalid.at("/guardian_id", "nobody is their own guardian")
            if work.guardians.add(guardian_id, student_id, self.days.now()):
                work.emit(_message("guardian.linked", student_id, guardian_id))
                work.commit()

    @retrying
    def unlink(self, principal: Principal, student_id: int, guardian_id: int) -> None:
        """Undo that, which counts in the next request; not being a guardian is no error."""
        with self.store.write(principal) as work:
            self.policy.require(work, principal, "users.write", PersonTarget(student_id))
            if work.guardians.remove(guardian_id, student_id):
                work.emit(_message("guardian.unlinked", student_id, guardian_id))
                work.commit()


def _message(topic: str, student: int, guardian: int) -> NewMessage:
    payload: dict[str, JSON] = {"guardian": guardian}
    return NewMessage(topic, str(student), payload)

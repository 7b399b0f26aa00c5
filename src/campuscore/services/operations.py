"""Operations: migrations, health, backups, the outbox and its one leased runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from attrs import field, frozen

from campuscore.domain.auth import Principal
from campuscore.domain.checks import member_of
from campuscore.domain.days import Days
from campuscore.domain.events import MAX_ATTEMPTS, Message, MessageState, NewMessage, back_off
from campuscore.domain.operations import Finding, Manifest
from campuscore.errors import CampusError, NotFound, Unavailable
from campuscore.ports.files import BlobStore
from campuscore.ports.operations import Backups, SchemaStatus, StoreKeeper
from campuscore.ports.work import WorkFactory
from campuscore.services.examination import Examination
from campuscore.services.intake import Intake
from campuscore.services.policy import Policy
from campuscore.services.retrying import retrying

__all__ = ["OperationsService", "Subscriber"]

Subscriber = Callable[[Message], None]
"""Called with each message of a topic, at least once; a CampusError or OSError means try again."""

_LEASE = timedelta(seconds=30)
_BATCH = 500
_KEEP = timedelta(days=7)


@frozen
class OperationsService:
    """What keeps a campus running."""

    store: WorkFactory
    policy: Policy
    days: Days
    keeper: StoreKeeper
    blobs: BlobStore
    intake: Intake
    examination: Examination
    backups: Backups | None = None
    subscribers: dict[str, list[Subscriber]] = field(factory=dict[str, list[Subscriber]])

    def status(self, principal: Principal) -> SchemaStatus:
        """Return the schema's revision and the one that this release needs."""
        self.policy.scope(principal, "operations.read")
        return self.keeper.status()

    def upgrade(self, principal: Principal) -> SchemaStatus:
        """Apply the missing migrations."""
        self.policy.scope(principal, "operations.write")
        return self.keeper.upgrade()

    def examine(self, principal: Principal, *, deep: bool = False) -> list[Finding]:
        """Look for what is wrong with the campus, its files and the machine; nothing is changed.

        Parameters
        ----------
        principal
            Who acts; needs ``operations.read``.
        deep
            Read every file and every page of the database, however long that takes.

        Example
        -------
        >>> from campuscore import open_campus
        >>> with open_campus("memory://") as campus:
        ...     found = campus.operations.examine(campus.operator)
        >>> [finding.detail for finding in found if finding.check == "administrator"]
        ['there is no active administrator']
        """
        self.policy.scope(principal, "operations.read")
        return self.examination.run(deep=deep)

    def back_up(self, principal: Principal, target: Path, *, replace: bool = False) -> Manifest:
        """Write database, files and secret into one archive, while the campus is in use.

        Parameters
        ----------
        principal
            Who acts; needs ``operations.write``.
        target
            A tar archive; compressed when its name ends with ``.gz`` or ``.tgz``.
        replace
            Put it in place of a file that is there.

        Raises
        ------
        Conflict
            There is such a file.
        Unavailable
            The store has no such backups, a file is missing or damaged, or the disk is full.
        """
        self.policy.scope(principal, "operations.write")
        if self.backups is None:
            raise Unavailable("this campus has no backups", code="backup_unsupported")
        return self.backups.write(self.keeper, self.blobs, target, replace=replace)

    def ready(self) -> None:
        """Return when requests can be served, or raise Unavailable saying what is missing."""
        self.keeper.ping()
        status = self.keeper.status()
        if not status.up_to_date:
            text = f"the database is at revision {status.current}, needs {status.head}"
            raise Unavailable(text, code="migration_missing")

    def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        """Have a function called with each message of a topic (``*`` for all), after its commit.

        Example
        -------
        >>> from campuscore import open_campus
        >>> from campuscore.domain.users import NewUser
        >>> seen = []
        >>> with open_campus("memory://") as campus:
        ...     campus.operations.subscribe("user.created", lambda m: seen.append(m.payload))
        ...     _ = campus.users.create(campus.operator, NewUser(username="alice"))
        ...     _ = campus.operations.run_due("docs")
        >>> seen
        [{'username': 'alice', 'role': 'student'}]
        """
        self.subscribers.setdefault(topic, []).append(subscriber)

    def run_due(self, owner: str) -> int:
        """Deliver the messages that are due, if nobody else is at it; return how many were taken.

        Parameters
        ----------
        owner
            Names this runner. One runner at a time holds the lease, for 30 seconds at a time.
        """
        now = self.days.now()
        with self.store.read() as work:
            if not work.outbox.has_due(now):
                return 0
        messages = self._take(owner)
        if messages:
            self._settle(*self._deliver(messages))
        return len(messages)

    @retrying
    def forget_delivered(self) -> int:
        """Remove messages that were delivered more than seven days ago; return how many."""
        with self.store.write() as work:
            count = work.outbox.forget(self.days.now() - _KEEP)
            work.commit()
        return count

    def tidy(self) -> int:
        """Remove what writers that died left half done, and bytes that no record names.

        Returns
        -------
        int
            How much was looked after; nothing that is in use is touched.
        """
        return self.blobs.tidy() + self.intake.clear()

    def events(
        self,
        principal: Principal,
        *,
        state: MessageState | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Message]:
        """List stored messages with ids above ``after``, by id."""
        self.policy.scope(principal, "operations.read")
        state = None if state is None else member_of(MessageState, state, "/state")
        with self.store.read() as work:
            return work.outbox.list(state, after, limit)

    def outbox_counts(self, principal: Principal) -> dict[MessageState, int]:
        """Return how many messages are pending, done and dead."""
        self.policy.scope(principal, "operations.read")
        with self.store.read() as work:
            return work.outbox.counts()

    @retrying
    def retry(self, principal: Principal, message_id: int) -> None:
        """Make a dead letter due again, or raise NotFound."""
        self.policy.scope(principal, "operations.write")
        with self.store.write(principal) as work:
            if not work.outbox.revive(message_id, self.days.now()):
                raise NotFound(f"there is no dead letter {message_id}", code="message_not_found")
            work.emit(NewMessage("message.revived", f"message:{message_id}"))
            work.commit()

    @retrying
    def _take(self, owner: str) -> Sequence[Message]:
        now = self.days.now()
        with self.store.write() as work:
            messages = work.outbox.take(owner, now, now + _LEASE, _BATCH)
            work.commit()
        return messages

    @retrying
    def _settle(self, done: Sequence[int], failures: Sequence[tuple[Message, str]]) -> None:
        with self.store.write() as work:
            work.outbox.done(done)
            for message, error in failures:
                attempts = message.attempts + 1
                due = None if attempts >= MAX_ATTEMPTS else self.days.now() + back_off(attempts)
                work.outbox.failed(message, error, due)
            work.commit()

    def _deliver(self, messages: Sequence[Message]) -> tuple[list[int], list[tuple[Message, str]]]:
        """Deliver in order; what follows a failure of the same key waits for the retry."""
        done: list[int] = []
        failures: dict[str, tuple[Message, str]] = {}
        for message in messages:
            if message.key in failures:
                continue
            error = _call(self.subscribers, message)
            if error:
                failures[message.key] = (message, error)
            else:
                done.append(message.id)
        return done, list(failures.values())


def _call(subscribers: Mapping[str, list[Subscriber]], message: Message) -> str:
    """Call everyone who subscribed, and return what went wrong, or nothing."""
    for subscriber in [*subscribers.get(message.topic, ()), *subscribers.get("*", ())]:
        try:
            subscriber(message)
        except (CampusError, OSError, ValueError, LookupError) as error:
            return f"{type(error).__name__}: {error}"[:500]
    return ""

"""The service of transfers."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from datetime import datetime
from functools import partial
from typing import Protocol

from attrs import frozen

from campuscore.domain.access import Scope
from campuscore.domain.attendance import NewAttachment
from campuscore.domain.auth import Principal
from campuscore.domain.days import Days
from campuscore.domain.events import JSON, NewMessage
from campuscore.domain.files import Blob
from campuscore.domain.packages import NewUpload, describe, read_metadata
from campuscore.domain.roster import ImportReport, Outcome
from campuscore.domain.transfer import ForeignFile, ForeignPackage, Transfer
from campuscore.domain.users import User
from campuscore.errors import CampusError
from campuscore.ports.files import BlobStore
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.intake import Intake
from campuscore.services.policy import Policy
from campuscore.services.retrying import retrying
from campuscore.services.transfer.records import Records
from campuscore.services.transfer.tally import Ledger

__all__ = ["Index", "TransferService"]


class _Published(Protocol):
    @property
    def created(self) -> bool: ...


class Index(Protocol):
    """What a transfer asks of the package index."""

    @property
    def max_package(self) -> int:
        """The longest file that it takes."""
        ...

    def upload(self, principal: Principal, new: NewUpload, chunks: Iterable[bytes]) -> _Published:
        """Publish a file."""
        ...


@frozen
class TransferService:
    """Brings in people, attendance, timetable, files and packages from another system."""

    store: WorkFactory
    policy: Policy
    days: Days
    blobs: BlobStore
    intake: Intake
    packages: Index
    max_upload: int

    def import_(
        self,
        principal: Principal,
        transfer: Transfer,
        *,
        dry_run: bool = False,
        skip_broken: bool = False,
        done: Callable[[str], object] | None = None,
    ) -> ImportReport:
        """Bring in what is new; whatever came in before is left as it is now.

        The records come in together or not at all. Files and packages follow one by one, each for
        good, so that a transfer which broke off goes on where it stopped.

        Parameters
        ----------
        principal
            Who acts; needs ``rosters.import``, and ``packages.upload`` for packages.
        transfer
            What a reader made of another system's database.
        dry_run
            Do everything with the records, and only look at files; keep nothing.
        skip_broken
            Report rows that cannot come in as skipped, instead of refusing all.
        done
            Called with the kind of each file or package that was looked at, for a progress bar.

        Raises
        ------
        Forbidden, Invalid
            The principal may not, or rows cannot come in: each with table, key and column.

        Example
        -------
        >>> from campuscore import NewUser, open_campus
        >>> from campuscore.domain.roster import Place
        >>> from campuscore.domain.transfer import ForeignUser, Transfer
        >>> alice = NewUser(username="alice")
        >>> row = ForeignUser("7", Place("auth_user", 7), alice, True, None, "")
        >>> with open_campus("memory://") as campus:
        ...     report = campus.transfers.import_(
        ...         campus.operator, Transfer(source="old", users=[row])
        ...     )
        >>> report.counts["user"].created
        1
        """
        scope = self.policy.scope(principal, "rosters.import")
        users, ledger = self._bring_records(
            principal, transfer, scope, skip_broken=skip_broken, dry_run=dry_run
        )
        # What follows comes in one by one, so that one that cannot holds up nothing else.
        ledger.skip_broken = True
        with self.store.read() as work:
            linked = work.links.of(transfer.source, "file")
        for file in ledger.sound("file", transfer.files):
            keep = _look_at if dry_run else partial(self._keep, transfer.source)
            self._bring_file(file, users.get(file.user_key), linked, ledger, keep)
            _tell(done, "file")
        for package in ledger.sound("package", transfer.packages):
            self._bring_package(principal, package, ledger, dry_run=dry_run)
            _tell(done, "package")
        return ledger.report(transfer.source, transfer.ignored, dry_run=dry_run)

    @retrying
    def _bring_records(
        self,
        principal: Principal,
        transfer: Transfer,
        scope: Scope,
        *,
        skip_broken: bool,
        dry_run: bool,
    ) -> tuple[dict[str, User], Ledger]:
        ledger = Ledger(skip_broken)
        with self.store.write(principal) as work:
            records = Records(work, transfer, scope, self.days, ledger)
            records.run()
            ledger.check()
            work.emit(_event(principal, ledger.report(transfer.source, (), dry_run=dry_run)))
            if not dry_run:
                work.commit()
        return records.users, ledger

    def _bring_file(
        self,
        file: ForeignFile,
        user: User | None,
        linked: Container[str],
        ledger: Ledger,
        keep: Callable[[ForeignFile, NewAttachment], None],
    ) -> None:
        if user is None:
            text = f"there is no user {file.user_key or 'given'}"
            ledger.say("file", file.place, file.filename, Outcome.SKIPPED, text)
            return
        if file.key in linked:
            ledger.say("file", file.place, file.filename, Outcome.UNCHANGED)
            return
        day = self.days.local(file.day).day if isinstance(file.day, datetime) else file.day
        try:
            new = file.new(user.id, day)
            new.check()
            keep(file, new)
        except CampusError as error:
            ledger.say("file", file.place, file.filename, Outcome.SKIPPED, error.detail)
        else:
            ledger.say("file", file.place, file.filename, Outcome.CREATED)

    def _keep(self, source: str, file: ForeignFile, new: NewAttachment) -> None:
        with self.blobs.draft(file.open(), self.max_upload) as draft:
            record = partial(_record, source, file.key, new, draft.blob, self.days.now())
            self.intake.keep([draft], record)

    def _bring_package(
        self, principal: Principal, package: ForeignPackage, ledger: Ledger, *, dry_run: bool
    ) -> None:
        new = NewUpload(filename=package.filename)
        try:
            if dry_run:
                self._check_package(new, package)
                created = True
            else:
                created = self.packages.upload(principal, new, package.open()).created
        except CampusError as error:
            text = f"ignored: {error.detail}"
            ledger.say("package", package.place, package.filename, Outcome.SKIPPED, text)
            return
        outcome = Outcome.CREATED if created else Outcome.UNCHANGED
        ledger.say("package", package.place, package.filename, outcome)

    def _check_package(self, new: NewUpload, package: ForeignPackage) -> None:
        name = new.check()
        with self.blobs.draft(package.open(), self.packages.max_package) as draft:
            text = read_metadata(new.filename, draft.content, draft.blob.size)
        new.check_metadata(name, describe(text))


def _tell(done: Callable[[str], object] | None, kind: str) -> None:
    if done is not None:
        done(kind)


def _look_at(file: ForeignFile, _: NewAttachment) -> None:
    """Read the beginning, or raise NotFound."""
    next(file.open(), None)


def _record(  # noqa: PLR0917 - all but the last are bound
    source: str, key: str, new: NewAttachment, blob: Blob, at: datetime, work: Work
) -> None:
    row = work.attachments.add(new, blob, at)
    work.links.add(source, "file", {key: row.id})
    payload: dict[str, JSON] = {"id": row.id, "date": row.date.isoformat()}
    work.emit(NewMessage("file.attached", str(row.user), payload))


def _event(principal: Principal, report: ImportReport) -> NewMessage:
    counts: dict[str, JSON] = {kind: tally.created for kind, tally in report.counts.items()}
    payload: dict[str, JSON] = {"source": report.source, "by": principal.user_id, "counts": counts}
    return NewMessage("transfer.imported", f"transfer:{report.source}", payload)

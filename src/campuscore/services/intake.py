"""How bytes come into the blob store together with the record that names them, or not at all.

A claim on the bytes is committed first, then they are kept, then the record is committed in place
of the claim. Whatever breaks off in between leaves a claim that ends, and ended claims are cleared
together with bytes that no record names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from attrs import frozen

from campuscore.domain.auth import OPERATOR, Principal
from campuscore.domain.days import Days
from campuscore.errors import Busy, CampusError
from campuscore.ports.files import BlobStore, Draft
from campuscore.ports.work import Work, WorkFactory
from campuscore.services.retrying import retrying

__all__ = ["Intake"]

T = TypeVar("T")

_LIFE = timedelta(minutes=15)
_BATCH = 100


@frozen
class Intake:
    """Keeps drafts, and clears what nothing names; services that store bytes share it."""

    store: WorkFactory
    days: Days
    blobs: BlobStore

    def keep(
        self, drafts: Sequence[Draft], record: Callable[[Work], T], by: Principal = OPERATOR
    ) -> T:
        """Keep drafts for a record, which is made in one Work with the end of their claims.

        Parameters
        ----------
        drafts
            The bytes that the record will name.
        record
            Writes a record that names all of them. Where it raises, they are removed again.
        by
            Who acts, for the audit.

        Raises
        ------
        Busy
            Keeping took so long that the claim ended.
        """
        claims = self._claim(sorted({draft.blob.sha256 for draft in drafts}))
        try:
            for draft in drafts:
                draft.keep()
            return self._record(claims, record, by)
        except BaseException:
            # What cannot be undone now is cleared when the claims end.
            with suppress(CampusError):
                for name, claim in claims.items():
                    self._free(name, claim)
            raise

    def free(self, names: Iterable[str]) -> None:
        """Remove those blobs that no record names and nobody has a claim on."""
        for name in sorted(set(names)):
            self._free(name)

    def clear(self) -> int:
        """Free what claims that ended have left, and return how many blobs were looked at."""
        with self.store.read() as work:
            names = work.claims.ended(self.days.now(), _BATCH)
        self.free(names)
        return len(names)

    @retrying
    def _claim(self, names: Iterable[str]) -> dict[str, int]:
        with self.store.write() as work:
            until = self.days.now() + _LIFE
            claims = {name: work.claims.add(name, until) for name in names}
            work.commit()
        return claims

    @retrying
    def _record(self, claims: Mapping[str, int], record: Callable[[Work], T], by: Principal) -> T:
        with self.store.write(by) as work:
            made = record(work)
            given_back = [work.claims.remove(claim) for claim in claims.values()]
            if not all(given_back):
                raise Busy("keeping the file took too long", code="claim_ended")
            work.commit()
        return made

    @retrying
    def _free(self, name: str, claim: int | None = None) -> None:
        now = self.days.now()
        with self.store.write() as work:
            if claim is not None:
                work.claims.remove(claim)
            if not work.claims.is_used(name, now):
                # Inside the Work: nobody can claim the name before it is gone.
                self.blobs.remove(name)
            work.claims.forget(name, now)
            work.commit()

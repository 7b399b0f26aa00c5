"""The contract of the claims on blobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Thread

from campuscore.domain.attendance import NewAttachment
from campuscore.domain.files import Blob
from campuscore.ports.work import WorkFactory
from campuscore.testing.contract import NOBODY, NOON, TODAY, Contract, add_user
from campuscore.testing.packages import add_project, new_dist

__all__ = ["BlobClaimsContract"]

_ONE, _TWO, _THREE = ("12" * 32, "ab" * 32, "ff" * 32)
_SECOND, _LIFE = timedelta(seconds=1), timedelta(minutes=15)
_ROUNDS = 16


class BlobClaimsContract(Contract):
    """What ``BlobClaims`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_a_running_claim_uses_its_blob_until_it_ends(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.claims.add(_ONE, NOON + _LIFE)
            work.commit()
        with store.write() as work:
            assert work.claims.is_used(_ONE, NOON)
            assert work.claims.is_used(_ONE, NOON + _LIFE - _SECOND)
            assert not work.claims.is_used(_ONE, NOON + _LIFE)
            assert not work.claims.is_used(_TWO, NOON)

    def test_a_claim_is_given_back_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            first, second = (work.claims.add(_ONE, NOON + _LIFE) for _ in range(2))
            assert first != second
            assert work.claims.remove(first)
            assert work.claims.is_used(_ONE, NOON)
            assert not work.claims.remove(first)
            assert work.claims.remove(second)
            assert not work.claims.is_used(_ONE, NOON)
            assert not work.claims.remove(NOBODY)

    def test_an_ended_claim_can_still_be_given_back(self, store: WorkFactory) -> None:
        with store.write() as work:
            claim = work.claims.add(_ONE, NOON)
            assert not work.claims.is_used(_ONE, NOON)
            assert work.claims.remove(claim)
            assert work.claims.ended(NOON, 10) == []

    def test_ended_claims_are_listed_by_name_longest_ended_first(self, store: WorkFactory) -> None:
        with store.write() as work:
            work.claims.add(_ONE, NOON + 2 * _SECOND)
            work.claims.add(_TWO, NOON + 3 * _SECOND)
            work.claims.add(_TWO, NOON + _SECOND)
            work.claims.add(_THREE, NOON + 9 * _SECOND)
            assert work.claims.ended(NOON, 10) == []
            assert work.claims.ended(NOON + _SECOND, 10) == [_TWO]
            assert work.claims.ended(NOON + 3 * _SECOND, 10) == [_TWO, _ONE]
            assert work.claims.ended(NOON + 9 * _SECOND, 2) == [_TWO, _ONE]
            assert work.claims.ended(NOON + 9 * _SECOND, 10) == [_TWO, _ONE, _THREE]

    def test_forget_removes_what_ended_and_nothing_else(self, store: WorkFactory) -> None:
        with store.write() as work:
            old = work.claims.add(_ONE, NOON)
            running = work.claims.add(_ONE, NOON + _LIFE)
            other = work.claims.add(_TWO, NOON)
            work.claims.forget(_ONE, NOON)
            work.claims.forget(_THREE, NOON)
            assert work.claims.ended(NOON, 10) == [_TWO]
            assert not work.claims.remove(old)
            assert work.claims.is_used(_ONE, NOON)
            assert work.claims.remove(running)
            assert work.claims.remove(other)

    def test_a_file_uses_its_bytes_and_its_metadata(self, store: WorkFactory) -> None:
        with store.write() as work:
            project = add_project(work, "demo")
            file = work.packages.add_file(new_dist(project, sha256=_ONE, metadata=_TWO))
            assert [work.claims.is_used(name, NOON) for name in (_ONE, _TWO)] == [True, True]
            assert not work.claims.is_used(_THREE, NOON)
            work.packages.yank(project.id, [file.id], "broken")
            assert work.claims.is_used(_ONE, NOON)
            work.packages.remove_files(project.id, [file.id], NOON)
            assert [work.claims.is_used(name, NOON) for name in (_ONE, _TWO)] == [False, False]

    def test_what_two_records_name_is_used_until_the_last_is_gone(self, store: WorkFactory) -> None:
        with store.write() as work:
            project = add_project(work, "demo")
            news = [
                new_dist(project, "1", sha256=_ONE, metadata=_THREE),
                new_dist(project, "2", sha256=_TWO, metadata=_ONE),
            ]
            for file in [work.packages.add_file(new) for new in news]:
                assert work.claims.is_used(_ONE, NOON)
                work.packages.remove_files(project.id, [file.id], NOON)
            assert not work.claims.is_used(_ONE, NOON)

    def test_an_attachment_uses_its_bytes_and_goes_on_when_withdrawn(
        self, store: WorkFactory
    ) -> None:
        with store.write() as work:
            new = NewAttachment(user=add_user(work, "anna"), date=TODAY, filename="a.txt")
            row = work.attachments.add(new, Blob(_ONE, 4), NOON)
            assert work.claims.is_used(_ONE, NOON)
            work.attachments.withdraw(row.id, NOON)
            assert work.claims.is_used(_ONE, NOON)

    def test_claims_that_are_undone_never_were(self, store: WorkFactory) -> None:
        with store.write() as work:
            kept = work.claims.add(_ONE, NOON + _LIFE)
            work.commit()
        with store.write() as work:
            work.claims.add(_TWO, NOON)
            work.claims.remove(kept)
            work.claims.forget(_ONE, NOON + _LIFE)
        with store.write() as work:
            assert work.claims.is_used(_ONE, NOON)
            assert not work.claims.is_used(_TWO, NOON - _SECOND)
            assert work.claims.ended(NOON, 10) == []

    def test_who_asks_waits_for_who_claims(self, store: WorkFactory) -> None:
        """Removing a blob under the answer "not used" must not meet a new claim on it."""
        self.need("concurrent_writers")
        answers: list[bool] = []

        def ask() -> None:
            with store.write() as work:
                answers.append(work.claims.is_used(_ONE, NOON))
                work.commit()

        asker = Thread(target=ask)
        with store.write() as work:
            work.claims.add(_ONE, NOON + _LIFE)
            asker.start()
            work.commit()
        asker.join()
        assert answers == [True]

    def test_no_record_meets_a_blob_that_is_being_removed(self, store: WorkFactory) -> None:
        """The dance of uploads and deletions: claim, keep, record - ask, remove, forget."""
        self.need("concurrent_writers")
        blobs: set[str] = set()
        losses: list[int] = []

        def put(number: int) -> None:
            with store.write() as work:
                claim = work.claims.add(_ONE, NOON + _LIFE)
                work.commit()
            blobs.add(_ONE)
            with store.write() as work:
                project = work.packages.find("demo") or add_project(work, "demo")
                new = new_dist(project, str(number), sha256=_ONE, metadata=_ONE)
                file = work.packages.add_file(new)
                assert work.claims.remove(claim)
                work.commit()
            with store.write() as work:
                work.claims.is_used(_ONE, NOON)
                if _ONE not in blobs:
                    losses.append(number)
                work.packages.remove_files(project.id, [file.id], NOON)
                work.commit()
            _free(store, blobs)

        with store.write() as work:
            add_project(work, "demo")
            work.commit()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(put, range(_ROUNDS)))
        assert losses == []
        assert blobs == set()


def _free(store: WorkFactory, blobs: set[str]) -> None:
    """Remove the blob as the service does: inside the Work that found it unused."""
    with store.write() as work:
        if not work.claims.is_used(_ONE, NOON):
            blobs.discard(_ONE)
        work.claims.forget(_ONE, NOON)
        work.commit()

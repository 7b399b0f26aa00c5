"""Whatever breaks while bytes come in or go out, no record loses its bytes and none stay behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import define, evolve, field
from tests.index.dists import wheel

from campuscore.adapters.files import open_files
from campuscore.domain.packages import NewUpload
from campuscore.errors import Busy, Conflict, Unavailable
from campuscore.services.intake import Intake

from .campuses import Town, town_on

SHA = wheel().sha256
MINUTES_OF_A_CLAIM = 15
THREADS, ROUNDS = 4, 8


class PowerCutError(BaseException):
    """The process ends here."""


@pytest.fixture
def town(store, clock, tmp_path):
    town = town_on(store, clock)
    blobs = open_files(tmp_path / "files")
    intake = Intake(store, town.campus.packages.days, blobs)
    return evolve(
        town,
        campus=evolve(
            town.campus,
            packages=evolve(town.campus.packages, blobs=blobs, intake=intake),
            operations=evolve(town.campus.operations, blobs=blobs, intake=intake),
        ),
    )


def put(town: Town, **parts):
    service = town.campus.packages
    intake = evolve(service.intake, **parts)
    service = evolve(service, intake=intake, blobs=parts.get("blobs", service.blobs))
    return service.upload(
        town.campus.operator, NewUpload(filename=wheel().filename), [wheel().data]
    )


def blobs_of(town: Town) -> set[str]:
    return set(town.campus.packages.blobs.names())


def rest_of(town: Town) -> tuple[set[str], list[str], list[object]]:
    """Return what lies in the store, what is claimed, and what is half written."""
    far = town.clock.at + timedelta(days=1)
    with town.store.read() as work:
        claims = work.claims.ended(far, 100)
    partial = town.campus.packages.blobs.root / "tmp"
    return blobs_of(town), claims, list(partial.iterdir()) if partial.exists() else []


NOTHING = (set(), [], [])


@define
class Blobs:
    """A blob store in which something happens."""

    real: object
    before_keep: object = field(default=lambda: None)
    after_keep: object = field(default=lambda: None)
    on_remove: object = field(default=lambda: None)

    def draft(self, chunks, limit):
        return Draft(self.real.draft(chunks, limit), self)

    def remove(self, sha256):
        self.on_remove()
        self.real.remove(sha256)

    def __getattr__(self, name):
        return getattr(self.real, name)


@define
class Draft:
    real: object
    blobs: Blobs

    def keep(self):
        self.blobs.before_keep()
        self.real.keep()
        self.blobs.after_keep()

    def __enter__(self):
        self.real.__enter__()
        return self

    def __exit__(self, *error):
        self.real.__exit__(*error)

    def __getattr__(self, name):
        return getattr(self.real, name)


def raising(error):
    def act():
        raise error

    return act


def test_a_record_that_is_refused_takes_its_bytes_along(town):
    intake = town.campus.packages.intake
    with intake.blobs.draft([b"bytes"], 10) as draft:

        def record(work):
            assert blobs_of(town) == {draft.blob.sha256}
            raise Conflict("no")

        with pytest.raises(Conflict):
            intake.keep([draft], record)
    assert rest_of(town) == NOTHING


def test_a_refused_record_leaves_the_bytes_of_others(town):
    put(town)
    before = rest_of(town)
    with (
        town.campus.packages.blobs.draft([wheel().data], 1 << 20) as draft,
        pytest.raises(ZeroDivisionError),
    ):
        town.campus.packages.intake.keep([draft], lambda work: 1 / 0)
    assert rest_of(town) == before
    assert SHA in blobs_of(town)


@pytest.mark.parametrize("moment", ["before_keep", "after_keep"])
def test_a_store_that_fails_leaves_nothing(town, moment):
    blobs = Blobs(town.campus.packages.blobs, **{moment: raising(Unavailable("full"))})
    with pytest.raises(Unavailable):
        put(town, blobs=blobs)
    assert rest_of(town) == NOTHING


def test_keeping_longer_than_a_claim_lives_is_refused_when_it_was_cleared(town):
    def dawdle():
        town.clock.forward(minutes=MINUTES_OF_A_CLAIM)
        town.campus.operations.tidy()

    with pytest.raises(Busy) as caught:
        put(town, blobs=Blobs(town.campus.packages.blobs, after_keep=dawdle))
    assert caught.value.code == "claim_ended"
    assert rest_of(town) == NOTHING
    assert put(town).created


def test_keeping_longer_than_a_claim_lives_harms_nobody_who_was_faster(town):
    def overtaken():
        town.clock.forward(minutes=MINUTES_OF_A_CLAIM)
        town.campus.operations.tidy()
        put(town)

    late = Blobs(town.campus.packages.blobs, before_keep=overtaken)
    with pytest.raises(Busy):
        put(town, blobs=late)
    assert blobs_of(town) == {put(town).file.sha256, put(town).file.metadata}
    assert rest_of(town)[1:] == ([], [])


@pytest.mark.parametrize("moment", ["before_keep", "after_keep"])
def test_a_power_cut_is_cleared_when_the_claim_has_ended(town, moment):
    def cut(*_):
        raise PowerCutError

    blobs = Blobs(town.campus.packages.blobs, **{moment: cut}, on_remove=cut)
    with pytest.raises(PowerCutError):
        put(town, blobs=blobs, store=Dead(town.store))
    town.campus.operations.tidy()
    assert rest_of(town)[1] != []  # it may still be on its way
    town.clock.forward(minutes=MINUTES_OF_A_CLAIM)
    town.campus.operations.tidy()
    assert rest_of(town) == NOTHING
    assert put(town).created


@define
class Dead:
    """A store that one Work gets into, and no more."""

    real: object
    left: int = 1

    def write(self):
        self.left -= 1
        if self.left < 0:
            raise PowerCutError
        return self.real.write()


def test_a_blob_that_cannot_be_removed_is_removed_later(town):
    put(town)
    service, operator = town.campus.packages, town.campus.operator
    broken = Blobs(service.blobs, on_remove=raising(Unavailable("stuck")))
    stuck = evolve(service, intake=evolve(service.intake, blobs=broken))
    with pytest.raises(Unavailable):
        stuck.delete(operator, "demo-lab", "1.0")
    assert list(service.list(operator)) == []
    assert blobs_of(town) != set()
    town.campus.operations.tidy()
    assert rest_of(town) == NOTHING


def test_clearing_leaves_what_is_claimed_and_what_is_named(town):
    put(town)
    intake = town.campus.packages.intake
    until = town.clock.at + timedelta(minutes=1)
    with intake.blobs.draft([b"coming"], 10) as draft, town.store.write() as work:
        work.claims.add(draft.blob.sha256, until)
        work.claims.add(SHA, until)
        work.commit()
        draft.keep()
    before = blobs_of(town)
    assert intake.clear() == 0
    assert blobs_of(town) == before
    town.clock.forward(minutes=1)
    assert intake.clear() == 2
    assert blobs_of(town) == before - {draft.blob.sha256}
    assert intake.clear() == 0


def test_clearing_goes_on_where_more_is_left_than_one_batch(town):
    with town.store.write() as work:
        for number in range(250):
            work.claims.add(f"{number:064x}", town.clock.at)
        work.commit()
    for _ in range(3):
        town.campus.operations.tidy()
    assert rest_of(town) == NOTHING


def test_uploads_and_deletions_of_the_same_bytes_at_once_lose_and_leave_nothing(town):
    service, operator = town.campus.packages, town.campus.operator
    dist = wheel()

    def live(number):
        """Publish the same bytes under names that differ in their build tag, and delete them."""
        for step in range(ROUNDS):
            filename = f"demo_lab-1.0-{number}x{step}-py3-none-any.whl"
            file = service.upload(operator, NewUpload(filename=filename), [dist.data]).file
            assert b"".join(service.open(operator, file.sha256)) == dist.data
            assert service.metadata(operator, file).version == "1.0"
            service.delete(operator, "demo-lab", "1.0", filename=filename)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(live, range(THREADS)))
    assert rest_of(town) == NOTHING
    with town.store.read() as work:
        project = work.packages.find("demo-lab")
    assert project.serial == 2 * THREADS * ROUNDS

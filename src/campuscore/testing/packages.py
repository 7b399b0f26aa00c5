"""The contract of the repository of the package index."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from campuscore.domain.packages import DistFile, DistKind, NewDistFile, Project
from campuscore.errors import Conflict, NotFound
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.contract import NOBODY, NOON, Contract, add_user

__all__ = ["PackagesContract", "add_dist", "add_project", "new_dist"]

_WRITERS = 8


class PackagesContract(Contract):
    """What ``Packages`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_a_new_project_has_no_files_and_is_found_by_its_key(self, store: WorkFactory) -> None:
        at = NOON + timedelta(microseconds=1)
        with store.write() as work:
            owner = add_user(work, "anna")
            made = work.packages.add("demo-lab", "Demo_Lab", owner, at)
            work.commit()
        with store.read() as work:
            assert made == Project(made.id, "demo-lab", "Demo_Lab", owner, 0, at)
            assert work.packages.find("demo-lab") == made
            assert work.packages.find("Demo_Lab") is None
            assert work.packages.files(made.id) == []
            assert work.packages.all() == []

    def test_the_operator_owns_a_project_as_nobody(self, store: WorkFactory) -> None:
        with store.write() as work:
            assert add_project(work, "demo").owner is None
            found = work.packages.find("demo")
            assert found is not None
            assert found.owner is None

    def test_a_name_is_given_once(self, store: WorkFactory) -> None:
        with store.write() as work:
            first = add_project(work, "demo")
            with pytest.raises(Conflict) as caught, work.savepoint():
                work.packages.add("demo", "DEMO", None, NOON)
            assert caught.value.code == "project_name_taken"
            assert work.packages.find("demo") == first

    def test_owner_and_uploader_must_be_users(self, store: WorkFactory) -> None:
        with store.write() as work:
            with pytest.raises(NotFound) as caught, work.savepoint():
                work.packages.add("demo", "demo", NOBODY, NOON)
            assert caught.value.code == "user_not_found"
            project = add_project(work, "demo")
            with pytest.raises(NotFound) as caught, work.savepoint():
                add_dist(work, project, uploader=NOBODY)
            assert caught.value.code == "user_not_found"

    def test_a_file_is_found_as_it_was_added(self, store: WorkFactory) -> None:
        with store.write() as work:
            uploader = add_user(work, "anna")
            project = add_project(work, "demo")
            file = add_dist(work, project, uploader=uploader, size=1 << 40)
            work.commit()
        with store.read() as work:
            assert work.packages.find_file(file.filename) == file
            assert work.packages.files(project.id) == [file]
            assert work.packages.find_file("other.whl") is None
            assert not work.packages.was_removed(file.filename)
        assert file == DistFile(
            file.id,
            project.id,
            "1.0",
            "demo-1.0-py3-none-any.whl",
            DistKind.WHEEL,
            "py3",
            "ab" * 32,
            1 << 40,
            ">=3.11, <4",
            "cd" * 32,
            77,
            NOON + timedelta(microseconds=1),
            uploader,
            None,
        )

    def test_files_come_in_the_order_of_their_ids(self, store: WorkFactory) -> None:
        with store.write() as work:
            one, two = add_project(work, "one"), add_project(work, "two")
            mine = [add_dist(work, one, version) for version in ("1.10", "1.9", "2")]
            theirs = add_dist(work, two, "0.1")
            assert [file.id for file in mine] == sorted(file.id for file in mine)
            assert work.packages.files(one.id) == mine
            assert work.packages.files(two.id) == [theirs]
            assert work.packages.files(NOBODY) == []

    def test_projects_with_files_are_listed_by_key(self, store: WorkFactory) -> None:
        with store.write() as work:
            for key in ("beta", "alpha-2", "alpha", "alpha10", "empty"):
                project = add_project(work, key)
                if key != "empty":
                    add_dist(work, project)
            gone = add_project(work, "gone")
            work.packages.remove_files(gone.id, [add_dist(work, gone).id], NOON)
            keys = [project.key for project in work.packages.all()]
        assert keys == ["alpha", "alpha-2", "alpha10", "beta"]

    def test_each_change_moves_serial_and_revision(self, store: WorkFactory) -> None:
        with store.write() as work:
            project, other = add_project(work, "demo"), add_project(work, "other")
            seen = [_state(work, project)]
            file = add_dist(work, project)
            seen.append(_state(work, project))
            for reason in ("broken", "broken", None):
                work.packages.yank(project.id, [file.id], reason)
                seen.append(_state(work, project))
            work.packages.remove_files(project.id, [file.id], NOON)
            seen.append(_state(work, project))
            work.commit()
        serials = [serial for serial, _ in seen]
        assert serials[0] == 0
        assert serials == sorted(set(serials))
        with store.read() as work:
            assert _state(work, project) == (serials[-1], work.packages.revision())
            assert _state(work, other)[0] == 0

    def test_the_revision_moves_with_what_is_committed(self, store: WorkFactory) -> None:
        revisions: set[int] = set()
        with store.write() as work:
            project = add_project(work, "demo")
            work.commit()
        for number in range(3):
            with store.write() as work:
                add_dist(work, project, f"1.{number}")
                work.commit()
            with store.read() as work:
                revisions.add(work.packages.revision())
                assert work.packages.revision() in revisions
        assert len(revisions) == 3

    def test_yank_is_of_these_files_and_can_be_taken_back(self, store: WorkFactory) -> None:
        with store.write() as work:
            one, two = add_project(work, "one"), add_project(work, "two")
            first, second = add_dist(work, one, "1"), add_dist(work, one, "2")
            theirs = add_dist(work, two)
            work.packages.yank(one.id, [first.id, theirs.id, NOBODY], "")
            assert _yanked(work, one) == ["", None]
            assert _yanked(work, two) == [None]
            work.packages.yank(one.id, [first.id, second.id], "бяда")
            assert _yanked(work, one) == ["бяда", "бяда"]
            work.packages.yank(one.id, [second.id], None)
            assert _yanked(work, one) == ["бяда", None]
            found = work.packages.find_file(first.filename)
            assert found is not None
            assert found.yanked == "бяда"

    def test_a_removed_file_is_gone_and_its_name_stays_retired(self, store: WorkFactory) -> None:
        with store.write() as work:
            one, two = add_project(work, "one"), add_project(work, "two")
            gone, kept = add_dist(work, one, "1"), add_dist(work, one, "2")
            theirs = add_dist(work, two)
            work.packages.remove_files(one.id, [gone.id, theirs.id, NOBODY], NOON)
            work.commit()
        with store.write() as work:
            assert work.packages.files(one.id) == [kept]
            assert work.packages.files(two.id) == [theirs]
            assert work.packages.find_file(gone.filename) is None
            assert work.packages.was_removed(gone.filename)
            for _ in range(2):
                with pytest.raises(Conflict) as caught, work.savepoint():
                    add_dist(work, one, "1")
                assert caught.value.code == "filename_taken"
            work.packages.yank(one.id, [gone.id], "late")
            work.packages.remove_files(one.id, [gone.id], NOON)
            assert work.packages.find_file(gone.filename) is None

    def test_a_file_name_is_taken_once_in_the_whole_index(self, store: WorkFactory) -> None:
        with store.write() as work:
            one, two = add_project(work, "one"), add_project(work, "two")
            file = add_dist(work, one)
            with pytest.raises(Conflict) as caught, work.savepoint():
                work.packages.add_file(new_dist(two, filename=file.filename))
            assert caught.value.code == "filename_taken"
            assert work.packages.files(two.id) == []

    def test_what_was_read_does_not_change_what_is_stored(self, store: WorkFactory) -> None:
        with store.write() as work:
            project = add_project(work, "demo")
            file = add_dist(work, project)
            for found in (file, work.packages.find_file(file.filename), *_files(work, project)):
                assert found is not None
                found.yanked = "changed"
            for row in (project, work.packages.find("demo"), *work.packages.all()):
                assert row is not None
                row.serial = 1000
            assert _yanked(work, project) == [None]
            assert _state(work, project)[0] == 1

    def test_a_change_that_is_undone_leaves_nothing(self, store: WorkFactory) -> None:
        with store.write() as work:
            project = add_project(work, "demo")
            file = add_dist(work, project, "1")
            work.commit()
        with store.read() as work:
            before = work.packages.find("demo")
        with store.write() as work:
            add_dist(work, project, "2")
            work.packages.yank(project.id, [file.id], "no")
            work.packages.remove_files(project.id, [file.id], NOON)
            add_dist(work, add_project(work, "lost"))
        with store.read() as work:
            assert work.packages.find("demo") == before
            assert work.packages.find("lost") is None
            assert work.packages.files(project.id) == [file]
            assert not work.packages.was_removed(file.filename)

    def test_of_many_who_add_one_name_one_does(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")
        with store.write() as work:
            project = add_project(work, "demo")
            work.commit()

        def add(number: int) -> str:
            with store.write() as work:
                try:
                    work.packages.add_file(new_dist(project, sha256=f"{number:064x}"))
                    work.commit()
                except Conflict as error:
                    return error.code
            return "added"

        with ThreadPoolExecutor(_WRITERS) as pool:
            answers = sorted(pool.map(add, range(_WRITERS)))
        assert answers == ["added", *["filename_taken"] * (_WRITERS - 1)]
        with store.read() as work:
            assert _state(work, project)[0] == len(work.packages.files(project.id)) == 1

    def test_no_serial_of_many_writers_is_lost(self, store: WorkFactory) -> None:
        self.need("concurrent_writers")
        with store.write() as work:
            project = add_project(work, "demo")
            work.commit()

        def add(number: int) -> None:
            with store.write() as work:
                add_dist(work, project, f"1.{number}")
                work.commit()

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(add, range(2 * _WRITERS)))
        with store.read() as work:
            assert _state(work, project)[0] == len(work.packages.files(project.id)) == 2 * _WRITERS


def add_project(work: Work, key: str) -> Project:
    """Add a project of the operator's."""
    return work.packages.add(key, key, None, NOON)


def new_dist(
    project: Project,
    version: str = "1.0",
    *,
    filename: str = "",
    sha256: str = "ab" * 32,
    metadata: str = "cd" * 32,
    size: int = 4,
    uploader: int | None = None,
    at: datetime = NOON + timedelta(microseconds=1),
) -> NewDistFile:
    """Return a wheel to add to a project."""
    return NewDistFile(
        project=project.id,
        version=version,
        filename=filename or f"{project.key.replace('-', '_')}-{version}-py3-none-any.whl",
        kind=DistKind.WHEEL,
        python="py3",
        sha256=sha256,
        size=size,
        requires_python=">=3.11, <4",
        metadata=metadata,
        metadata_size=77,
        uploaded_at=at,
        uploader=uploader,
    )


def add_dist(
    work: Work,
    project: Project,
    version: str = "1.0",
    *,
    uploader: int | None = None,
    size: int = 4,
) -> DistFile:
    """Add a wheel to a project."""
    return work.packages.add_file(new_dist(project, version, uploader=uploader, size=size))


def _files(work: Work, project: Project) -> list[DistFile]:
    return work.packages.files(project.id)


def _yanked(work: Work, project: Project) -> list[str | None]:
    return [file.yanked for file in work.packages.files(project.id)]


def _state(work: Work, project: Project) -> tuple[int, int]:
    """Return the serial of a project as it is stored, and the index's revision."""
    found = work.packages.find(project.key)
    assert found is not None
    return found.serial, work.packages.revision()

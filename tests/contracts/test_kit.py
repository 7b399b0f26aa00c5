"""The kit itself: it loads lazily, hides nothing, and finds a store that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import campuscore
from campuscore import testing
from campuscore.adapters.memory import MemoryWork, open_store
from campuscore.adapters.memory.attendance import MemoryCheckIns
from campuscore.adapters.memory.groups import MemoryMemberships
from campuscore.adapters.memory.schedule import MemoryEntries
from campuscore.adapters.memory.users import MemoryUsers
from campuscore.domain.days import utc_now
from campuscore.testing import StoreMachine

TEMPLATE = """
import pytest
from campuscore.adapters.memory import open_store
from campuscore.testing import WorkContract

class TestMine(WorkContract):
    {flags}

    @pytest.fixture
    def store(self):
        return open_store()
"""


def run_third_party(tmp_path, flags):
    (tmp_path / "test_mine.py").write_text(TEMPLATE.format(flags=flags))
    # The package may be on a relative path, which is another one there.
    package = str(Path(campuscore.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": package, "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", "."]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_capabilities_that_are_not_declared_are_listed_as_skipped(tmp_path):
    output = run_third_party(tmp_path, "pass")
    for capability in ("concurrent_writers", "snapshot_reads", "durable"):
        assert f"TestMine does not declare '{capability}'" in output
    assert "5 skipped" in output
    assert "failed" not in output


def test_a_capability_without_its_fixture_fails(tmp_path):
    output = run_third_party(tmp_path, "concurrent_writers = durable = True")
    assert "declares 'durable' and has no fixture 'opener'" in output
    assert "2 errors" in output


@pytest.mark.parametrize("name", testing.__all__)
def test_every_contract_is_there(name):
    assert getattr(testing, name).__name__ == name
    assert name in dir(testing)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        _ = testing.Nobody


def test_only_the_machine_needs_hypothesis():
    code = (
        "import sys\nfrom campuscore.testing import UsersContract, WorkContract\n"
        "print('hypothesis' in sys.modules)\nfrom campuscore.testing import StoreMachine\n"
        "print('hypothesis' in sys.modules)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output.split() == ["False", "True"]


class LateFirst(MemoryCheckIns):
    """Takes the first by the wall clock, not by the instant."""

    def days(self, scope, query, part, files):
        for row in super().days(scope, query, part, files):
            clocks = [
                fact.local.clock
                for fact in self.tables.facts.rows.values()
                if (fact.user, fact.local.day) == (row.id, row.date) and not fact.local.is_afternoon
            ]
            yield evolve(row, morning_entry=min(clocks, default=None))


class StaleReach(MemoryUsers):
    """Judges who is reached by the day of the principal."""

    def reached(self, scope, user_ids, day):
        return super().reached(scope, user_ids, scope.today)


class Prolonging(MemoryMemberships):
    """Ends memberships later than they had ended."""

    def end(self, membership_ids, day):
        for key in self.tables.memberships.rows.keys() & set(membership_ids):
            row = self.tables.memberships.rows[key]
            self.tables.memberships.put(key, evolve(row, end=max(day, row.begin)))


class Unarchived(MemoryEntries):
    """Shows the timetable of archived groups."""

    def list(self, scope, query, part):
        return [row for row in self.tables.entries.rows.values() if scope.everything][: part.limit]


class Newest(MemoryCheckIns):
    """Forgets the id when instants are equal."""

    def list(self, scope, query, part):
        rows = super().list(scope, query, part)
        return sorted(rows, key=lambda row: (row.timestamp, -row.id), reverse=True)


class KeptWork(MemoryWork):
    """Undoes a savepoint, but keeps its events."""

    @contextmanager
    def savepoint(self):
        with self._tables.log.atomic():
            yield


@pytest.mark.parametrize(
    ("repository", "kind"),
    [
        ("check_ins", LateFirst),
        ("users", StaleReach),
        ("memberships", Prolonging),
        ("entries", Unarchived),
        ("check_ins", Newest),
    ],
)
def test_the_machine_finds_a_faulty_repository(repository, kind):
    faulty = property(lambda work: kind(work._tables))
    with pytest.raises(AssertionError):
        run_machine(type("FaultyWork", (MemoryWork,), {repository: faulty}))


def test_the_machine_finds_a_faulty_savepoint():
    with pytest.raises(AssertionError):
        run_machine(KeptWork)


def run_machine(work_class):
    """Run the machine on a memory store whose Works are of this class."""

    class Store:
        def __init__(self):
            self.right = open_store()

        def read(self):
            return work_class(self.right._tables, self.right._gate, utc_now, writing=False)

        def write(self):
            return work_class(self.right._tables, self.right._gate, utc_now, writing=True)

    class Fresh(StoreMachine):
        def __init__(self):
            super().__init__(Store())

    limits = settings(
        max_examples=500,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Fresh, settings=limits)

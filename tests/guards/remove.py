"""Remove each guard of the table from a copy of the source, and demand that its tests fail.

Usage: ``python tests/guards/remove.py [WORD...]``, where each word chooses the guards whose name
begins with it; none chooses all. The exit code is 1 where a guard can go without any test noticing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

from attrs import frozen
from table import ROOT, Guard, read_table

LONGEST = 120
"""Seconds for the tests of one guard."""

LONGEST_OF_ALL = 600

# Of the copy, and of nothing that is installed: what a test says of another source proves nothing.
START = """
import importlib.util, sys
found = importlib.util.find_spec("campuscore").origin
sys.exit(f"campuscore comes from {found}") if not found.startswith(sys.argv[1]) else None
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""
QUIET = ("-q", "--tb=short", "-p", "no:randomly", "-p", "no:cacheprovider")
# The same examples in each run; and few of them, because what is removed is missed by the first.
EXAMPLES = "--hypothesis-profile=mutation"

# A removal that breaks the program shows in these, whatever it has removed.
BROKEN = (
    "AttributeError",
    "ImportError",
    "IndentationError",
    "ModuleNotFoundError",
    "NameError",
    "SyntaxError",
    "TypeError",
    "UnboundLocalError",
)


@frozen
class Outcome:
    """How a run of pytest ended: its exit code, and how each test went ("" where it passed)."""

    code: int
    tests: dict[str, str]
    words: str

    def of(self, node: str) -> dict[str, str]:
        """Return how a test went, with all its parameters."""
        name = _junit_name(node)
        return {n: how for n, how in self.tests.items() if n == name or n.startswith(f"{name}[")}


@frozen
class Finding:
    """What a run has shown."""

    name: str
    seconds: float
    problem: str = ""


def main(words: Sequence[str]) -> int:
    """Check the chosen guards, one line for each."""
    chosen = [g for g in read_table() if not words or g.name.startswith(tuple(words))]
    if not chosen:
        print("no guard has such a name")
        return 2
    began = time.monotonic()
    jobs = [partial(with_all_guards, chosen), *(partial(without, guard) for guard in chosen)]
    faults = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for finding in pool.map(_run, jobs):
            faults += bool(finding.problem)
            mark = "FAILED" if finding.problem else "ok    "
            print(f"{mark} {finding.name} ({finding.seconds:.1f} s) {finding.problem}", flush=True)
    print(f"{len(chosen)} guards, {faults} faults, {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


def _run(job: partial[Finding]) -> Finding:
    return job()


def with_all_guards(guards: Sequence[Guard]) -> Finding:
    """See that all tests pass in a copy with every guard in its place."""
    began = time.monotonic()
    nodes = sorted({node for guard in guards for node in guard.tests})
    with copied() as copy:
        outcome = tested(copy, nodes, LONGEST_OF_ALL)
    unseen = [node for node in nodes if not outcome.of(node)]
    problem = ""
    if outcome.code != 0 or unseen:
        problem = f"pytest ends with {outcome.code}; not run: {unseen}\n{outcome.words}"
    return Finding("with all guards, all tests pass", time.monotonic() - began, problem)


def without(guard: Guard) -> Finding:
    """See that the tests of a guard fail in a copy without it."""
    began = time.monotonic()
    with copied() as copy:
        problem = "; ".join(guard.faults(copy))
        if not problem:
            (copy / guard.file).write_text(guard.removed(copy), "utf-8")
            problem = judged(tested(copy, guard.tests, LONGEST), guard.tests)
    return Finding(guard.name, time.monotonic() - began, problem)


def judged(outcome: Outcome, nodes: Sequence[str]) -> str:
    """Return what is missing to the proof that a guard is gone, and every test has noticed."""
    if outcome.code != 1:
        return f"pytest ends with {outcome.code}\n{outcome.words}"
    for node in nodes:
        failures = [how for how in outcome.of(node).values() if how]
        if not failures:
            return f"{node} does not fail\n{outcome.words}"
        if all(how.startswith(BROKEN) for how in failures):
            return f"{node} fails for another reason: {failures[0]}"
    return ""


@contextmanager
def copied() -> Iterator[Path]:
    """Give a copy of the source and its tests, which goes away afterwards."""
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy = Path(folder).resolve()
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, copy / name)
        shutil.copy2(ROOT / "pyproject.toml", copy)
        yield copy


def tested(copy: Path, nodes: Sequence[str], longest: float) -> Outcome:
    """Run tests of a copy, and everything that they start, with the copy's source."""
    report = copy / "report.xml"
    flags = (*QUIET, EXAMPLES, "--color=no", f"--junitxml={report}", f"--rootdir={copy}")
    command = [sys.executable, "-c", START, str(copy), *flags, *nodes]
    environ = {**os.environ, "PYTHONPATH": str(copy / "src")}
    with subprocess.Popen(
        command,
        cwd=copy,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            words, _ = process.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            _end(process)
            return Outcome(-1, {}, f"not done after {longest} seconds")
    return Outcome(process.returncode, _read(report) if report.exists() else {}, words[-3000:])


def _end(process: subprocess.Popen[str]) -> None:
    """End a run with the servers that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _read(report: Path) -> dict[str, str]:
    """Return how each test of a report went; an error before or after a test is no failure."""
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        failure = case.find("failure")
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("error") is None and case.find("skipped") is None:
            found[name] = "" if failure is None else failure.get("message") or "failed"
    return found


def _junit_name(node: str) -> str:
    path, *classes, name = node.split("::")
    return f"{'.'.join([path.removesuffix('.py').replace('/', '.'), *classes])}::{name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What runs where: processes, their memory and processor time, and the machine itself."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import threading
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = [
    "MemoryWatch",
    "StealWatch",
    "describe",
    "lopsided",
    "resident",
    "ticks",
    "tree",
    "wrk_version",
]

MIB = 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """A process and all that it started."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = stat_fields(int(entry.name))
            if fields:
                children[int(fields[1])].append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the command's name."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def ticks(root: int) -> dict[int, int]:
    """Processor time used so far, by process."""
    fields = {pid: stat_fields(pid) for pid in tree(root)}
    return {pid: int(row[11]) + int(row[12]) for pid, row in fields.items() if row}


def lopsided(before: dict[int, int], after: dict[int, int]) -> bool:
    """Whether one worker process did nearly all the work."""
    spent = sorted((after[pid] - before.get(pid, 0) for pid in after), reverse=True)
    return len(spent) > 1 and spent[0] > 20 and spent[1] < spent[0] * 0.2


class StealWatch:
    """The share of the machine's processor time that its host took away meanwhile."""

    def __init__(self) -> None:
        self.start = self._now()

    @staticmethod
    def _now() -> tuple[int, int]:
        fields = [int(word) for word in (PROC / "stat").read_text().splitlines()[0].split()[1:9]]
        return fields[7], sum(fields)

    @property
    def percent(self) -> float:
        """Since the watch was made."""
        stolen, total = self._now()
        return 100 * (stolen - self.start[0]) / max(total - self.start[1], 1)


def resident(root: int) -> tuple[float, float]:
    """RSS and PSS of a process tree in MiB."""
    totals = {"Rss": 0, "Pss": 0}
    for pid in tree(root):
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, rest = line.partition(":")
            if name in totals:
                totals[name] += int(rest.split()[0])
    return totals["Rss"] / 1024, totals["Pss"] / 1024


class MemoryWatch:
    """Samples the RSS of a process tree while a block runs."""

    def __init__(self, root: int, interval: float = 0.01) -> None:
        self.pids = tree(root)
        self.interval = interval
        self.start = self.peak = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def rise(self) -> float:
        """Highest RSS over that at the start, in MiB."""
        return self.peak - self.start

    def _now(self) -> float:
        pages = 0
        for pid in self.pids:
            try:
                pages += int((PROC / str(pid) / "statm").read_text().split()[1])
            except OSError:
                continue
        return pages * PAGE / MIB

    def _watch(self) -> None:
        while not self._over.wait(self.interval):
            self.peak = max(self.peak, self._now())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self.peak = max(self.peak, self._now())


def processor() -> str:
    """The name of the processor."""
    for line in (PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def wrk_version() -> str:
    """The version that wrk prints, or nothing when it is not installed."""
    if not shutil.which("wrk"):
        return ""
    shown = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    words = (shown.stdout + shown.stderr).split()
    return words[1] if len(words) > 1 else "unknown"


def describe() -> dict[str, str]:
    """The machine and what all peers share."""
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / MIB / 1024
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "wrk": wrk_version(),
    }

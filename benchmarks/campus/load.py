"""Putting one row under load: wrk for many requests, a single client for long answers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from .client import Client
from .machine import MemoryWatch, StealWatch, lopsided, ticks
from .peers import Peer, Seed
from .rows import Export, Row, Visit, revise_term

__all__ = ["Sample", "best", "hash_rate", "median", "run_export", "run_row"]

LUA = Path(__file__).resolve().parent / "lua"
MARK = "RESULT "
EXTRA_TRIES = 2


@dataclass(frozen=True)
class Sample:
    """One measurement of one row on one peer."""

    rate: float
    p50: float = 0.0
    p99: float = 0.0
    errors: int = 0
    requests: int = 0
    kib: float = 0.0
    rise: float = 0.0
    lopsided: bool = False
    steal: float = 0.0


def best(samples: Sequence[Sample]) -> Sample:
    """The fastest; one without errors goes before any with."""
    return max(samples, key=lambda sample: (sample.errors == 0, sample.rate))


def median(samples: Sequence[Sample]) -> float:
    """The middle rate."""
    return statistics.median(sample.rate for sample in samples)


def run_row(row: Row, peer: Peer, visit: Visit, seconds: int) -> Sample:
    """Measure a row; again when one worker happened to get all connections."""
    sample = run_once(row, peer, visit, seconds)
    for _ in range(EXTRA_TRIES):
        if not sample.lopsided:
            break
        again = run_once(row, peer, visit, seconds)
        sample = best((sample, again)) if again.lopsided else again
    return sample


def run_once(row: Row, peer: Peer, visit: Visit, seconds: int) -> Sample:
    """Prepare the targets, ask, and see how the work was spread."""
    targets = row.targets(visit)
    if row.revise:
        row.revise(visit)
    token = visit.site.token() if row.login else ""
    before, watch = ticks(peer.pid), StealWatch()
    if row.revise:
        sample = ask_each(targets, peer.port, token, row.clients)
    else:
        sample = run_wrk(row, peer, targets, token, seconds)
    steal, after = watch.percent, ticks(peer.pid)
    one_sided = row.clients > 2 and lopsided(before, after)
    return replace(sample, lopsided=one_sided, steal=steal)


def ask_each(targets: Sequence[str], port: int, token: str, clients: int) -> Sample:
    """Ask for every target just once, so that no answer was made before."""
    waiting = deque(line.split("\t")[1] for line in targets)
    answers: list[tuple[float, int, int]] = []
    headers = {"Authorization": f"Bearer {token}"}

    def work() -> None:
        with closing(Client(port)) as client:
            while True:
                try:
                    path = waiting.popleft()
                except IndexError:
                    return
                start = time.perf_counter()
                answer = client.call("GET", path, headers=headers)
                spent = time.perf_counter() - start
                answers.append((spent, answer.status, len(answer.body)))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counted(answers, len(targets), time.perf_counter() - start)


def counted(answers: list[tuple[float, int, int]], wanted: int, wall: float) -> Sample:
    """Sum up what the single clients saw."""
    spent = sorted(row[0] * 1000 for row in answers) or [0.0]
    good = sum(status == 200 for _, status, _ in answers)
    return Sample(
        rate=good / wall,
        p50=statistics.median(spent),
        p99=spent[min(len(spent) - 1, round(len(spent) * 0.99))],
        errors=wanted - good,
        requests=len(answers),
        kib=sum(size for _, _, size in answers) / 1024 / max(len(answers), 1),
    )


def run_wrk(row: Row, peer: Peer, targets: list[str], token: str, seconds: int) -> Sample:
    """One run of wrk over these targets."""
    file = peer.work / f"targets-{peer.name}.txt"
    file.write_text("".join(f"{line}\n" for line in targets))
    own = {
        "BENCH_TARGETS": str(file),
        "BENCH_COMMON": str(LUA / "common.lua"),
        "BENCH_TOKEN": token,
    }
    command = [
        *("wrk", "-t1", f"-c{row.clients}", f"-d{seconds}s", "--timeout", "30s"),
        *("-s", str(LUA / row.script), f"http://127.0.0.1:{peer.port}"),
    ]
    done = subprocess.run(
        command, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    file.unlink()
    return parse(done.stdout + done.stderr, row.scale)


def parse(output: str, scale: int) -> Sample:
    """The line that lua/common.lua prints."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        raise RuntimeError(f"wrk said:\n{output[-2000:]}")
    told = json.loads(lines[-1].removeprefix(MARK))
    good = max(told["requests"] - told["status"], 0)
    return Sample(
        rate=good * scale / (told["micros"] / 1e6),
        p50=told["p50"],
        p99=told["p99"],
        errors=told["status"] + told["socket"],
        requests=told["requests"],
        kib=told["bytes"] / 1024 / max(told["requests"], 1),
    )


def run_export(export: Export, peer: Peer, visit: Visit) -> Sample:
    """One long request: its wall time and how far memory rises meanwhile."""
    bearer, days = {"Authorization": f"Bearer {visit.site.token()}"}, visit.campus.days
    for _ in range(4):
        with closing(Client(peer.port)) as warm:
            warm.call("GET", export.path.format(first=days[0], last=days[0]), headers=bearer)
    revise_term(visit)
    path = export.path.format(first=days[0], last=days[-1])
    steal = StealWatch()
    with MemoryWatch(peer.pid) as watch:
        start = time.perf_counter()
        answer = visit.site.client.call("GET", path, headers=bearer)
        wall = time.perf_counter() - start
    return Sample(
        rate=1 / wall,
        p50=wall * 1000,
        p99=wall * 1000,
        errors=int(answer.status != 200),
        requests=1,
        kib=len(answer.body) / 1024,
        rise=watch.rise,
        steal=steal.percent,
    )


def hash_rate(seed: Seed, seconds: int) -> Sample:
    """What the machine's cores can hash just now, with nothing around it."""
    script = Path(__file__).resolve().parent / "hash_rate.py"
    command = [seed.python, str(script), str(seconds)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return Sample(rate=float(shown.stdout))

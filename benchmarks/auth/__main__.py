"""What auth costs, in one process, beside what it cannot be cheaper than.

``python -m benchmarks.auth`` prints a Markdown table. Times are medians of several runs that take
turns, of processor time where nothing waits for a disk and of wall time where something does.
Logins and refreshes over HTTP beside the seed's stack are rows of ``benchmarks.campus``:
``python -m benchmarks.campus --rows refresh,login``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen
from benchmarks.campus.machine import describe
from falcon.testing import TestClient

from campuscore import Campus, NewUser, Settings, open_campus
from campuscore.adapters.http import create_app
from campuscore.adapters.passwords import Argon2Hasher
from campuscore.domain.audit import AuditEntry
from campuscore.domain.auth import Origin

PASSWORD = "a long pass phrase"
ORIGIN = Origin("10.0.0.7", "bench/1")
AUDITED = 100_000


@frozen
class Row:
    """Something measured, and what it is compared with."""

    name: str
    seconds: float
    partner: str
    least: float

    @property
    def line(self) -> str:
        over = (self.seconds - self.least) * 1e6
        ratio = self.seconds / self.least
        return (
            f"| {self.name} | {self.seconds * 1e6:,.1f} | {self.partner} | "
            f"{self.least * 1e6:,.1f} | {over:+,.1f} | {ratio:.2f} |"
        )


def timed(act: Callable[[], object], times: int, clock: Callable[[], float]) -> float:
    """Return the seconds of one call."""
    begin = clock()
    for _ in range(times):
        act()
    return (clock() - begin) / times


def in_turns(
    acts: Sequence[Callable[[], object]],
    times: int,
    clock: Callable[[], float] = time.process_time,
    runs: int = 7,
) -> list[float]:
    """Return the median seconds of each act; they take turns, so that a slow spell hits all."""
    found = [[timed(act, times, clock) for act in acts] for _ in range(runs)]
    return [statistics.median(each) for each in zip(*found, strict=True)]


def of_requests(campus: Campus) -> Row:
    """Compare a request with a token with one to a route that asks for none."""
    client = TestClient(create_app(campus))
    access = campus.auth.login("ada", PASSWORD, ORIGIN).access
    headers = {"Authorization": f"Bearer {access}"}
    with_token, without = in_turns(
        [
            lambda: client.simulate_get("/terms/", headers=headers),
            lambda: client.simulate_get("/healthz"),
        ],
        200,
    )
    return Row("GET /terms/ with a token (a list as well)", with_token, "GET /healthz", without)


def of_tokens(campus: Campus) -> list[Row]:
    """Compare who-is-it with a verified token, and with one that is seen for the first time."""
    auth, access = campus.auth, campus.auth.login("ada", PASSWORD, ORIGIN).access
    now = auth.days.now()

    def state() -> None:
        with auth.store.read() as work:
            work.sessions.state(1)

    def cold() -> None:
        auth.ring.access.hold(ring)
        auth.ring.verify(access, now)

    ring = auth.ring.load()
    warm, read, first, hold = in_turns(
        [
            lambda: auth.authenticate(access),
            state,
            cold,
            lambda: auth.ring.access.hold(ring),
        ],
        300,
    )
    return [
        Row("authenticate, token known", warm, "the session's row", read),
        Row("a token for the first time", first - hold, "a known one", warm),
    ]


def of_logins(campus: Campus) -> list[Row]:
    """Compare a login with the hash in it, and a refresh with a commit."""
    bare = Argon2Hasher()
    stored = bare.hash(PASSWORD)
    login, hashed = in_turns(
        [
            lambda: campus.auth.login("ada", PASSWORD, ORIGIN),
            lambda: bare.verify(PASSWORD, stored),
        ],
        10,
        time.perf_counter,
    )
    tokens = [campus.auth.login("ada", PASSWORD, ORIGIN).refresh]

    def commit() -> None:
        with campus.auth.store.write() as work:
            work.credentials.supersede(1)
            work.commit()

    refresh, least = in_turns(
        [lambda: tokens.append(campus.auth.refresh(tokens[-1], ORIGIN).refresh), commit],
        50,
        time.perf_counter,
    )
    return [
        Row("login", login, "one argon2id hash", hashed),
        Row("refresh", refresh, "one UPDATE and its commit", least),
    ]


def of_audit(campus: Campus) -> str:
    """Say how long it takes to verify many records."""
    for first in range(0, AUDITED, 10_000):
        with campus.auth.store.write() as work:
            for number in range(first, first + 10_000):
                work.note(AuditEntry(user=number, action="user.updated", target=str(number)))
            work.commit()
    begin = time.perf_counter()
    verdict = campus.audit.verify(campus.operator)
    seconds = time.perf_counter() - begin
    kind = "whole" if verdict.is_whole else "broken"
    return f"audit verify: {verdict.records:,} records are {kind}, in {seconds:.1f} s"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="benchmarks/auth", description=__doc__)
    parser.add_argument("--algorithm", choices=("EdDSA", "ES256", "HS256"), default="EdDSA")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=str(Path(folder)), token_algorithm=given.algorithm)
        with open_campus(settings) as campus:
            campus.users.create(campus.operator, NewUser(username="ada", password=PASSWORD))
            campus.auth.login("ada", PASSWORD, ORIGIN)
            rows = [of_requests(campus), *of_tokens(campus), *of_logins(campus)]
            machine = ", ".join(f"{name} {value}" for name, value in describe().items())
            print(f"{machine}; {given.algorithm}; SQLite, synchronous=FULL\n")
            print(
                "| what | us | beside | us | more | ratio |\n| --- | --- | --- | --- | --- | --- |"
            )
            print("\n".join(row.line for row in rows))
            print(f"\n{of_audit(campus)}")


if __name__ == "__main__":
    main()

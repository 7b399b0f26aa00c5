"""A crowd of processes on one campus, each of which answers a line of JSON with another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from campuscore import Campus, NewUser, Settings
from campuscore.domain.auth import Origin

__all__ = ["Member", "crowd_of", "sessions_of"]


class Member:
    """One process of the crowd."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, what: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(what)}\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


@contextmanager
def crowd_of(
    script: str, settings: Settings, words: Sequence[str] | Sequence[int]
) -> Iterator[list[Member]]:
    """Start a script of this folder once for each word, and wait until all are ready."""
    path = str(Path(__file__).with_name(script))
    command, pipe = [sys.executable, path, settings.database_url, settings.home], subprocess.PIPE
    with ExitStack() as stack:
        crowd = []
        for word in words:
            started = subprocess.Popen([*command, str(word)], stdin=pipe, stdout=pipe, text=True)
            stack.enter_context(started)
            stack.callback(started.kill)
            crowd.append(Member(started))
        assert [member.hear() for member in crowd] == ["ready"] * len(crowd)
        yield crowd


def sessions_of(campus: Campus, count: int, agent: str | None = None) -> list[str]:
    """Open sessions of one user without hashing a password for each; return refresh tokens."""
    user = campus.users.create(campus.operator, NewUser(username="anna"))
    opening, now = campus.auth._opening, campus.auth.days.now()
    origin = Origin(user_agent=agent)
    with campus.auth.store.write() as work:
        tokens = [str(opening.open(work, user.id, now, origin).token) for _ in range(count)]
        work.commit()
    return tokens

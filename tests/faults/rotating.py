"""One of many processes that issue and verify access tokens while all of them rotate the keys.

Usage: ``rotating.py DATABASE_URL HOME ROTATIONS``: says ready, reads a line with a JSON list of
refresh tokens of its own, answers a line with an access token for each. Reads a line with the
access tokens of all, answers a line that says which of them count.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from campuscore import Campus, Settings, open_campus
from campuscore.errors import Unauthenticated
from campuscore.settings.values import Secret


def counts(campus: Campus, access: str) -> bool:
    try:
        return campus.auth.authenticate(access).username == "anna"
    except Unauthenticated:
        return False


def issue(campus: Campus, tokens: list[str], rotations: int) -> Iterator[str]:
    for number, token in enumerate(tokens):
        yield campus.auth.refresh(token).access
        if number < rotations:
            campus.auth.keys.rotate(campus.operator)


def answer(what: object) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def main(url: str, home: str, rotations: str) -> None:
    settings = Settings(database_url=url, home=home, secret_key=Secret("one for all" * 3))
    with open_campus(settings) as campus:
        answer("ready")
        answer(list(issue(campus, json.loads(sys.stdin.readline()), int(rotations))))
        answer([counts(campus, access) for access in json.loads(sys.stdin.readline())])


main(*sys.argv[1:])

"""One of many processes that refresh the same tokens, or use an empty ring of keys at once.

Usage: ``refreshing.py DATABASE_URL HOME AGENT``: says ready, reads a line with a JSON list of
refresh tokens, answers a line with what each of them gave, or null.
"""

from __future__ import annotations

import json
import sys

from campuscore import Settings, open_campus
from campuscore.domain.auth import Origin
from campuscore.errors import Unauthenticated
from campuscore.settings.values import Secret


def main(url: str, home: str, agent: str) -> None:
    settings = Settings(database_url=url, home=home, secret_key=Secret("one for all" * 3))
    with open_campus(settings) as campus:
        sys.stdout.write(json.dumps("ready") + "\n")
        sys.stdout.flush()
        for line in sys.stdin:
            answers = []
            for token in json.loads(line):
                try:
                    pair = campus.auth.refresh(token, Origin(user_agent=agent))
                    campus.auth.authenticate(pair.access)
                    answers.append(pair.refresh)
                except Unauthenticated:
                    answers.append(None)
            sys.stdout.write(json.dumps(answers) + "\n")
            sys.stdout.flush()


main(*sys.argv[1:])

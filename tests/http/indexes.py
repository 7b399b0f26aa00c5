"""A small index in memory, and a client that calls its app."""

from __future__ import annotations

from falcon.testing import TestClient
from tests.index.dists import sdist, wheel

from campuscore import NewUser, Role, Settings, open_campus
from campuscore.adapters.http.app import create_app
from campuscore.domain.auth import NewApiToken
from campuscore.domain.packages import NewUpload

__all__ = ["Index"]

EVIL = "Requires-Python: >=3.9, !=3.9.1, <4"


class Index:
    """A campus in memory with a few files, and a client that calls its app."""

    def __init__(self, **settings):
        self.campus = open_campus(Settings(database_url="memory://", **settings))
        self.client = TestClient(create_app(self.campus))
        self.files = [
            self.put(dist)
            for dist in (
                wheel("demo_lab", "1.0", EVIL),
                sdist("demo_lab", "1.0"),
                wheel("demo_lab", "1.10"),
                wheel("other", "2.0"),
            )
        ]

    def put(self, dist):
        new = NewUpload(filename=dist.filename)
        return self.campus.packages.upload(self.campus.operator, new, [dist.data]).file

    def token(self, username, role=Role.TEACHER, *scopes):
        key = self.campus.users.create(
            self.campus.operator, NewUser(username=username, role=role)
        ).id
        new = NewApiToken(name="t", scopes=scopes or ("*",))
        return self.campus.auth.tokens.mint(self.campus.operator, new, key).token

    def get(self, path, **headers):
        return self.client.simulate_get(path, headers=headers)

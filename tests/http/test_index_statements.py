"""A page of the index costs the same few SQL statements, however many files it lists."""

from __future__ import annotations

import pytest
from falcon.testing import TestClient
from tests.index.dists import wheel

from campuscore import Settings, open_campus
from campuscore.adapters.http.app import create_app
from campuscore.adapters.http.packages.simple import file_path
from campuscore.domain.auth import NewApiToken
from campuscore.domain.packages import NewUpload
from campuscore.domain.users import NewUser

from .test_statements import Counter, begins

JSON = "application/vnd.pypi.simple.v1+json"
FEW, MANY = 2, 12
COSTS = {
    "/simple/": (2, 1),
    "/simple/demo-lab/": (3, 1),
    "/projects/demo-lab/": (2, 2),
    "/pypi/demo-lab/json": (2, 2),
    "/simple/demo-lab/{filename}/": (3, 3),
    "{file}": (1, 1),
    "{file}.metadata": (1, 1),
}
"""What each address takes the first time, and then again."""


class Filled:
    def __init__(self, folder, files):
        self.campus = open_campus(Settings(home=str(folder), sqlite_synchronous="normal"))
        for number in range(files):
            dist = wheel("demo_lab", f"1.{number}")
            found = self.campus.packages.upload(
                self.campus.operator, NewUpload(filename=dist.filename), [dist.data]
            )
            other = wheel(f"other{number}")
            self.campus.packages.upload(
                self.campus.operator, NewUpload(filename=other.filename), [other.data]
            )
        self.named = {"filename": found.file.filename, "file": file_path(found.file)}
        self.counter = Counter()
        self.counter.attach(self.campus.packages.store)
        self.client = TestClient(create_app(self.campus))

    def ask(self, path, **headers):
        """Return how many statements a request took, and its answer."""
        self.counter.statements.clear()
        answer = self.client.simulate_get(path.format(**self.named), headers=headers)
        assert answer.status_code in {200, 302, 304}, answer.text
        return sum(not begins(each) for each in self.counter.statements), answer


@pytest.fixture(scope="module")
def campuses(tmp_path_factory):
    made = [Filled(tmp_path_factory.mktemp("index"), files) for files in (FEW, MANY)]
    yield made
    for each in made:
        each.campus.close()


@pytest.mark.parametrize("path", COSTS)
def test_the_number_of_statements_is_fixed(campuses, path):
    for each in campuses:
        each.client.simulate_get("/simple/")  # opens a connection
        each.campus.packages.shelf._rows.clear()
        assert (each.ask(path)[0], each.ask(path)[0]) == COSTS[path]


@pytest.mark.parametrize("path", ["/simple/", "/simple/demo-lab/"])
@pytest.mark.parametrize("accept", ["text/html", JSON])
def test_a_page_that_is_known_or_kept_costs_one_statement(campuses, path, accept):
    for each in campuses:
        _, first = each.ask(path, Accept=accept)
        tag = first.headers["etag"]
        for headers, status in (({}, 200), ({"If-None-Match": tag}, 304)):
            count, answer = each.ask(path, Accept=accept, **headers)
            assert (count, answer.status_code) == (1, status)


def test_who_asks_is_one_statement_more(campuses):
    for each in campuses:
        operator = each.campus.operator
        user = each.campus.users.create(operator, NewUser(username="asks")).id
        token = each.campus.auth.tokens.mint(operator, NewApiToken(name="t"), user).token
        headers = {"Authorization": f"Bearer {token}"}
        each.ask("/simple/demo-lab/", **headers)
        assert each.ask("/simple/demo-lab/", **headers)[0] == 2

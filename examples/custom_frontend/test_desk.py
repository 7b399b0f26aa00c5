"""The desk as its users meet it: lines go in through a pipe, and answers come out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from campuscore import NewGroup, NewUser, Role, open_campus

DESK = Path(__file__).with_name("desk.py")


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/campus.db"
    with open_campus(url) as campus:
        lab = campus.groups.create(campus.operator, NewGroup(name="Lab 1"))
        for username, first, last in (("0417", "Ada", "Lovelace"), ("0418", "Bob", "Hope")):
            new = NewUser(username=username, first_name=first, last_name=last)
            user = campus.users.create(campus.operator, new)
            campus.groups.add_user(campus.operator, lab.id, user.id, Role.STUDENT)
    return url


def talk(url, *lines):
    done = subprocess.run(
        [sys.executable, DESK, url],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_morning_at_the_desk(url):
    said = talk(
        url, "who is missing lab 1", "here 0417", "", "Who is  missing LAB 1", "bye", "here"
    )
    assert said[0] == "Bob Hope, Ada Lovelace"
    assert said[1].startswith("welcome, Ada: ")
    assert said[2:] == ["Bob Hope", "bye"]
    assert talk(url, "here 0418", "who is missing lab 1")[1] == "nobody"


def test_what_it_does_not_know(url):
    assert talk(
        url, "dance", "here nobody", "who is missing lab 9", "groups", "who is in lab 1"
    ) == [
        "pardon? Say help.",
        "sorry, there is no user 'nobody'",
        "sorry, there is no group 'lab 9'",
        "Lab 1",
        "Bob Hope (student), Ada Lovelace (student)",
    ]
    assert talk(url, "help")[0].startswith("here NAME")

"""What a repository may ask of its desk, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, insert, select, update

from campuscore.adapters.sql.auth import _ADD_TOKEN
from campuscore.adapters.sql.dialects import among, bytewise, ids_text, upsert
from campuscore.adapters.sql.tables import api_tokens, check_ins, leases, rooms, users
from campuscore.domain.attendance import CheckInMethod
from campuscore.errors import Conflict, Invalid, NotFound
from campuscore.ports.auth import NewSession
from campuscore.testing.contract import NOON, add_user

ADD_ROOM = insert(rooms)
ROOMS = select(rooms.c.id, rooms.c.name, rooms.c.capacity).order_by(bytewise(rooms.c.name))
NAMED = select(rooms.c.name).where(among(rooms.c.name, "names")).order_by(rooms.c.id)
NUMBERED = select(rooms.c.name).where(among(rooms.c.id, "ids")).order_by(rooms.c.id)
RESIZE = update(rooms).where(rooms.c.id == bindparam("room_id")).values(capacity=bindparam("seats"))
_new = upsert(rooms)
PUT_ROOM = _new.on_conflict_do_update(
    index_elements=["name"], set_={"capacity": rooms.c.capacity + _new.excluded.capacity}
)
ADD_UNLESS_THERE = upsert(leases).on_conflict_do_nothing(index_elements=["name"])
ADD_CHECK_IN = insert(check_ins)
SECRETS = select(api_tokens.c.secret_hash).order_by(api_tokens.c.id)
NAMES = ["zoo", "Lab", "\u00e4ther", "lab", "Zoo", "\u0416", "A-1", "A 2", "a", "_", "10", "9"]


@pytest.fixture(params=["sqlite", "postgres"])
def work(request):
    store = request.getfixturevalue(f"fresh_{request.param}")()
    with store.write() as work:
        yield work


@pytest.fixture
def desk(work):
    return work._desk


def room(name, capacity=1):
    return {"name": name, "capacity": capacity}


def test_insert_returns_the_key(desk):
    keys = [desk.insert(ADD_ROOM, room(name)) for name in NAMES]

    assert keys == list(range(1, len(NAMES) + 1))


def test_many_rows_get_keys_in_their_order(desk):
    first = desk.insert(ADD_ROOM, room("first"))
    keys = desk.insert_many(ADD_ROOM, [room(name) for name in NAMES])
    last = desk.insert(ADD_ROOM, room("last"))

    assert [first, *keys, last] == sorted({first, *keys, last})
    found = {row[0]: row[1] for row in desk.execute(ROOMS).all()}
    assert [found[key] for key in keys] == NAMES


def test_keys_of_many_rows_follow_those_of_one(work, desk):
    user = add_user(work, "anna")
    row = {"user_id": user, "at": NOON, "method": CheckInMethod.API, "day": NOON.date()}
    keys = [
        *desk.insert_many(ADD_CHECK_IN, [row]),
        *desk.insert_many(ADD_CHECK_IN, [row, row, row]),
        desk.insert(ADD_CHECK_IN, row),
    ]

    assert keys == [1, 2, 3, 4, 5]


def test_texts_are_ordered_by_code_points(desk):
    desk.execute_many(ADD_ROOM, [room(name) for name in NAMES])

    assert [row[1] for row in desk.execute(ROOMS).all()] == sorted(NAMES)


@pytest.mark.parametrize("names", [[], ["Lab"], ["zoo", 'q"\\', "\u0416"], NAMES])
def test_among_takes_texts(desk, names):
    desk.execute_many(ADD_ROOM, [room(name) for name in NAMES])

    assert set(desk.execute(NAMED, {"names": ids_text(names)}).scalars()) == {*names} & {*NAMES}


@pytest.mark.parametrize("ids", [[], [1], [1, 1 << 62, 3, -1]])
def test_among_takes_numbers(desk, ids):
    desk.execute_many(ADD_ROOM, [room(name) for name in NAMES[:3]])

    found = desk.execute(NUMBERED, {"ids": ids_text(ids)}).scalars()
    assert found == [NAMES[i - 1] for i in ids if i in {1, 2, 3}]


def test_an_upsert_inserts_or_merges(desk):
    desk.execute(PUT_ROOM, room("Lab", 2))
    desk.execute(PUT_ROOM, room("Lab", 3))
    desk.execute_many(PUT_ROOM, [room("Lab", 5), room("Zoo", 7)])

    assert [tuple(row[1:]) for row in desk.execute(ROOMS).all()] == [("Lab", 10), ("Zoo", 7)]


def test_an_upsert_that_does_nothing_says_so(desk):
    lease = {"name": "x", "owner": "me", "until": NOON}

    assert desk.execute(ADD_UNLESS_THERE, lease).rowcount == 1
    assert desk.execute(ADD_UNLESS_THERE, lease).rowcount == 0


def test_many_updates(desk):
    ids = desk.insert_many(ADD_ROOM, [room("a"), room("b")])
    desk.execute_many(RESIZE, [{"room_id": key, "seats": key * 10} for key in ids])
    desk.execute_many(RESIZE, [])

    assert [row[2] for row in desk.execute(ROOMS).all()] == [key * 10 for key in ids]


def test_a_name_that_is_not_given_is_null(desk):
    desk.insert_many(ADD_ROOM, [{"name": "a"}, {"name": "b"}])
    desk.execute_many(ADD_ROOM, [room("c", None), room("d")])

    assert [row[2] for row in desk.execute(ROOMS).all()] == [None, None, None, 1]


def test_bytes_are_stored_one_by_one_and_many(work, desk):
    secrets = [bytes([n] * 32) for n in range(4)]
    rows = [
        {
            "user_id": add_user(work, f"user{n}"),
            "name": "x",
            "scopes": ("*",),
            "created_at": NOON,
            "secret_hash": secret,
        }
        for n, secret in enumerate(secrets)
    ]
    desk.insert(_ADD_TOKEN, rows[0])
    desk.insert_many(_ADD_TOKEN, rows[1:])

    assert desk.execute(SECRETS).scalars() == secrets


def test_a_stream_goes_on_while_others_are_asked(desk):
    desk.execute_many(ADD_ROOM, [room(f"{n:05}") for n in range(4500)])
    seen = 0
    for run in desk.stream(ROOMS, {}).runs():
        assert desk.execute(NUMBERED, {"ids": ids_text([run[0][0]])}).scalar() == run[0][1]
        seen += len(run)

    assert seen == 4500


def test_refusals_are_ours(work, desk):
    desk.insert(ADD_ROOM, room("Lab"))
    for act in (desk.insert, desk.execute):
        with pytest.raises(Conflict), work.savepoint():
            act(ADD_ROOM, room("Lab"))
    with pytest.raises(Conflict), work.savepoint():
        desk.execute_many(ADD_ROOM, [room("Zoo"), room("Lab")])
    with pytest.raises(Conflict), work.savepoint():
        desk.insert_many(ADD_ROOM, [room("Zoo"), room("Lab")])
    with pytest.raises(NotFound), work.savepoint():
        work.sessions.open(NewSession(404, b"0" * 32, b"0" * 32, NOON, NOON, None, None))
    for wrong in (1 << 64, -1 << 64):
        with pytest.raises(Invalid), work.savepoint():
            desk.execute_many(RESIZE, [{"room_id": wrong, "seats": 1}, {"room_id": 1, "seats": 1}])
    assert [row[1] for row in desk.execute(ROOMS).all()] == ["Lab"]


def test_users_are_found_by_any_of_many_names(work, desk):
    """One parameter, however many there are."""
    ids = [add_user(work, f"user{n}") for n in range(3)]
    statement = select(users.c.id).where(among(users.c.username_key, "keys"))
    keys = ids_text([f"user{n}" for n in range(50_000)])

    assert sorted(desk.execute(statement, {"keys": keys}).scalars()) == ids

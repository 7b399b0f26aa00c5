"""The timetable, its terms and rooms, over HTTP."""

from __future__ import annotations

import pytest

KEYS = ["id", "group", "title", "date", "start", "end", "room"]


@pytest.fixture
def room(admin, world):
    return admin.post("/rooms/", {"name": f"Room {world.number}", "capacity": 20}).json["id"]


@pytest.fixture
def entry(admin, world, room):
    given = {
        "group": world.groups["lab"],
        "title": "Algebra",
        "date": "2024-03-05",
        "start": "09:30",
        "end": "11:00:00",
        "room": room,
    }
    answer = admin.post("/schedule/", given)
    assert answer.status == 201
    return answer.json


def new(entry):
    """Return the fields of an entry that a new one has."""
    return {name: value for name, value in entry.items() if name != "id"}


def test_an_entry_is_created_with_group_title_and_date_alone(admin, world):
    given = {"group": world.groups["lab"], "title": "Algebra", "date": "2024-03-05"}
    row = admin.post("/schedule/", given).json

    assert list(row) == KEYS
    assert row == {"id": row["id"], **given, "start": None, "end": None, "room": None}


def test_times_and_room_come_back(admin, entry, room):
    assert (entry["start"], entry["end"], entry["room"]) == ("09:30:00", "11:00:00", room)
    assert admin.get(f"/schedule/{entry['id']}/").json == entry


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_client_may_send_back_what_it_got(admin, entry, method):
    path = f"/schedule/{entry['id']}/"

    assert admin.request(method, path, entry).json == entry
    changed = admin.request(method, path, {**entry, "title": "Logic", "room": None})
    assert (changed.status, changed.json) == (200, {**entry, "title": "Logic", "room": None})


def test_what_is_not_given_stays(admin, entry):
    changed = admin.patch(f"/schedule/{entry['id']}/", {"date": "2024-03-06"}).json

    assert changed == {**entry, "date": "2024-03-06"}


def test_an_entry_is_removed(admin, entry):
    path = f"/schedule/{entry['id']}/"

    assert admin.delete(path).status == 204
    assert {admin.get(path).status, admin.delete(path).status} == {404}


def test_filters_and_order(admin, world):
    def add(group, day):
        given = {"group": world.groups[group], "title": "x", "date": f"2024-08-{day:02}"}
        return admin.post("/schedule/", given).json["id"]

    late, early, middle, other = add("lab", 9), add("lab", 7), add("lab", 8), add("other", 8)
    lab = f"group={world.groups['lab']}"

    def found(query):
        return [row["id"] for row in admin.get(f"/schedule/?{query}").json]

    assert found(lab) == [early, middle, late]
    assert found(f"{lab}&from=2024-08-08") == [middle, late]
    assert found(f"{lab}&to=2024-08-08") == [early, middle]
    assert found("from=2024-08-08&to=2024-08-08")[-2:] == [middle, other]

    pages, path = [], f"/schedule/?{lab}&limit=2"
    while path:
        answer = admin.get(path)
        pages.append([row["id"] for row in answer.json])
        path = answer.next_page
    assert pages == [[early, middle], [late]]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"title": " "}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"date": "tomorrow"}, "/date"),
        ({"start": "25:00"}, "/start"),
        ({"start": "09:30:00Z"}, "/start"),
        ({"start": "09:30:00.5"}, "/start"),
        ({"start": None, "end": "10:00"}, "/end"),
        ({"start": "10:00", "end": "10:00"}, "/end"),
        ({"room": 999_999}, "/room"),
        ({"teacher": 1}, "/teacher"),
    ],
)
def test_a_bad_entry_is_refused(server, admin, entry, change, path):
    one = f"/schedule/{entry['id']}/"
    with server.untouched():
        refused = [
            admin.post("/schedule/", {**new(entry), **change}),
            admin.put(one, {**entry, **change}),
            admin.patch(one, change),
        ]

    assert {(each.status, *each.paths) for each in refused} == {(422, path)}


def test_an_unknown_group_is_404(server, admin, entry):
    with server.untouched():
        refused = [
            admin.post("/schedule/", {**new(entry), "group": 999_999}),
            admin.patch(f"/schedule/{entry['id']}/", {"group": 999_999}),
        ]

    assert {(each.status, each.code) for each in refused} == {(404, "group_not_found")}


class TestRights:
    def test_members_read_and_teachers_write(self, server, world, entry):
        one = f"/schedule/{entry['id']}/"
        for who in ("student", "assistant"):
            client = world.client(who)
            assert client.get(one).json == entry
            assert client.get("/schedule/").json == [entry]
            with server.untouched():
                refused = [
                    client.patch(one, {"title": "x"}),
                    client.delete(one),
                    client.post("/schedule/", new(entry)),
                ]
            assert {each.status for each in refused} == {403}
        assert world.client("teacher").patch(one, {"title": "Logic"}).status == 200
        assert world.client("teacher").delete(one).status == 204

    def test_for_others_it_is_not_there(self, server, world, entry):
        client, one = world.client("colleague"), f"/schedule/{entry['id']}/"
        assert client.get("/schedule/").json == []
        with server.untouched():
            refused = [client.get(one), client.patch(one, {"title": "x"}), client.delete(one)]
            unknown = client.get("/schedule/999999/")
        assert {(each.status, each.code) for each in [*refused, unknown]} == {
            (404, "entry_not_found")
        }

    def test_an_entry_does_not_move_to_a_group_of_others(self, server, world, entry):
        client = world.client("teacher")
        with server.untouched():
            refused = client.patch(f"/schedule/{entry['id']}/", {"group": world.groups["other"]})
        assert refused.status == 404


PLACES = {
    "terms": (
        {"name": "Spring", "first_day": "2024-02-01", "last_day": "2024-06-30", "code": "S"},
        {"last_day": "2024-01-01"},
        "/last_day",
        "term_not_found",
    ),
    "rooms": ({"name": "Aula", "capacity": 120}, {"capacity": -1}, "/capacity", "room_not_found"),
}


@pytest.mark.parametrize("kind", PLACES)
class TestPlaces:
    """Terms and rooms: everybody reads, administrators write."""

    @pytest.fixture
    def given(self, kind, world):
        return {**PLACES[kind][0], "name": f"{PLACES[kind][0]['name']} {world.number}"}

    def test_the_whole_life(self, admin, world, kind, given):
        created = admin.post(f"/{kind}/", given)
        assert (created.status, created.json) == (201, {"id": created.json["id"], **given})
        one = f"/{kind}/{created.json['id']}/"
        assert admin.get(one).json == created.json
        assert created.json in world.client("student").get(f"/{kind}/").json

        renamed = {**created.json, "name": f"New {given['name']}"}
        assert admin.put(one, renamed).json == renamed
        assert admin.delete(one).status == 204
        refused = [admin.get(one), admin.put(one, given), admin.delete(one)]
        assert {(each.status, each.code) for each in refused} == {(404, PLACES[kind][3])}

    def test_a_taken_name_is_a_conflict(self, server, admin, kind, given):
        admin.post(f"/{kind}/", given)
        other = admin.post(f"/{kind}/", {**given, "name": f"Other {given['name']}"}).json
        with server.untouched():
            refused = [
                admin.post(f"/{kind}/", given),
                admin.put(f"/{kind}/{other['id']}/", given),
            ]
        assert {each.status for each in refused} == {409}

    def test_a_bad_field_is_named(self, server, admin, kind, given):
        _, bad, path, _ = PLACES[kind]
        with server.untouched():
            refused = admin.post(f"/{kind}/", {**given, **bad})
        assert (refused.status, refused.paths) == (422, [path])

    @pytest.mark.parametrize("who", ["student", "teacher"])
    def test_only_administrators_write(self, server, world, admin, kind, given, who):
        client = world.client(who)
        one = f"/{kind}/{admin.post(f'/{kind}/', given).json['id']}/"
        with server.untouched():
            refused = [client.post(f"/{kind}/", given), client.put(one, given), client.delete(one)]
        assert {each.status for each in refused} == {403}


def test_a_room_in_use_stays(server, admin, entry):
    with server.untouched():
        refused = admin.delete(f"/rooms/{entry['room']}/")

    assert refused.status == 409


def test_a_term_in_use_stays(server, admin, world):
    given = {"name": world.name("t"), "first_day": "2024-02-01", "last_day": "2024-06-30"}
    term = admin.post("/terms/", given).json["id"]
    admin.patch(f"/groups/{world.groups['lab']}/", {"term": term})
    with server.untouched():
        refused = admin.delete(f"/terms/{term}/")

    assert refused.status == 409


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_end_of_time_is_no_failure(admin, world, day):
    given = {"group": world.groups["lab"], "title": "x", "date": day, "start": "01:00"}
    answer = admin.post("/schedule/", given)
    (path, wanted) = ("/start", 422) if day == "0001-01-01" else ("", 201)

    assert answer.status == wanted
    assert path == "" or answer.paths == [path]
    days = admin.get(f"/attendance/aggregated/?from={day}&to={day}")
    assert (days.status, days.json) == (200, [])

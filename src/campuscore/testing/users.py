"""The contract of the repository of users."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter

import pytest
from attrs import evolve

from campuscore.domain.access import Reach, Scope
from campuscore.domain.paging import Slice
from campuscore.domain.users import NewUser, Role, User, UserName, UserQuery
from campuscore.errors import Conflict, NotFound
from campuscore.ports.work import Work, WorkFactory
from campuscore.testing.contract import EVERYTHING, NOBODY, NOON, TODAY, WHOLE, Contract, add_user
from campuscore.testing.faculty import PERSON_CASES, PersonCase, found_faculty

__all__ = ["UsersContract"]


class UsersContract(Contract):
    """What ``Users`` promises. The fixture ``store`` is an empty WorkFactory."""

    def test_added_user_is_found_as_given(self, store: WorkFactory) -> None:
        new = NewUser(
            username="Zoë",
            first_name="Zoë \N{RIGHT-TO-LEFT MARK}",
            last_name="O'Brien; DROP TABLE 😀",
            role=Role.TEACHER,
            email="zoe@example.org",
            locale="fr-CA",
        )
        at = NOON + timedelta(microseconds=1)
        with store.write() as work:
            user = work.users.add(new, at)
            work.commit()
        assert user == User(
            user.id,
            new.username,
            new.first_name,
            new.last_name,
            Role.TEACHER,
            new.email,
            new.locale,
            active=True,
            created_at=at,
        )
        with store.read() as work:
            found = work.users.find(user.id)
        assert found == user
        assert found is not None
        assert found.created_at.utcoffset() == timedelta(0)
        assert type(found.role) is Role

    def test_nobody_is_found_under_an_unknown_id(self, store: WorkFactory) -> None:
        with store.read() as work:
            assert work.users.find(NOBODY) is None
            assert work.users.find(0) is None

    def test_what_was_read_does_not_change_what_is_stored(self, store: WorkFactory) -> None:
        with store.write() as work:
            key = add_user(work, "alice")
            for found in (work.users.find(key), *work.users.find_named(["alice"])):
                assert found is not None
                found.username = "mallory"
            work.users.list(EVERYTHING, UserQuery(), WHOLE)[0].username = "mallory"
            assert _named(work, key) == "alice"

    @pytest.mark.parametrize(
        ("first", "second"),
        [("alice", "alice"), ("Alice", "aLICE"), ("straße", "STRASSE"), ("ﬁona", "fiona")],
    )
    def test_usernames_are_unique_when_folded(
        self, store: WorkFactory, first: str, second: str
    ) -> None:
        with store.write() as work:
            add_user(work, first)
            with pytest.raises(Conflict) as caught, work.savepoint():
                add_user(work, second)
            assert caught.value.code == "username_taken"
            assert len(work.users.list(EVERYTHING, UserQuery(), WHOLE)) == 1

    def test_users_are_found_by_folded_names_in_the_order_of_ids(self, store: WorkFactory) -> None:
        with store.write() as work:
            keys = [add_user(work, name) for name in ("Müller", "bob", "carol")]
            user = work.users.find(keys[1])
            assert user is not None
            work.users.save(evolve(user, active=False))
            found = work.users.find_named(["BOB", "nobody", "mÜLLER", "bob"])
            assert [row.id for row in found] == keys[:2]
            assert work.users.find_named([]) == []

    def test_many_names_are_found_in_one_call(self, store: WorkFactory) -> None:
        names = [f"student{i:05}" for i in range(1500)]
        with store.write() as work:
            keys = [add_user(work, name) for name in names[::50]]
            assert [row.id for row in work.users.find_named(names)] == keys
            assert work.users.reached(EVERYTHING, range(1, 40_000), TODAY) == set(keys)

    def test_list_pages_in_the_order_of_ids(self, store: WorkFactory) -> None:
        with store.write() as work:
            keys = [add_user(work, name) for name in ("dora", "carl", "bert", "anna")]
            first = work.users.list(EVERYTHING, UserQuery(), Slice(3))
            rest = work.users.list(EVERYTHING, UserQuery(), Slice(3, (keys[2],)))
            assert [row.id for row in first] == keys[:3]
            assert [row.id for row in rest] == keys[3:]

    def test_list_filters_by_activity_and_role(self, store: WorkFactory) -> None:
        with store.write() as work:
            anna, bert = add_user(work, "anna"), add_user(work, "bert", Role.TEACHER)
            user = work.users.find(bert)
            assert user is not None
            work.users.save(evolve(user, active=False))
            assert _ids(work, UserQuery()) == [anna]
            assert _ids(work, UserQuery(active=False)) == [bert]
            assert _ids(work, UserQuery(active=None)) == [anna, bert]
            assert _ids(work, UserQuery(active=None, role=Role.TEACHER)) == [bert]

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("ANN", ["anna"]),
            ("kowal", ["anna"]),
            ("ИВАНО", ["ivan"]),
            ("élo", ["ivan"]),
            ("a_b", ["a_b"]),
            ("%", []),
            ("\\", []),
            ("", ["anna", "ivan", "a_b", "axb"]),
        ],
    )
    def test_search_finds_part_of_a_name_in_any_case(
        self, store: WorkFactory, search: str, found: list[str]
    ) -> None:
        with store.write() as work:
            add_user(work, "anna", last="Kowalska")
            add_user(work, "ivan", last="Иванов", first="Éloïse")
            add_user(work, "a_b")
            add_user(work, "axb")
            rows = work.users.list(EVERYTHING, UserQuery(search=search), WHOLE)
            assert [row.username for row in rows] == found

    def test_names_are_the_directory_of_the_list(self, store: WorkFactory) -> None:
        with store.write() as work:
            add_user(work, "anna", first="Anna", last="Kowalska")
            add_user(work, "bert", Role.TEACHER)
            rows = work.users.list(EVERYTHING, UserQuery(), WHOLE)
            assert work.users.names(EVERYTHING, UserQuery(), WHOLE) == [
                UserName(r.id, r.username, r.first_name, r.last_name, r.role) for r in rows
            ]
            assert work.users.names(EVERYTHING, UserQuery(role=Role.ADMIN), WHOLE) == []

    def test_saved_user_replaces_the_old_one(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = work.users.find(add_user(work, "anna"))
            assert user is not None
            changed = evolve(
                user, username="ANNA", first_name="A", last_name="K", role=Role.ADMIN, active=False
            )
            work.users.save(changed)
            work.commit()
        with store.read() as work:
            assert work.users.find(user.id) == changed

    def test_save_frees_the_old_name_and_keeps_others_from_the_new_one(
        self, store: WorkFactory
    ) -> None:
        with store.write() as work:
            user = work.users.find(add_user(work, "anna"))
            assert user is not None
            work.users.save(evolve(user, username="bella"))
            other = work.users.find(add_user(work, "anna"))
            assert other is not None
            with pytest.raises(Conflict), work.savepoint():
                work.users.save(evolve(other, username="BELLA"))
            assert _named(work, other.id) == "anna"

    def test_an_unknown_user_cannot_be_saved(self, store: WorkFactory) -> None:
        with store.write() as work:
            user = work.users.find(add_user(work, "anna"))
            assert user is not None
            with pytest.raises(NotFound), work.savepoint():
                work.users.save(evolve(user, id=NOBODY, username="bella"))

    def test_reached_leaves_out_who_is_no_user(self, store: WorkFactory) -> None:
        with store.write() as work:
            key = add_user(work, "anna")
            assert work.users.reached(EVERYTHING, [key, NOBODY], TODAY) == {key}
            assert work.users.reached(EVERYTHING, [], TODAY) == set()
            nobody = Scope(Reach.SELF, NOBODY, TODAY)
            assert work.users.reached(nobody, [key, NOBODY], TODAY) == set()

    @pytest.mark.parametrize("case", PERSON_CASES, ids=attrgetter("label"))
    def test_reached_follows_the_scope(self, store: WorkFactory, case: PersonCase) -> None:
        faculty = found_faculty(store)
        scope = faculty.scope(case.reach, case.principal)
        with store.read() as work:
            found = work.users.reached(scope, list(faculty.users.values()), case.day)
        assert faculty.user_names(found) == case.reached

    @pytest.mark.parametrize(
        "case", [c for c in PERSON_CASES if c.day == TODAY], ids=attrgetter("label")
    )
    def test_lists_follow_the_scope_as_of_its_day(
        self, store: WorkFactory, case: PersonCase
    ) -> None:
        faculty = found_faculty(store)
        scope = faculty.scope(case.reach, case.principal)
        with store.read() as work:
            rows = work.users.list(scope, UserQuery(), WHOLE)
            names = work.users.names(scope, UserQuery(), WHOLE)
        assert {row.username for row in rows} == case.reached
        assert [name.id for name in names] == [row.id for row in rows] == sorted(r.id for r in rows)


def _named(work: Work, key: int) -> str | None:
    user = work.users.find(key)
    return user.username if user else None


def _ids(work: Work, query: UserQuery) -> list[int]:
    return [row.id for row in work.users.list(EVERYTHING, query, WHOLE)]

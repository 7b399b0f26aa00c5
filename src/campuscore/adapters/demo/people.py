"""People with English and Russian names, made up from lists."""
# ruff: noqa: RUF001 - Russian letters are meant

from __future__ import annotations

from collections.abc import Container, Iterator
from random import Random

from attrs import frozen

from campuscore.domain.users import Role, username_key

__all__ = ["Person", "invent"]

TEACHERS, ASSISTANTS, STUDENTS = 8, 8, 104

_ENGLISH = [
    "Alice",
    "Amelia",
    "Anna",
    "Ben",
    "Charlotte",
    "Daniel",
    "David",
    "Edward",
    "Ella",
    "Emily",
    "Emma",
    "Ethan",
    "Grace",
    "Hannah",
    "Harry",
    "Henry",
    "Isla",
    "Jack",
    "James",
    "Joseph",
    "Julia",
    "Leo",
    "Lily",
    "Lucy",
    "Martin",
    "Mary",
    "Mia",
    "Nora",
    "Oliver",
    "Oscar",
    "Owen",
    "Paul",
    "Peter",
    "Rose",
    "Ruth",
    "Samuel",
    "Sarah",
    "Sophie",
    "Thomas",
    "William",
]
_ENGLISH_LAST = [
    "Abbott",
    "Archer",
    "Barnes",
    "Bennett",
    "Brooks",
    "Carter",
    "Clarke",
    "Cole",
    "Cooper",
    "Dawson",
    "Elliott",
    "Ellis",
    "Fisher",
    "Foster",
    "Gibson",
    "Grant",
    "Harper",
    "Harris",
    "Hayes",
    "Hughes",
    "Hunt",
    "Knight",
    "Lambert",
    "Lawson",
    "Marsh",
    "Mason",
    "Mills",
    "Newton",
    "Palmer",
    "Parker",
    "Pearce",
    "Reed",
    "Russell",
    "Shaw",
    "Spencer",
    "Stone",
    "Turner",
    "Walker",
    "Webb",
    "Wood",
]
_MEN = {
    "Александр": "alexander",
    "Алексей": "alexey",
    "Андрей": "andrey",
    "Артём": "artyom",
    "Дмитрий": "dmitry",
    "Егор": "egor",
    "Иван": "ivan",
    "Илья": "ilya",
    "Кирилл": "kirill",
    "Максим": "maxim",
    "Михаил": "mikhail",
    "Никита": "nikita",
    "Павел": "pavel",
    "Сергей": "sergey",
    "Тимур": "timur",
}
_WOMEN = {
    "Алина": "alina",
    "Анастасия": "anastasia",
    "Вера": "vera",
    "Дарья": "darya",
    "Екатерина": "ekaterina",
    "Елена": "elena",
    "Ирина": "irina",
    "Ксения": "ksenia",
    "Мария": "maria",
    "Надежда": "nadezhda",
    "Ольга": "olga",
    "Полина": "polina",
    "Софья": "sofya",
    "Татьяна": "tatyana",
    "Юлия": "yulia",
}
_RUSSIAN_LAST = {
    "Андреев": "andreev",
    "Белов": "belov",
    "Васильев": "vasilyev",
    "Виноградов": "vinogradov",
    "Волков": "volkov",
    "Голубев": "golubev",
    "Григорьев": "grigoryev",
    "Егоров": "egorov",
    "Захаров": "zakharov",
    "Иванов": "ivanov",
    "Калинин": "kalinin",
    "Ковалёв": "kovalyov",
    "Козлов": "kozlov",
    "Крылов": "krylov",
    "Кузнецов": "kuznetsov",
    "Лебедев": "lebedev",
    "Макаров": "makarov",
    "Морозов": "morozov",
    "Никитин": "nikitin",
    "Новиков": "novikov",
    "Орлов": "orlov",
    "Павлов": "pavlov",
    "Петров": "petrov",
    "Попов": "popov",
    "Романов": "romanov",
    "Семёнов": "semyonov",
    "Смирнов": "smirnov",
    "Соколов": "sokolov",
    "Тихонов": "tikhonov",
    "Фёдоров": "fyodorov",
}

Name = tuple[str, str, str]


@frozen
class Person:
    """Somebody of the demonstration."""

    username: str
    first_name: str
    last_name: str
    role: Role


def invent(chance: Random, taken: Container[str]) -> list[Person]:
    """Make up teachers, assistants and students, in this order; no name is taken twice."""
    roles = [Role.TEACHER] * TEACHERS + [Role.ASSISTANT] * ASSISTANTS + [Role.STUDENT] * STUDENTS
    used: set[str] = set()
    people: list[Person] = []
    for role, (first, last, plain) in zip(roles, _names(chance), strict=False):
        username = _free(plain, used, taken)
        used.add(username)
        people.append(Person(username, first, last, role))
    return people


def _names(chance: Random) -> Iterator[Name]:
    """Yield names without end, none of them twice before all were used."""
    english = [(a, b, f"{a[0]}{b}".lower()) for a in _ENGLISH for b in _ENGLISH_LAST]
    russian = [(a, b, f"{x[0]}{y}") for a, x in _MEN.items() for b, y in _RUSSIAN_LAST.items()]
    russian += [
        (a, f"{b}а", f"{x[0]}{y}a") for a, x in _WOMEN.items() for b, y in _RUSSIAN_LAST.items()
    ]
    chance.shuffle(english)
    chance.shuffle(russian)
    for pair in zip(english, russian, strict=False):
        yield from pair


def _free(plain: str, used: set[str], taken: Container[str]) -> str:
    username, number = plain, 2
    while username in used or username_key(username) in taken:
        username, number = f"{plain}{number}", number + 1
    return username

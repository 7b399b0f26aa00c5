"""What a password must be (NIST SP 800-63B-4, section 3.1.1: length counts, composition does not).

There is no expiry and no rule about kinds of characters. What everybody tries first is refused:
well-known passwords, the user's own names, and words that are expected in this place.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from campuscore.domain.checks import check_kind
from campuscore.domain.users import NewUser, Role, User
from campuscore.errors import Invalid

__all__ = [
    "LEAST_LENGTH",
    "LONGEST",
    "LONGEST_TYPED",
    "Holder",
    "PasswordRules",
    "Rewrapped",
    "Wrapping",
    "normalised",
]

LEAST_LENGTH: Final = 8
"""The shortest length that a campus may ask for."""

LONGEST: Final = 1024
"""The longest password that is taken, in characters; none is ever cut."""

LONGEST_TYPED: Final = 4 * LONGEST
"""What is typed may have more characters than this only if it is too long as well: composition
makes one character of four at the most."""

_SERVICE: Final = ("campuscore", "campus")
_STAFF: Final = frozenset({Role.TEACHER, Role.ASSISTANT, Role.ADMIN})
_SHORTEST_WORD: Final = 3
_LONGEST_UNIT: Final = 4
_SPLIT: Final = re.compile(r"[\W\d_]+")


class Wrapping(StrEnum):
    """How a stored hash is sealed under SECRET_KEY."""

    CURRENT = "current"
    OLDER = "older"
    BARE = "bare"
    FOREIGN = "foreign"
    DAMAGED = "damaged"


@frozen(kw_only=True)
class Rewrapped:
    """What became of the stored hashes: sealed anew, right as they were, beyond any known key."""

    sealed: int = 0
    kept: int = 0
    foreign: int = 0


@frozen
class Holder:
    """Whose password it is: the campus role, and the names that everybody knows of them."""

    role: Role = Role.STUDENT
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, user: User | NewUser) -> Holder:
        """Return what the rules ask of a user."""
        local = user.email.partition("@")[0]
        return cls(user.role, (user.username, local, user.first_name, user.last_name))


@frozen(kw_only=True)
class PasswordRules:
    """The rules of one campus.

    ``known`` says of a text whether it is a well-known or a breached password.

    >>> rules = PasswordRules(known=lambda text: text == "password")
    >>> rules.check("a long pass phrase", Holder(Role.ADMIN))
    >>> rules.check("password2027", Holder())
    Traceback (most recent call last):
    campuscore.errors.Invalid: /password: is a well-known password, or one with some signs around it
    """

    known: Callable[[str], bool] = field(repr=False)
    least: int = 12
    least_staff: int = 15
    words: tuple[str, ...] = ()

    def least_for(self, role: Role) -> int:
        """Return how many characters a password must have in a campus role."""
        return max(self.least, self.least_staff) if role in _STAFF else self.least

    def check(self, password: str, holder: Holder, path: str = "/password") -> None:
        """Raise Invalid when a new password breaks a rule, and say which.

        Characters are code points after composition (NFC).
        """
        check_kind(password, str, path)
        problem = self._problem(normalised(password), holder)
        if problem:
            raise Invalid.at(path, problem)

    def invent(self, holder: Holder) -> str:
        """Make up a password that keeps the rules, of at least 96 random bits."""
        size = max(12, self.least_for(holder.role))
        while True:
            password = secrets.token_urlsafe(size)
            if not self._problem(password, holder):
                return password

    def _problem(self, text: str, holder: Holder) -> str:
        least = self.least_for(holder.role)
        if len(text) < least:
            kind = f" for the role {holder.role}" if least != self.least else ""
            return f"must have at least {least} characters{kind}"
        if len(text) > LONGEST:
            return f"must have at most {LONGEST} characters"
        if any("\ud800" <= ch <= "\udfff" for ch in text):
            return "contains half of a surrogate pair"
        return self._guessable(text, holder)

    def _guessable(self, text: str, holder: Holder) -> str:
        folded = _folded(text)
        if len(_unit(folded)) <= _LONGEST_UNIT:
            return "repeats a few characters"
        if _is_made_of(folded, _words(holder.names)):
            return "is made of nothing but the username, a name or the e-mail address"
        if _is_made_of(folded, _words((*_SERVICE, *self.words))):
            return "is made of nothing but words that everybody expects here, such as campuscore"
        if self.known(text) or any(self.known(each) for each in _variants(folded)):
            return "is a well-known password, or one with some signs around it"
        return ""


def normalised(password: str) -> str:
    """Compose characters (NFC), so that a password fits from whatever keyboard it comes.

    >>> len(normalised("e" + chr(0x301)))
    1
    """
    return unicodedata.normalize("NFC", password)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(texts: Iterable[str]) -> set[str]:
    """Return texts and their parts as they are compared, without the very short ones."""
    found = {part for text in map(_folded, texts) for part in (text, *_SPLIT.split(text))}
    return {word for word in found if len(word) >= _SHORTEST_WORD}


def _is_made_of(text: str, words: set[str]) -> bool:
    """Say whether at least one of the words, and digits and signs, are all that there is."""
    if not any(word in text for word in words):
        return False
    reached = [True] + [False] * len(text)
    for at, ch in enumerate(text):
        if reached[at]:
            if not ch.isalpha():
                reached[at + 1] = True
            for word in words:
                if text.startswith(word, at):
                    reached[at + len(word)] = True
    return reached[-1]


def _variants(folded: str) -> Iterator[str]:
    """Yield what a text is made of where that is most of it: the list may know this."""
    yield folded
    yield _unit(folded)
    core = _unit(_stripped(folded))
    if 2 * len(_stripped(folded)) >= len(folded):
        yield _stripped(folded)
        yield core


def _stripped(text: str) -> str:
    """Return a text without the digits and signs before its first and behind its last letter."""
    letters = [at for at, ch in enumerate(text) if ch.isalpha()]
    return text[letters[0] : letters[-1] + 1] if letters else ""


def _unit(text: str) -> str:
    """Return the shortest text that gives this one when it is written again and again."""
    border, borders = 0, [0] * len(text)
    for at in range(1, len(text)):
        while border and text[at] != text[border]:
            border = borders[border - 1]
        if text[at] == text[border]:
            border += 1
        borders[at] = border
    return text[: len(text) - border]

"""What a setting is: its kind of value, how it is read, checked and shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard, cast

from attrs import Attribute, field, frozen

from campuscore.errors import Misconfigured

__all__ = [
    "Secret",
    "check_choice",
    "check_range",
    "check_secret",
    "convert",
    "masked",
    "says",
    "show",
    "without_password",
]

_SHORTEST_SECRET = 32
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_USER_PASSWORD = re.compile(r"^((?!sqlite)[^:]+://[^:/?#@]*:).*@")
_QUERY_PASSWORD = re.compile(r"([?&]password=)[^&#]*")


@frozen(repr=False)
class Secret:
    """A text that never prints."""

    reveal: str = ""

    def __repr__(self) -> str:
        return "Secret(***)" if self.reveal else "Secret()"

    __str__ = __repr__


def without_password(url: str) -> str:
    """Return a URL with its password masked: before the host, or in the query."""
    shown = _USER_PASSWORD.sub(r"\1***@", url)
    return _QUERY_PASSWORD.sub(r"\1***", shown)


def says(
    help_text: str,
    default: object,
    *,
    also: str = "",
    shown: Callable[[Any], str] | None = None,
    secrets: bool = False,
) -> Any:
    """Declare a setting: what it does, its default, and what shows its value.

    The texts of a list may be ``secrets``, which white space separates.
    """
    metadata = {"help": help_text, "also": also, "shown": shown, "secrets": secrets}
    return field(default=default, metadata=metadata, repr=shown or True)


def convert(item: Attribute[Any], raw: object) -> object:
    """Return what was read as the kind of value that a setting has, or raise Misconfigured."""
    name = item.name
    kind = cast("type[object]", type(item.default))
    if isinstance(raw, kind) and not (kind is int and isinstance(raw, bool)):
        return raw
    if kind is Secret and isinstance(raw, str):
        return Secret(raw)
    if kind is tuple and item.metadata["secrets"]:
        return _to_secrets(name, raw)
    if kind is tuple:
        return _to_tuple(name, raw)
    if isinstance(raw, str) and kind is bool:
        return _to_bool(name, raw)
    if isinstance(raw, str) and kind is int:
        return _to_int(name, raw)
    raise Misconfigured(f"{name}: must be {_KINDS[kind]}")


_KINDS: dict[type[object], str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    Secret: "text",
    tuple: "a list of texts",
}


def _to_tuple(name: str, raw: object) -> tuple[str, ...]:
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not _is_texts(parts):
        raise Misconfigured(f"{name}: must be a list of texts")
    return tuple(text.strip() for text in parts if text.strip())


def _to_secrets(name: str, raw: object) -> tuple[Secret, ...]:
    parts = raw.split() if isinstance(raw, str) else raw
    if not _is_texts(parts):
        raise Misconfigured(f"{name}: must be a list of texts")
    return tuple(map(Secret, parts))


def _is_texts(value: object) -> TypeGuard[Sequence[str]]:
    if not isinstance(value, list | tuple):
        return False
    return all(isinstance(part, str) for part in cast("Sequence[object]", value))


def _to_bool(name: str, raw: str) -> bool:
    if raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    raise Misconfigured(f"{name}: must be true or false, not {raw!r}")


def _to_int(name: str, raw: str) -> int:
    try:
        return int(raw)
    except ValueError as error:
        raise Misconfigured(f"{name}: must be a whole number, not {raw!r}") from error


def masked(secrets: Sequence[Secret]) -> str:
    """Return a list of secrets as people may see it."""
    return ",".join(map(show, secrets))


def show(value: object) -> str:
    """Return a value as people read it; secrets are masked."""
    if isinstance(value, Secret):
        return "***" if value.reveal else ""
    if _is_texts(value):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_secret(name: str, secret: Secret) -> None:
    """Raise Misconfigured where a secret key is too short."""
    size = len(secret.reveal.encode("utf-8", "surrogateescape"))
    if secret.reveal and size < _SHORTEST_SECRET:
        raise Misconfigured(f"{name}: has {size} bytes, needs at least {_SHORTEST_SECRET}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise Misconfigured where a setting is none of its words."""
    if value not in choices:
        raise Misconfigured(f"{name}: must be one of {', '.join(choices)}, not {value!r}")


def check_range(name: str, value: int, least: int, most: int) -> None:
    """Raise Misconfigured where a number is out of range."""
    if not least <= value <= most:
        raise Misconfigured(f"{name}: must be from {least} to {most}, not {value}")

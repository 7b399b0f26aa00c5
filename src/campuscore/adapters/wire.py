"""The one place where JSON and types meet: reading bodies, writing answers, describing both.

Untrusted JSON is structured by cattrs with every fault and its path; answers are encoded by msgspec
where it is installed (extra ``serve``), else by the standard library, to the same JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import partial
from typing import Any, TypeGuard, TypeVar, cast, get_args, get_origin

import attrs
from cattrs import BaseValidationError, ClassValidationError, Converter, IterableValidationError
from cattrs.cols import list_structure_factory
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from campuscore.domain.unset import Unset
from campuscore.errors import CampusError, Invalid, Problem

__all__ = ["Malformed", "encode", "is_array", "parse", "plain", "pointer", "structure"]

T = TypeVar("T")


class Malformed(CampusError):
    """A body cannot be read: by default because it is not JSON."""

    default_code = "malformed_json"


def encode(value: object) -> bytes:
    """Return a value of our own types as JSON, fields in the order of their class."""
    return _DUMP(_loosen(value))


def plain(value: object) -> Any:
    """Return a value of our own types as what ``json`` knows, as ``encode`` would write it."""
    return json.loads(encode(value))


def parse(text: bytes) -> Any:
    """Return what JSON text says, or raise Malformed with where it breaks off."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise Malformed("the JSON is nested too deeply") from error
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from error


def is_array(value: object) -> TypeGuard[list[object]]:
    """Say whether parsed JSON is an array."""
    return isinstance(value, list)


def pointer(*steps: str | int) -> str:
    """Return the JSON Pointer (RFC 6901) of a value, fit to be printed.

    >>> pointer("rows", 1, "a/b")
    '/rows/1/a~1b'
    """
    texts = (str(step).encode("utf-8", "backslashreplace").decode() for step in steps)
    return "".join("/" + text.replace("~", "~0").replace("/", "~1") for text in texts)


def structure(value: object, kind: type[T], *, ignored: Collection[str] = ()) -> T:
    """Return untrusted data as one of our types.

    Parameters
    ----------
    value
        Parsed JSON.
    kind
        What it has to be.
    ignored
        Names of fields of the outermost object that are passed over.

    Raises
    ------
    Invalid
        With the JSON Pointer of every fault.
    """
    if ignored and isinstance(value, Mapping):
        given = cast("Mapping[str, Any]", value)
        value = {name: each for name, each in given.items() if name not in ignored}
    try:
        return _CONVERTER.structure(value, kind)
    except BaseValidationError as error:
        raise Invalid(*_problems(error, "")) from error
    except (TypeError, ValueError, KeyError) as error:
        raise Invalid(Problem("", _sentence(error))) from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _problems(error: BaseException, path: str) -> list[Problem]:
    """Flatten cattrs' tree of faults into problems with their paths."""
    if isinstance(error, IterableValidationError):
        items, rest = error.group_exceptions()
        steps = [(fault, str(note.index)) for fault, note in items]
        return _deeper(steps, rest, path)
    if isinstance(error, ClassValidationError):
        members, rest = error.group_exceptions()
        return _deeper([(fault, note.name) for fault, note in members], rest, path)
    if isinstance(error, ForbiddenExtraKeysError):
        unknown = sorted(error.extra_fields)
        return [Problem(path + pointer(name), "is not a known field") for name in unknown]
    if isinstance(error, KeyError):
        return [Problem(path, "is missing")]
    return [Problem(path, _sentence(error))]


def _deeper(steps: list[tuple[Exception, str]], rest: list[Exception], path: str) -> list[Problem]:
    inner = [p for fault, step in steps for p in _problems(fault, path + pointer(step))]
    return inner + [p for fault in rest for p in _problems(fault, path)]


def _sentence(error: BaseException) -> str:
    return str(error.args[0]) if error.args else "cannot be read"


class _Fault(ValueError):
    """A value of the wrong kind, in a sentence for people."""


def _truth(value: object, _: type[bool]) -> bool:
    if not isinstance(value, bool):
        raise _Fault("must be true or false")
    return value


def _whole(value: object, _: type[int]) -> int:
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise _Fault("must be a whole number")
    return value


def _text(value: object, _: type[str]) -> str:
    if not isinstance(value, str):
        raise _Fault("must be a text")
    if any("\ud800" <= ch <= "\udfff" for ch in value):
        raise _Fault("contains half of a surrogate pair")
    return value


def _instant(value: object, _: type[datetime]) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or not isinstance(value, str) or "T" not in value.upper():
        raise _Fault("must be an instant (RFC 3339), such as 2026-09-01T08:10:00Z")
    if found.tzinfo is None:
        raise _Fault("must be an instant with an offset, such as Z or +03:00")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise _Fault("lies outside of the years 1 to 9999") from error


def _day(value: object, _: type[date]) -> date:
    try:
        if isinstance(value, str) and (found := date.fromisoformat(value)).isoformat() == value:
            return found
    except ValueError:
        pass
    raise _Fault("must be a date, such as 2026-09-01")


def _clock(value: object, _: type[time]) -> time:
    try:
        if isinstance(value, str):
            return time.fromisoformat(value)
    except ValueError:
        pass
    raise _Fault("must be a local time, such as 09:30 or 09:30:00")


def _choice(value: object, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(str(value))
    except ValueError:
        raise _Fault(f"must be one of {', '.join(member.value for member in kind)}") from None


def _make_converter() -> Converter:
    made = Converter(detailed_validation=True, forbid_extra_keys=True)
    made.register_structure_hook(int, _whole)
    made.register_structure_hook(str, _text)
    made.register_structure_hook(bool, _truth)
    made.register_structure_hook(datetime, _instant)
    made.register_structure_hook(date, _day)
    made.register_structure_hook(time, _clock)
    made.register_structure_hook(StrEnum, _choice)
    made.register_structure_hook_factory(_may_be_unset, partial(_without_unset, made))
    made.register_structure_hook_factory(_is_row, partial(_from_array, made))
    made.register_structure_hook_factory(attrs.has, partial(_from_object, made))
    for kind in (datetime, date, time):
        made.register_unstructure_hook(kind, _as_it_is)
    made.register_unstructure_hook(StrEnum, _as_it_is)
    return made


def _may_be_unset(kind: Any) -> bool:
    return Unset in get_args(kind)


def _without_unset(made: Converter, kind: Any) -> Callable[[object, Any], Any]:
    parts: list[Any] = [part for part in get_args(kind) if part is not Unset]
    rest: Any = parts[0]
    for part in parts[1:]:
        rest = rest | part

    def structured(value: object, _: Any) -> Any:
        return made.structure(value, rest)

    return structured


def _from_object(made: Converter, kind: Any) -> Callable[[object, Any], Any]:
    inner = make_dict_structure_fn(kind, made, _cattrs_forbid_extra_keys=True)

    def structured(value: object, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _Fault("must be an object")
        return inner(cast("Mapping[str, Any]", value), kind)

    return structured


def _is_row(kind: Any) -> bool:
    return get_origin(kind) in {list, tuple}


def _from_array(made: Converter, kind: Any) -> Callable[[object, Any], Any]:
    """Structure an array; a text or an object would be iterated over as well."""
    listed: Any = list
    make: Any = get_origin(kind)
    inner = list_structure_factory(listed[get_args(kind)[0]], made)

    def structured(value: object, _: Any) -> Any:
        if not is_array(value):
            raise _Fault("must be an array")
        return make(inner(value, list))

    return structured


def _as_it_is(value: object) -> object:
    return value


def _loosen(value: object) -> object:
    """Turn our types into dicts; a list by the one hook of what it holds."""
    if not is_array(value) or not value:
        return _CONVERTER.unstructure(value)
    kinds = {type(each) for each in value}
    if len(kinds) > 1:
        return [_CONVERTER.unstructure(each) for each in value]
    hook = _CONVERTER.get_unstructure_hook(kinds.pop())
    return [hook(each) for each in value]


def _say(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_say).encode()


def _find_dump() -> Callable[[object], bytes]:
    try:
        import msgspec.json  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        return _dump
    return msgspec.json.Encoder().encode


_CONVERTER = _make_converter()
_DUMP = _find_dump()

"""Core metadata: what a file says of itself (the core metadata specification, 1.0 to 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from attrs import field, frozen

from campuscore.domain.packages.names import project_key, version_key
from campuscore.errors import Invalid, Problem

__all__ = ["Description", "describe"]

_KNOWN_VERSIONS = frozenset({"1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"})


@frozen
class Description:
    """What the metadata of a file says; ``fields`` has all of it, by the specification's keys."""

    project: str
    version: str
    requires_python: str
    fields: Mapping[str, Any] = field(factory=dict[str, Any])


def describe(text: bytes) -> Description:
    """Return what metadata says.

    Parameters
    ----------
    text
        A METADATA or PKG-INFO file.

    Raises
    ------
    Invalid
        A field that installers rely on is missing or unreadable, with its name.
    """
    from packaging.metadata import parse_email  # noqa: PLC0415 - slow to load

    _check_encoding(text)
    fields = cast("Mapping[str, Any]", parse_email(text)[0])
    missing = [key for key in ("metadata_version", "name", "version") if not fields.get(key)]
    if missing:
        raise Invalid(*(Problem("/content", f"its metadata has no {key}") for key in missing))
    if fields["metadata_version"] not in _KNOWN_VERSIONS:
        text_ = f"its metadata is of the unknown version {fields['metadata_version']}"
        raise Invalid.at("/content", text_)
    requires = str(fields.get("requires_python") or "")
    _check_specifier(requires)
    version = str(version_key(fields["version"]))
    return Description(project_key(fields["name"]), version, requires, fields)


def _check_encoding(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Invalid.at("/content", f"its metadata is not UTF-8: byte {error.start}") from None


def _check_specifier(requires: str) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - slow to load

    try:
        SpecifierSet(requires)
    except InvalidSpecifier:
        raise Invalid.at("/content", f"its Requires-Python {requires!r} is unreadable") from None

"""Names and versions by the standards: PEP 503, PEP 440, PEP 427 and PEP 625."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from campuscore.domain.checks import check_kind
from campuscore.errors import Invalid

if TYPE_CHECKING:
    from packaging.version import Version

__all__ = ["DistName", "parse_filename", "project_key", "version_key"]

_LONGEST_FILENAME = 255
_LONGEST_NAME = 200
_ENDINGS = (".whl", ".tar.gz", ".zip")
_KINDS = "a wheel (.whl) nor a source distribution (.tar.gz, .zip)"


@frozen
class DistName:
    """What the name of a file says: the normalized project and version, and the Python tag.

    ``python`` is ``source`` for a source distribution.
    """

    project: str
    version: str
    python: str


def project_key(name: str) -> str:
    """Return the normalized name of a project (PEP 503).

    >>> project_key("Foo__Bar.baz")
    'foo-bar-baz'

    Raises
    ------
    Invalid
        It is no valid name (PEP 508), or longer than 200 characters.
    """
    from packaging.utils import InvalidName, canonicalize_name  # noqa: PLC0415 - slow to load

    check_kind(name, str, "/name")
    if len(name) > _LONGEST_NAME:
        raise Invalid.at("/name", f"is longer than {_LONGEST_NAME} characters")
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName:
        rule = "must begin and end with a letter or digit, with only those and -, _, . between"
        raise Invalid.at("/name", f"{name!r} {rule}") from None


def version_key(version: str) -> Version:
    """Return what versions are compared by (PEP 440), or raise Invalid.

    >>> version_key("1.10") > version_key("1.9")
    True
    """
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - slow to load

    try:
        return Version(version)
    except InvalidVersion:
        raise Invalid.at("/version", f"{version!r} is no version (PEP 440)") from None


def parse_filename(filename: str) -> DistName:
    """Return what the name of a wheel or a source distribution says.

    >>> parse_filename("Demo_Lab-1.0-py3-none-any.whl")
    DistName(project='demo-lab', version='1.0', python='py3')

    Raises
    ------
    Invalid
        It is neither a wheel's name (PEP 427) nor that of a source distribution (PEP 625).
    """
    from packaging import utils  # noqa: PLC0415 - slow to load

    if len(filename) > _LONGEST_FILENAME or not filename.isascii() or not filename.isprintable():
        raise Invalid.at("/content", "has an unusable file name")
    if not filename.endswith(_ENDINGS):
        raise Invalid.at("/content", f"{filename!r} is neither {_KINDS}")
    try:
        if filename.endswith(".whl"):
            name, version, _, tags = utils.parse_wheel_filename(filename)
            pythons = ".".join(sorted({tag.interpreter for tag in tags}))
            return DistName(name, str(version), pythons)
        name, version = utils.parse_sdist_filename(filename)
    except (utils.InvalidWheelFilename, utils.InvalidSdistFilename) as error:
        raise Invalid.at("/content", str(error)) from None
    return DistName(_stem_key(name), str(version), "source")


def _stem_key(name: str) -> str:
    try:
        return project_key(name)
    except Invalid as error:
        raise Invalid.at("/content", error.problems[0].detail) from None

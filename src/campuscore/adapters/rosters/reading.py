"""Which layout a path holds."""

from __future__ import annotations

import re
from pathlib import Path

from campuscore.adapters.rosters.folders import Folder
from campuscore.adapters.rosters.people import read_people
from campuscore.adapters.rosters.sds1 import is_sds1, read_sds1
from campuscore.adapters.rosters.sds21 import is_sds21, read_sds21
from campuscore.adapters.rosters.texts import check_encoding, name_of, read_texts
from campuscore.domain.roster import Roster
from campuscore.errors import Invalid

__all__ = ["read_roster"]


def read_roster(path: Path, *, encoding: str = "utf-8", source: str | None = None) -> Roster:
    """Read a roster from a folder or a file.

    Parameters
    ----------
    path
        A folder in the SDS v1 or v2.1 layout, or a CSV file or spreadsheet of people.
    encoding
        Of text files; a byte order mark is accepted. Every file is decoded before any is read.
    source
        The name under which the import remembers what it made; ``sds1``, ``sds21`` or the name of
        the file by default, so that one file never ends the memberships of another.

    Raises
    ------
    Invalid
        A byte, heading or value is wrong; each with file and line where there is one.
    NotFound
        There is no such path.
    Unavailable
        A file cannot be read, or the library for spreadsheets is not installed.

    Example
    -------
    >>> from pathlib import Path
    >>> read_roster(Path("roster/")).source                         # doctest: +SKIP
    'sds1'
    """
    check_encoding(encoding)
    if not path.is_dir():
        return read_people(path, encoding, source or _slug(path.stem))
    files = sorted(f for f in path.iterdir() if f.suffix.casefold() == ".csv" and f.is_file())
    folder = Folder.of(read_texts(files, encoding))
    if is_sds1(folder):
        return read_sds1(folder, source or "sds1")
    if is_sds21(folder):
        return read_sds21(folder, source or "sds21")
    text = "no known layout: neither School.csv and Section.csv, nor orgs.csv and users.csv"
    raise Invalid.at(name_of(path), text)


def _slug(stem: str) -> str:
    return re.sub(r"[^\w.-]+", "-", stem.casefold()).strip("-.")[:50] or "people"

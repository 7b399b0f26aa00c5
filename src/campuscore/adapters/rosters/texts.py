"""Bytes to text, strictly: no letter of a name is ever guessed or replaced."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from attrs import frozen

from campuscore.errors import Invalid, NotFound, Problem, Unavailable

__all__ = ["Text", "check_encoding", "name_of", "read_bytes", "read_texts"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet, whose name has to end in .xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file, whose name has to end in .xls"),
)
_CYRILLIC_RUNS = re.compile(rb"[\xc0-\xff\xa8\xb8]{2,}")
_HIGH = re.compile(rb"[\x80-\xff]")


@frozen
class Text:
    """A file's name and text."""

    file: str
    text: str


def name_of(path: Path) -> str:
    """Return the name of a file as it can be printed, whatever bytes it is made of."""
    return path.name.encode("utf-8", "backslashreplace").decode()


def check_encoding(encoding: str) -> None:
    """Raise Invalid unless Python knows this text encoding."""
    try:
        b"a".decode(encoding)
    except UnicodeDecodeError:
        return
    except (LookupError, ValueError) as error:
        raise Invalid.at("encoding", f"there is no text encoding {encoding!r}") from error


def read_bytes(path: Path) -> bytes:
    """Read a file, or raise NotFound or Unavailable."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", code="file_not_found") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from error


def read_texts(paths: list[Path], encoding: str) -> list[Text]:
    """Decode every file before anything is made of any; Invalid names all that cannot be."""
    texts: list[Text] = []
    problems: list[Problem] = []
    for path in paths:
        data = read_bytes(path)
        wrong = _first_wrong(data, encoding)
        if wrong is None:
            texts.append(Text(name_of(path), data.decode(encoding).removeprefix("\ufeff")))
        else:
            problems.append(Problem(name_of(path), _say(data, encoding, wrong)))
    if problems:
        raise Invalid(*problems)
    return texts


def _first_wrong(data: bytes, encoding: str) -> int | None:
    """Find the first byte that is not text; a zero shows two bytes to a letter read as one."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return data.index(0) if "\0" in text else None


def _say(data: bytes, encoding: str, start: int) -> str:
    for mark, kind in _OTHERS:
        if data.startswith(mark):
            return f"is no CSV file, but {kind}"
    found = f"byte {start} is 0x{data[start]:02x}, which is not {encoding} text"
    likely = _suggest(data, encoding)
    if likely:
        return f"{found}; the file reads as {likely}: try --encoding {likely}"
    return f"byte {data.index(0)} is zero, which no text has" if 0 in data else found


def _suggest(data: bytes, tried: str) -> str:
    """Name another encoding that decodes all of the data, where there is one."""
    marked = [name for mark, name in _MARKS if data.startswith(mark)]
    many = len(data) // 8
    wide = [
        name
        for name, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2]))
        if zeros.count(0) > many
    ]
    high = len(_HIGH.findall(data))
    runs = sum(map(len, _CYRILLIC_RUNS.findall(data)))
    narrow = ["cp1251", "cp1252"] if runs * 2 > high else ["cp1252", "cp1251"]
    candidates = [*marked, *wide, "utf-8", *narrow, "latin-1"]
    known = codecs.lookup(tried).name
    others = (name for name in candidates if codecs.lookup(name).name != known)
    return next((name for name in others if _first_wrong(data, name) is None), "")

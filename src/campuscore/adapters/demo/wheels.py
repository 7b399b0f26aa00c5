"""Three small packages, as wheels that pip installs; the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping

from attrs import frozen

__all__ = ["Wheel", "wheels"]

_WHEN = (2026, 1, 1, 0, 0, 0)


@frozen
class Wheel:
    """A wheel with its bytes."""

    project: str
    filename: str
    content: bytes


_DICE = '''\
from random import randint


def roll(sides: int = 6) -> int:
    """Roll a die."""
    return randint(1, sides)
'''
_HELLO = '''\
def hello(name: str) -> str:
    """Greet."""
    return f"Hello, {name}!"
'''
_TABLE = '''\
def table(rows: list[list[str]]) -> str:
    """Join cells by tabs, and rows by line ends."""
    return "\\n".join("\\t".join(row) for row in rows)
'''
_SOURCES = {
    "campus-dice": ("Dice for lessons on chance.", _DICE),
    "campus-hello": ("A first package to install.", _HELLO),
    "campus-table": ("Plain tables from rows.", _TABLE),
}


def wheels() -> Iterator[Wheel]:
    """Build the packages, which need nothing and run on any Python 3."""
    for project, (summary, source) in _SOURCES.items():
        module = project.replace("-", "_")
        yield Wheel(project, f"{module}-1.0-py3-none-any.whl", _build(module, summary, source))


def _build(module: str, summary: str, source: str) -> bytes:
    info = f"{module}-1.0.dist-info"
    metadata = (
        f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0\n"
        f"Summary: {summary}\nRequires-Python: >=3.9\n"
    )
    wheel = "Wheel-Version: 1.0\nGenerator: campuscore\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {
        f"{module}.py": source,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": wheel,
    }
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _WHEN), text)
    return out.getvalue()


def _record(files: Mapping[str, str], itself: str) -> str:
    """Name each file with digest and size (PEP 376, PEP 427)."""
    lines: list[str] = []
    for name, text in files.items():
        digest = hashlib.sha256(text.encode()).digest()
        encoded = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
        lines.append(f"{name},sha256={encoded},{len(text.encode())}")
    return "\n".join([*lines, f"{itself},,", ""])

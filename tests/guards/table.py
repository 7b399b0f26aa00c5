"""The guards against known flaws: where each one stands, what is left without it, who notices."""

from __future__ import annotations

import ast
import builtins
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from attrs import frozen

__all__ = ["ROOT", "Guard", "read_attacks", "read_table"]

ROOT = Path(__file__).parents[2]
_TABLE = Path(__file__).with_name("guards.toml")
_MODEL = ROOT / "docs/explanation/threat-model.md"


@frozen(kw_only=True)
class Guard:
    """A few lines of the source that keep a flaw out.

    ``row`` is the attack, as the threat model calls it, and ``against`` the flaw. ``text`` stands
    in the file once, and ``without`` is what the file says in its place when the guard is gone.
    Each of ``tests`` has to fail then.
    """

    name: str
    row: str
    against: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]

    def source(self, root: Path) -> str:
        """Return what the file says with the guard."""
        return (root / self.file).read_text("utf-8")

    def removed(self, root: Path) -> str:
        """Return what the file says without the guard."""
        return self.source(root).replace(self.text, self.without)

    def faults(self, root: Path) -> Iterator[str]:
        """Yield what is wrong with this entry of the table."""
        count = self.source(root).count(self.text)
        if count != 1:
            yield f"its text stands {count} times in {self.file}"
            return
        if not self.tests:
            yield "no test is named"
        if self.removed(root) == self.source(root):
            yield "nothing is removed"
        # What fails for want of a name proves nothing about the guard.
        new = _wanted(self.removed(root)) - _wanted(self.source(root))
        if new:
            yield f"{self.file} does not know {', '.join(sorted(new))}"


@cache
def _wanted(source: str) -> set[str]:
    """Return the names that are read and not bound by an assignment or by Python itself."""
    names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names} - bound - set(dir(builtins))


def read_table() -> list[Guard]:
    """Return all guards, in the order of the table."""
    rows = tomllib.loads(_TABLE.read_text("utf-8"))["guard"]
    return [Guard(**{**row, "tests": tuple(row["tests"])}) for row in rows]


def read_attacks() -> list[str]:
    """Return the attacks against which, as the threat model says, there is something."""
    table = _MODEL.read_text("utf-8").partition("| attack |")[2].partition("\n\n")[0]
    return [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]]

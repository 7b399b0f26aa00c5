"""What commands print: tables for people, the API's own JSON for programs; always on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import attrs
import click

from campuscore.adapters import wire
from campuscore.adapters.cli.invocation import Invocation
from campuscore.domain.paging import MAX_LIMIT, Page, PageRequest

__all__ = ["every", "show", "show_pages", "show_rows", "write_json", "writing"]


def writing() -> BinaryIO:
    """Return standard output as it takes bytes."""
    return sys.stdout.buffer


def write_json(value: object) -> None:
    """Print a value as the API would send it."""
    out = writing()
    out.write(wire.encode(value) + b"\n")
    out.flush()


def every(
    fetch: Callable[[PageRequest], Page[Any]], limit: int | None = None
) -> Iterator[Sequence[Any]]:
    """Yield the pages of a list to its end, or until there were so many rows."""
    cursor, left = None, limit
    while True:
        size = None if left is None else min(left, MAX_LIMIT)
        page = fetch(PageRequest(size, cursor))
        yield page.items
        cursor = page.next
        left = None if left is None else left - len(page.items)
        if cursor is None or left == 0:
            return


def show(invocation: Invocation, value: Any) -> None:
    """Print one thing, field by field."""
    if invocation.as_json:
        write_json(value)
        return
    names: list[str] = [field.name for field in attrs.fields(value.__class__)]
    rows = [(name, _text(getattr(value, name))) for name in names]
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"{name:<{width}}  {text}".rstrip())


def show_rows(invocation: Invocation, rows: Sequence[Any], columns: Sequence[str]) -> None:
    """Print a list, a line for each row; in JSON with every field."""
    show_pages(invocation, [rows], columns)


def show_pages(
    invocation: Invocation,
    pages: Iterable[Sequence[Any]],
    columns: Sequence[str],
    *,
    head: bool = True,
) -> None:
    """Print a list as its pages come, so that it may be of any length."""
    if invocation.as_json:
        _write_array(pages)
        return
    title = [name.replace("_", " ") for name in columns]
    widths = [len(name) for name in title]
    lines = [title] if head else []
    for page in pages:
        lines += [[_text(getattr(row, name)) for name in columns] for row in page]
        widths = [max([width, *(len(line[i]) for line in lines)]) for i, width in enumerate(widths)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            click.echo("  ".join(cells).rstrip())
        lines = []


def _write_array(pages: Iterable[Sequence[Any]]) -> None:
    out = writing()
    between = b"["
    for page in pages:
        if page:
            out.write(between + wire.encode(list(page))[1:-1])
            between = b","
    out.write(b"]\n" if between == b"," else b"[]\n")
    out.flush()


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        parts = cast("Sequence[Any]", value)
        return ", ".join(str(getattr(part, "username", part)) for part in parts) or "-"
    text = " ".join(str(value).split())
    return "".join(ch if ch.isprintable() else "?" for ch in text) or "-"

"""Write the reference from the code: settings, command line, HTTP, Python.

``python docs/generate.py`` writes docs/reference; a test says when it is stale.
"""

from __future__ import annotations

import enum
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click

import campuscore
from campuscore.adapters.cli.main import main as command_line
from campuscore.adapters.http import openapi
from campuscore.adapters.http.routes import ROUTES
from campuscore.domain.unset import UNSET
from campuscore.settings import Settings, describe
from campuscore.settings.source import PREFIX

__all__ = ["PAGES", "write"]

FOLDER = Path(__file__).parent / "reference"
NOTICE = "<!-- Written by docs/generate.py from the code; changes here are lost. -->"
_SHARED = frozenset({"--help", "--config", "--home", "--json"})
SERVICES = (
    "auth",
    "users",
    "groups",
    "attendance",
    "schedule",
    "rosters",
    "transfers",
    "demo",
    "operations",
)
_TOML = f"""
A TOML file has the names of the first column at its top level:

```toml
time_zone = "Europe/Moscow"
public_url = "https://campus.example.org"
session_days = 90
```

In Python they are the fields of [`Settings`](python.md#settings). The WSGI module
`campuscore.adapters.http.wsgi` reads the environment, and the TOML file that
`{PREFIX}CONFIG` names.
"""
INNER = {"schedule": ("terms", "rooms")}


def settings_page() -> str:
    """Return the page of every setting."""
    lines = _head(
        "Settings",
        "Strongest first: options of the command line, environment variables, a TOML file "
        "(`--config FILE`), defaults. `<VARIABLE>_FILE` may name a file that holds the value, "
        "which is how secrets are best given. `campuscore config show` prints each setting with "
        "its origin.",
    )
    columns = ("setting (TOML, Python)", "environment", "default", "what it does")
    lines += _table(columns, _setting_rows())
    return _text([*lines, "", *_TOML.splitlines()])


def cli_page() -> str:
    """Return the page of every command."""
    lines = _head(
        "Command line",
        "`campuscore [--config FILE] [--home DIR] [--json] COMMAND`. Exit codes: 0 done, 1 refused "
        "or failed (with the reason on stderr), 2 wrong usage. Data goes to stdout, words to "
        "stderr. The shared options may stand before the command or after it. "
        "[How to script with it](../how-to/script-with-the-cli.md).",
    )
    context = click.Context(command_line, info_name="campuscore")
    lines += _options(context)
    for name, inner in _commands(context):
        lines += ["", f"## `{name}`", "", _help_of(inner.command), *_options(inner)]
    return _text(lines)


def http_page() -> str:
    """Return the page of every address."""
    document = openapi.document(ROUTES)
    lines = _head(
        "HTTP",
        "The server shows the same at `/docs`, and for programs at `/openapi.json`. Trailing "
        "slashes are optional. Send `Authorization: Bearer ACCESS` where a right is named; who "
        "holds which right is told in [Rights](../explanation/rights.md). Lists are bare arrays; "
        'with `?limit=` and `?cursor=` they page, and `Link: <...>; rel="next"` points to the next '
        "page. Refusals are `application/problem+json` (RFC 9457) with a stable `code`.",
    )
    for tag, operations in _by_tag(document).items():
        lines += ["", f"## {tag}"]
        for path, method, operation in operations:
            lines += ["", f"### {method.upper()} {path}", "", *_operation(operation)]
    lines += ["", "## Types"]
    for name, schema in document["components"]["schemas"].items():
        lines += ["", f"### {name}", "", schema.get("description", ""), "", *_fields(schema)]
    return _text(lines)


def python_page() -> str:
    """Return the page of every public name."""
    lines = _head(
        "Python",
        "What `from campuscore import ...` offers, and the services of an open campus. Each method "
        "of a service takes the acting principal first; `campus.operator` may do everything. "
        "Adapters and the contract kit for them are in `campuscore.adapters` and "
        "`campuscore.testing`.",
    )
    lines += ["## Names"]
    for name in campuscore.__all__:
        lines += ["", f"### `{name}`", "", *_entry(getattr(campuscore, name))]
    lines += ["", "## Services"]
    for name in SERVICES:
        kind = _field_type(campuscore.Campus, name)
        lines += ["", f"### `campus.{name}`", "", *_service(kind)]
        for inner in INNER.get(name, ()):
            lines += ["", f"### `campus.{name}.{inner}`", "", *_service(_field_type(kind, inner))]
    return _text(lines)


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "http.md": http_page,
    "python.md": python_page,
}


def write() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


def _setting_rows() -> Iterator[tuple[str, ...]]:
    for item in describe(Settings(), {}):
        default = f"`{item.value}`" if item.value else ""
        yield f"`{item.name}`", ", ".join(f"`{v}`" for v in item.variables), default, item.help


def _commands(context: click.Context) -> Iterator[tuple[str, click.Context]]:
    """Yield every command that is not a group, with its full name."""
    group = context.command
    if not isinstance(group, click.Group):
        yield context.command_path, context
        return
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _commands(click.Context(command, info_name=name, parent=context))


def _help_of(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").replace("\b\n", "")


def _options(context: click.Context) -> list[str]:
    usage = context.command.collect_usage_pieces(context)
    lines = ["", "```text", " ".join([context.command_path, *usage]), "```"]
    told = _SHARED if context.parent else {"--help"}
    records = [
        record
        for param in context.command.get_params(context)
        if (record := param.get_help_record(context)) and not told.intersection(param.opts)
    ]
    if records:
        rows = [(f"`{option}`", " ".join(words.split())) for option, words in records]
        lines += ["", *_table(("option", "what it does"), rows)]
    return lines


def _by_tag(document: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found.setdefault(operation["tags"][0], []).append((path, method, operation))
    return found


def _operation(operation: dict[str, Any]) -> list[str]:
    rights = [operation[name] for name in ("x-action", "x-or-action") if name in operation]
    right = "` or `".join(rights)
    lines = [operation["summary"], ""]
    lines.append(f"- Right: `{right}`" if right else "- No login is needed.")
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        lines.append(f"- Body: {_type(content['schema'])} ({media})")
    for status, answer in operation["responses"].items():
        kinds = [_type(content["schema"]) for content in answer.get("content", {}).values()]
        if status < "300":
            lines.append(f"- Answer: {status} {', '.join(kinds)}".rstrip())
        elif status < "400":
            lines.append(f"- Or: {status} {answer['description']}")
    refusals = ", ".join(status for status in operation["responses"] if status >= "400")
    if refusals:
        lines.append(f"- Refusals: {refusals}")
    queries = [p for p in operation.get("parameters", ()) if p["in"] == "query"]
    if queries:
        rows = [(f"`{p['name']}`", _type(p["schema"]), p["description"]) for p in queries]
        lines += ["", *_table(("parameter", "type", ""), rows)]
    return lines


def _fields(schema: dict[str, Any]) -> list[str]:
    required = set(schema.get("required", ()))
    rows = [
        (f"`{name}`", _type(kind), "" if name in required else "optional")
        for name, kind in schema.get("properties", {}).items()
    ]
    return _table(("field", "type", ""), rows)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return " ".join(filter(None, (schema.get("type", "anything"), schema.get("format", ""))))


def _entry(value: Any) -> list[str]:
    if isinstance(value, str):
        return [f"The version: `{value}`."]
    if inspect.ismodule(value):
        return _described(value)
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return [*_described(value), "", ", ".join(f"`{member.value}`" for member in value)]
    if isinstance(value, type) and attrs.has(value) and value is not campuscore.Campus:
        return [*_described(value), "", *_table(("field", "type", "default"), _attributes(value))]
    signature = [] if isinstance(value, type) else _signature(value.__name__, value)
    return [*signature, *_described(value)]


def _attributes(kind: type) -> Iterator[tuple[str, ...]]:
    for field in attrs.fields(kind):
        kind = f"`{_plain(field.type)}`".replace(" | Unset", "")
        yield f"`{field.name}`", kind, _default(field.default)


def _default(value: Any) -> str:
    if value is attrs.NOTHING:
        return ""
    if value is UNSET:
        return "not given"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _service(kind: type) -> list[str]:
    lines = _described(kind)
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            lines += ["", f"#### {name}", "", *_signature(name, method), *_described(method)]
    return lines


def _signature(name: str, function: Any) -> list[str]:
    signature = inspect.signature(function)
    kept = [p for p in signature.parameters.values() if p.name != "self"]
    shown = f"{name}{signature.replace(parameters=kept)}"
    shown = re.sub(r"(: |-> )'([^']*)'", r"\1\2", shown)
    shown = re.sub(r"<(\w+\.\w+): [^>]*>", r"\1", shown)
    return ["```text", shown, "```", ""]


def _field_type(kind: type, name: str) -> type:
    attrs.resolve_types(kind)
    found: type = getattr(attrs.fields(kind), name).type
    return found


def _described(value: Any) -> list[str]:
    """Return a docstring in Markdown, paragraph by paragraph."""
    lines: list[str] = []
    for paragraph in (inspect.getdoc(value) or "").split("\n\n"):
        heading = re.match(r"(\w+)\n-+\n", paragraph)
        if heading:
            lines += [f"**{heading[1]}**", ""]
        lines += [_paragraph(paragraph[heading.end() if heading else 0 :]), ""]
    return lines[:-1]


def _paragraph(text: str) -> str:
    if text.startswith(">>>"):
        return f"```python\n{text}\n```"
    if "├" in text:
        return f"```text\n{text}\n```"
    return re.sub(r"^(\S.*)\n((?: {4}.*\n?)+)", _definition, text, flags=re.MULTILINE).replace(
        "``", "`"
    )


def _definition(found: re.Match[str]) -> str:
    meaning = " ".join(textwrap.dedent(found[2]).split())
    return f"- {found[1]}: {meaning}\n"


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else getattr(value, "__name__", str(value))
    return re.sub(r"\b(?:campuscore|collections|datetime)(?:\.\w+)*\.(?=\w)", "", str(text))


def _head(title: str, words: str) -> list[str]:
    return [f"# {title}", "", NOTICE, "", words, ""]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _text(lines: Iterable[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines).strip() + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


if __name__ == "__main__":
    write()

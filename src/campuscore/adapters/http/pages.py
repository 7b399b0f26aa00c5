"""Pages for people: they work offline, without scripts, in light and dark."""

from __future__ import annotations

import json
from html import escape
from typing import Any
from urllib.parse import urlsplit

from campuscore import __version__

__all__ = ["admin", "docs", "landing"]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2563eb; }
@media (prefers-color-scheme: dark) { :root { --accent: #7aa7ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; } h2 { margin: 2rem 0 0.5rem; font-size: 1.2rem; }
a { color: var(--accent); } code, pre { font: 0.9em ui-monospace, monospace; }
pre { background: var(--soft); border-radius: 6px; overflow-x: auto; padding: 0.75rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.4rem 0; }
summary { align-items: baseline; cursor: pointer; display: flex; flex-wrap: wrap; gap: 0.6rem;
  padding: 0.5rem 0.75rem; }
details > div { border-top: 1px solid var(--line); padding: 0.25rem 0.75rem 0.75rem; }
.verb { font-weight: 700; min-width: 5rem; } .path { font-weight: 600; overflow-wrap: anywhere; }
.note { opacity: 0.8; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.5rem 0.25rem 0; text-align: left;
  vertical-align: top; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }
"""

_INTRODUCTION = """Send the access token of <code>POST /auth/login/</code> as
<code>Authorization: Bearer ...</code>. Lists are bare arrays; a <code>Link</code> header points to
the next page. Refusals are problem details (RFC 9457). For programs:
<a href='{base}/openapi.json'>openapi.json</a>."""


def landing(address: str) -> str:
    """Return the page at the root: what this is, and where to go."""
    here = escape(address)
    base, host = escape(urlsplit(address).path), escape(urlsplit(address).netloc)
    trusted = f" --trusted-host {host}" if address.startswith("http:") else ""
    return _page(
        "campuscore",
        f"""<h1>campuscore</h1>
<p>The backend of a teaching department: people and their groups, who was present when, the
timetable, and a package index. This server runs version {escape(__version__)} and answers.</p>
<nav><a href="{base}/docs">API reference</a><a href="{base}/simple/">packages</a>
<a href="{base}/openapi.json">openapi.json</a>
<a href="{base}/readyz">ready?</a></nav>
<h2>First steps</h2>
<p>Log in as the administrator whose password was shown when the server started for the first
time, and list the users:</p>
<pre>curl -s {here}/auth/login/ -H 'Content-Type: application/json' \\
     -d '{{"username": "admin", "password": "..."}}'
curl -s {here}/users/ -H 'Authorization: Bearer ACCESS'</pre>
<p>On the server itself the command line does the same:</p>
<pre>campuscore users import roster.csv
campuscore attendance day
campuscore attendance export --output attendance.xlsx</pre>
<h2>Packages</h2>
<p>Install from here, and publish with an API token as the password:</p>
<pre>pip install --index-url {here}/simple/{trusted} PROJECT
uv pip install --index-url {here}/simple/ PROJECT
twine upload --repository-url {here}/legacy/ --username __token__ dist/*</pre>""",
    )


def admin(base: str = "") -> str:
    """Return the page that stands where the console will be."""
    return _page(
        "campuscore console",
        f"""<h1>Console</h1>
<p>This release has no web console yet. Everything can be done through the
<a href="{escape(base)}/docs">API</a>, and on the server with the <code>campuscore</code> command.
</p>
<p><a href="{escape(base)}/">Back</a></p>""",
    )


def docs(document: dict[str, Any], base: str = "") -> str:
    """Return the API reference as one page."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    schemas = document["components"]["schemas"]
    introduction = _INTRODUCTION.format(base=escape(base))
    parts = [
        "<h1>API reference</h1>",
        f"<p>Version {escape(document['info']['version'])}. {introduction}</p>",
        "<nav>" + "".join(f"<a href='#{name}'>{name}</a>" for name in groups),
        "<a href='#types'>types</a></nav>",
    ]
    for name, operations in groups.items():
        parts += [f"<h2 id='{name}'>{name}</h2>", *operations]
    parts.append("<h2 id='types'>types</h2>")
    parts += [_schema(name, schema) for name, schema in schemas.items()]
    return _page("campuscore API", "\n".join(parts))


def _page(title: str, body: str) -> str:
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}</td>"
        f"<td>{_type(p['schema'])}</td><td>{escape(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", ())
    ]
    table = f"<table><tr><th>name<th>in<th>type<th></tr>{''.join(rows)}</table>" if rows else ""
    body = "".join(
        f"<p>Body: {_type(content['schema'])} <span class='note'>({escape(media)})</span></p>"
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    right = operation.get("x-action")
    who = f"<p>Right: <code>{right}</code></p>" if right else "<p>No login is needed.</p>"
    return (
        f"<details><summary><span class='verb'>{method.upper()}</span>"
        f"<code class='path'>{escape(path)}</code><span class='note'>{escape(operation['summary'])}"
        f"</span></summary><div>{who}{table}{body}{_answers(operation['responses'])}</div></details>"
    )


def _answers(responses: dict[str, Any]) -> str:
    rows: list[str] = []
    for status, answer in responses.items():
        kinds = [_type(content["schema"]) for content in answer.get("content", {}).values()]
        described = escape(answer["description"])
        rows.append(f"<tr><td>{status}</td><td>{described}</td><td>{', '.join(kinds)}</td></tr>")
    return f"<table><tr><th>status<th><th>answer</tr>{''.join(rows)}</table>"


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        f"<tr><td><code>{escape(field)}</code></td><td>{_type(kind)}</td>"
        f"<td>{'' if field in required else 'optional'}</td></tr>"
        for field, kind in schema.get("properties", {}).items()
    ]
    return (
        f"<details id='type-{name}'><summary><code class='path'>{name}</code>"
        f"<span class='note'>{escape(schema.get('description', ''))}</span></summary>"
        f"<div><table><tr><th>field<th>type<th></tr>{''.join(rows)}</table></div></details>"
    )


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"<a href='#type-{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    words = [schema.get("type", "anything"), schema.get("format", "")]
    return escape(" ".join(word for word in words if word))

"""Pages of the simple API, from one model: HTML (PEP 503) and JSON (PEP 691, PEP 700), version 1.4.

Links are relative, so that they hold behind any proxy and in lock files of another address.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from html import escape
from typing import Any
from urllib.parse import quote

from campuscore.adapters import wire
from campuscore.domain.packages import DistFile, DistKind, Project, ProjectPage

__all__ = ["VERSION", "file_path", "list_html", "list_json", "page_html", "page_json"]

VERSION = "1.4"
_META = {"api-version": VERSION}
_HEAD = f'<meta name="pypi:repository-version" content="{VERSION}">'
_UP = "../.."


def file_path(file: DistFile) -> str:
    """Return the address of a file below the root: it names the content, which never changes."""
    name = file.sha256
    return f"/packages/{name[:2]}/{name[2:4]}/{name[4:]}/{quote(file.filename)}"


def list_json(projects: Iterable[Project]) -> bytes:
    """Return the list of projects as JSON."""
    rows = [{"name": project.name} for project in projects]
    return wire.encode({"meta": _META, "projects": rows})


def list_html(projects: Iterable[Project]) -> bytes:
    """Return the list of projects as HTML."""
    links = (f'<a href="{p.key}/">{escape(p.name)}</a><br>' for p in projects)
    return _html("Simple index", links)


def page_json(page: ProjectPage) -> bytes:
    """Return the page of a project as JSON."""
    return wire.encode(
        {
            "meta": _META,
            "name": page.project.key,
            "project-status": {"status": "active"},
            "versions": page.versions,
            "files": [_entry(file) for file in page.files],
        }
    )


def page_html(page: ProjectPage) -> bytes:
    """Return the page of a project as HTML."""
    title = f"Links for {escape(page.project.key)}"
    return _html(title, (_link(file) for file in page.files))


def _entry(file: DistFile) -> dict[str, Any]:
    sidecar = _sidecar(file)
    core: Any = {"sha256": sidecar} if sidecar else False
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": _UP + file_path(file),
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "upload-time": file.uploaded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": core,
        "dist-info-metadata": core,
    }
    if file.requires_python:
        entry["requires-python"] = file.requires_python
    return entry


def _link(file: DistFile) -> str:
    attributes = [f'href="{_UP}{file_path(file)}#sha256={file.sha256}"']
    if file.requires_python:
        attributes.append(f'data-requires-python="{escape(file.requires_python)}"')
    sidecar = _sidecar(file)
    if sidecar:
        attributes += [
            f'data-{name}="sha256={sidecar}"' for name in ("core-metadata", "dist-info-metadata")
        ]
    if file.yanked is not None:
        attributes.append(f'data-yanked="{escape(file.yanked)}"')
    return f"<a {' '.join(attributes)}>{escape(file.filename)}</a><br>"


def _sidecar(file: DistFile) -> str:
    """Return the hash of the metadata that is offered beside a file (PEP 658): of wheels only."""
    return file.metadata if file.kind is DistKind.WHEEL else ""


def _html(title: str, lines: Iterable[str]) -> bytes:
    body = "\n".join(lines)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{_HEAD}\n'
        f"<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    ).encode()

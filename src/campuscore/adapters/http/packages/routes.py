"""The addresses of the package index."""

from __future__ import annotations

from typing import Any

import falcon
from attrs import frozen

from campuscore.adapters.http.packages import simple
from campuscore.adapters.http.packages.files import download, redirect
from campuscore.adapters.http.packages.legacy import project_json, release_json
from campuscore.adapters.http.packages.negotiation import Form, choose, send
from campuscore.adapters.http.packages.upload import upload
from campuscore.adapters.http.route import Ask, Handler, Param, Route
from campuscore.domain.packages import DistFile, Release, project_key, releases_of

__all__ = ["ROUTES", "Yank"]


@frozen
class Yank:
    """Whether to yank a release or one file of it, and why."""

    yanked: bool = True
    reason: str = ""
    filename: str | None = None


def simple_list(ask: Ask) -> bytes:
    _with_slash(ask, "/simple/")
    form, service = choose(ask), ask.campus.packages
    write = simple.list_json if form is Form.JSON else simple.list_html
    revision = service.revision(ask.principal)
    return send(
        ask, service.shelf, ("", form), revision, lambda: write(service.list(ask.principal))
    )


def simple_page(ask: Ask, name: str) -> bytes:
    form, service = choose(ask), ask.campus.packages
    key = project_key(name)
    if key != name:
        raise falcon.HTTPMovedPermanently(f"{ask.req.root_path}/simple/{key}/")
    _with_slash(ask, f"/simple/{key}/")
    write = simple.page_json if form is Form.JSON else simple.page_html
    serial = service.find(ask.principal, key).serial
    return send(
        ask, service.shelf, (key, form), serial, lambda: write(service.page(ask.principal, key))
    )


def list_releases(ask: Ask, name: str) -> list[Release]:
    return releases_of(ask.campus.packages.page(ask.principal, name))


def yank_release(ask: Ask, name: str, version: str) -> list[Release]:
    given = ask.body(Yank)
    reason = given.reason if given.yanked else None
    page = ask.campus.packages.yank(
        ask.principal, name, version, filename=given.filename, reason=reason
    )
    return releases_of(page)


def delete_release(ask: Ask, name: str, version: str) -> None:
    filename = ask.values().get("filename")
    ask.campus.packages.delete(ask.principal, name, version, filename=filename)


def _with_slash(ask: Ask, path: str) -> None:
    """Send a client that left out the last slash to where relative links hold."""
    if not str(ask.req.env.get("PATH_INFO", "/")).endswith("/"):
        raise falcon.HTTPMovedPermanently(ask.req.root_path + path)


_READ, _MANAGE = "packages.read", "packages.manage"
_FORMAT = (Param("format", str, "A media type in place of the Accept header."),)


def _reading(
    path: str,
    handler: Handler,
    summary: str,
    answer: Any,
    media_type: str,
    *refusals: int,
    also: tuple[int, ...] = (),
) -> Route:
    is_page = handler in {simple_list, simple_page}
    return Route(
        method="GET",
        path=path,
        action=_READ,
        handler=handler,
        summary=summary,
        answer=answer,
        media_type=media_type,
        installers=True,
        forms=tuple(Form)[1:] if is_page else (),
        refusals=(404, *refusals),
        also=also,
        params=_FORMAT if is_page else (),
    )


_JSON, _OCTETS = "application/json", "application/octet-stream"

ROUTES = (
    Route(
        method="POST",
        path="/legacy/",
        action="packages.upload",
        handler=upload,
        summary="Upload a wheel or a source distribution, as twine and uv publish do.",
        form="content",
        answer=DistFile,
        installers=True,
        refusals=(409,),
    ),
    _reading(
        "/simple/",
        simple_list,
        "List projects (PEP 503, PEP 691).",
        bytes,
        Form.HTML,
        406,
        also=(301, 304),
    ),
    _reading(
        "/simple/{name}/",
        simple_page,
        "List the files of a project (PEP 503, PEP 691).",
        bytes,
        Form.HTML,
        406,
        422,
        also=(301, 304),
    ),
    _reading(
        "/simple/{name}/{filename}/",
        redirect,
        "Go to a file by its name.",
        bytes,
        _OCTETS,
        422,
        also=(302,),
    ),
    _reading(
        "/packages/{first}/{second}/{rest}/{filename}",
        download,
        "Download a file or its metadata, named by its content.",
        bytes,
        _OCTETS,
        416,
        also=(206, 302, 304),
    ),
    _reading("/pypi/{name}/json", project_json, "Show a project.", dict[str, Any], _JSON, 422),
    _reading(
        "/pypi/{name}/{version}/json",
        release_json,
        "Show a release.",
        dict[str, Any],
        _JSON,
        422,
    ),
    _reading("/projects/{name}/", list_releases, "List releases.", list[Release], _JSON, 422),
    Route(
        method="POST",
        path="/projects/{name}/{version}/yank/",
        action=_MANAGE,
        handler=yank_release,
        summary="Yank a release or one file of it, or take that back (PEP 592).",
        body=Yank,
        answer=list[Release],
    ),
    Route(
        method="DELETE",
        path="/projects/{name}/{version}/",
        action=_MANAGE,
        handler=delete_release,
        summary="Delete a release or one file of it for good; its names are never used again.",
        status=204,
        params=(Param("filename", str, "Only this file."),),
    ),
)

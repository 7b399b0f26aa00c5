"""``/pypi/<name>/json``: what a project is, in the form that dashboards and audit tools read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from campuscore.adapters.http.packages.simple import file_path
from campuscore.adapters.http.route import Ask
from campuscore.domain.packages import DistFile, DistKind, ProjectPage
from campuscore.errors import NotFound

__all__ = ["project_json", "release_json"]

_TEXTS = (
    "author",
    "author_email",
    "description",
    "description_content_type",
    "download_url",
    "home_page",
    "license",
    "license_expression",
    "maintainer",
    "maintainer_email",
    "summary",
)
_LISTS = ("classifiers", "license_files", "provides_extra", "requires_dist")


def project_json(ask: Ask, name: str) -> dict[str, Any]:
    """Show a project, as of its latest version."""
    page = ask.campus.packages.page(ask.principal, name)
    latest = page.latest
    if latest is None:
        raise NotFound(f"{page.project.name} has no files", code="release_not_found")
    shown = _release(ask, page, page.of(latest))
    versions = {
        version: _entries(ask, [file for file in page.files if file.version == version])
        for version in page.versions
    }
    return {**shown, "releases": versions}


def release_json(ask: Ask, name: str, version: str) -> dict[str, Any]:
    """Show one version of a project."""
    page = ask.campus.packages.page(ask.principal, name)
    files = page.of(version)
    if not files:
        raise NotFound(f"{page.project.name} has no release {version}", code="release_not_found")
    return _release(ask, page, files)


def _release(ask: Ask, page: ProjectPage, files: Sequence[DistFile]) -> dict[str, Any]:
    described = max(files, key=lambda file: file.kind is DistKind.WHEEL)
    fields = ask.campus.packages.metadata(ask.principal, described).fields
    return {
        "info": _info(ask, page, files, fields),
        "last_serial": page.project.serial,
        "urls": _entries(ask, files),
        "vulnerabilities": [],
    }


def _info(
    ask: Ask, page: ProjectPage, files: Sequence[DistFile], fields: Mapping[str, Any]
) -> dict[str, Any]:
    reasons = [file.yanked for file in files if file.yanked is not None]
    address = ask.address(f"/pypi/{page.project.key}/")
    return {
        "name": page.project.name,
        "version": files[0].version,
        "requires_python": files[0].requires_python or None,
        **{name: fields.get(name) for name in _TEXTS},
        **{name: fields.get(name) for name in _LISTS},
        "keywords": ",".join(fields.get("keywords") or ()) or None,
        "project_urls": fields.get("project_urls"),
        "dynamic": fields.get("dynamic"),
        "package_url": address,
        "project_url": address,
        "release_url": f"{address}{files[0].version}/",
        "yanked": len(reasons) == len(files),
        "yanked_reason": next((reason for reason in reasons if reason), None),
    }


def _entries(ask: Ask, files: Sequence[DistFile]) -> list[dict[str, Any]]:
    return [_entry(ask, file) for file in files]


def _entry(ask: Ask, file: DistFile) -> dict[str, Any]:
    moment = file.uploaded_at.astimezone(UTC)
    return {
        "filename": file.filename,
        "url": ask.address(file_path(file)),
        "digests": {"sha256": file.sha256},
        "size": file.size,
        "packagetype": file.kind,
        "python_version": file.python,
        "requires_python": file.requires_python or None,
        "upload_time": moment.strftime("%Y-%m-%dT%H:%M:%S"),
        "upload_time_iso_8601": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
        "core-metadata": {"sha256": file.metadata} if file.kind is DistKind.WHEEL else False,
    }

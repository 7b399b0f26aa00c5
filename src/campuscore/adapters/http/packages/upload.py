"""The legacy upload API: a form of metadata and one file, as twine and uv publish send it."""

from __future__ import annotations

from campuscore.adapters.http.bodies import Form, read_form
from campuscore.adapters.http.route import Ask
from campuscore.domain.packages import DistFile, DistKind, NewUpload
from campuscore.errors import Invalid, Problem

__all__ = ["upload"]

_DIGESTS = ("sha256", "blake2_256", "md5")
_NEEDED = frozenset({":action", "name", "version"})
_WANTED = _NEEDED | {"protocol_version", "filetype", "requires_python"}
_FORM = Form(
    file="content",
    needed=_NEEDED,
    wanted=_WANTED | {f"{name}_digest" for name in _DIGESTS},
)


def upload(ask: Ask) -> DistFile:
    """Publish a file."""
    fields, content = read_form(ask.req, ask.campus.settings.max_package, _FORM)
    problems = [Problem(f"/{name}", "is missing") for name in sorted(_NEEDED - fields.keys())]
    if fields.get(":action", "file_upload") != "file_upload":
        problems.append(Problem("/:action", "must be file_upload"))
    if fields.get("protocol_version", "1") != "1":
        problems.append(Problem("/protocol_version", "must be 1"))
    kind = _kind(fields.get("filetype", ""), problems)
    if content is None:
        problems.append(Problem("/content", "is missing"))
    if problems or content is None:
        raise Invalid(*problems)
    new = NewUpload(
        filename=content.filename,
        name=fields["name"],
        version=fields["version"],
        kind=kind,
        requires_python=fields.get("requires_python", ""),
        digests={name: value for name in _DIGESTS if (value := fields.get(f"{name}_digest"))},
    )
    return ask.campus.packages.upload(ask.principal, new, content.chunks()).file


def _kind(filetype: str, problems: list[Problem]) -> DistKind | None:
    if not filetype:
        return None
    try:
        return DistKind(filetype)
    except ValueError:
        problems.append(Problem("/filetype", f"must be one of {', '.join(DistKind)}"))
        return None

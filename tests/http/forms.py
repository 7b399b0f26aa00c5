"""Forms as clients of the package index send them."""

from __future__ import annotations

from tests.index.dists import Dist

from .client import Part

__all__ = ["parts_of"]


def parts_of(dist: Dist, **change) -> list[Part]:
    """Return the form as twine sends it; None leaves a field out."""
    name, version = dist.filename.removesuffix(".tar.gz").split("-")[:2]
    is_wheel = dist.filename.endswith(".whl")
    fields = {
        "name": name,
        "version": version,
        "filetype": "bdist_wheel" if is_wheel else "sdist",
        "pyversion": "py3" if is_wheel else "source",
        "metadata_version": "2.1",
        "sha256_digest": dist.sha256,
        ":action": "file_upload",
        "protocol_version": "1",
    } | {{"action": ":action"}.get(key, key): value for key, value in change.items()}
    content = Part("content", dist.data, dist.filename, "application/octet-stream")
    return [Part(k, v.encode()) for k, v in fields.items() if v is not None] + [content]

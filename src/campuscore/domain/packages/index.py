"""What the index holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from attrs import define, frozen

from campuscore.domain.packages.names import version_key

__all__ = [
    "DistFile",
    "DistKind",
    "NewDistFile",
    "Project",
    "ProjectPage",
    "Release",
    "releases_of",
]


class DistKind(StrEnum):
    """What a file is, in the words of the upload API."""

    WHEEL = "bdist_wheel"
    SDIST = "sdist"


@define
class Project:
    """A project: ``key`` is its normalized name (PEP 503), ``serial`` grows with each change.

    ``owner`` is the id of the user who uploaded to it first; None where the operator did.
    """

    id: int
    key: str
    name: str
    owner: int | None
    serial: int
    created_at: datetime


@define
class DistFile:
    """A file of a release; its bytes lie in the blob store under ``sha256``.

    ``metadata`` is the SHA-256 of its core metadata, which is a blob of its own. ``yanked`` is the
    reason why (PEP 592), maybe empty, and None where the file is not yanked. Sizes are in bytes.
    """

    id: int
    project: int
    version: str
    filename: str
    kind: DistKind
    python: str
    sha256: str
    size: int
    requires_python: str
    metadata: str
    metadata_size: int
    uploaded_at: datetime
    uploader: int | None
    yanked: str | None


@frozen(kw_only=True)
class NewDistFile:
    """A file to add to a project."""

    project: int
    version: str
    filename: str
    kind: DistKind
    python: str
    sha256: str
    size: int
    requires_python: str
    metadata: str
    metadata_size: int
    uploaded_at: datetime
    uploader: int | None


@frozen
class ProjectPage:
    """A project with its files, in the order of their upload."""

    project: Project
    files: Sequence[DistFile]

    @property
    def versions(self) -> list[str]:
        """The versions that have files, lowest first (PEP 440, PEP 700)."""
        return sorted({file.version for file in self.files}, key=version_key)

    def of(self, version: str) -> list[DistFile]:
        """The files of a version however that is spelled: 1 is 1.0 (PEP 440); Invalid for none."""
        wanted = version_key(version)
        return [file for file in self.files if version_key(file.version) == wanted]

    @property
    def latest(self) -> str | None:
        """The version that installers choose: not yanked, final before pre-release."""
        good = {file.version for file in self.files if file.yanked is None}
        offered = good or {file.version for file in self.files}
        final = [version for version in offered if not version_key(version).is_prerelease]
        return max(final or offered, key=version_key, default=None)


@frozen
class Release:
    """A version of a project, as lists show it."""

    project: str
    version: str
    files: int
    size: int
    uploaded_at: datetime
    yanked: bool


def releases_of(page: ProjectPage) -> list[Release]:
    """Return the releases of a project, newest version first."""
    found: list[Release] = []
    for version in reversed(page.versions):
        files = [file for file in page.files if file.version == version]
        found.append(
            Release(
                page.project.name,
                version,
                len(files),
                sum(file.size for file in files),
                min(file.uploaded_at for file in files),
                all(file.yanked is not None for file in files),
            )
        )
    return found

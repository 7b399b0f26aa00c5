"""The package index: projects, releases and the files of each (PEP 503, PEP 440)."""

from __future__ import annotations

from campuscore.domain.packages.archives import read_metadata
from campuscore.domain.packages.index import (
    DistFile,
    DistKind,
    NewDistFile,
    Project,
    ProjectPage,
    Release,
    releases_of,
)
from campuscore.domain.packages.metadata import Description, describe
from campuscore.domain.packages.names import DistName, parse_filename, project_key, version_key
from campuscore.domain.packages.upload import Digests, NewUpload

__all__ = [
    "Description",
    "Digests",
    "DistFile",
    "DistKind",
    "DistName",
    "NewDistFile",
    "NewUpload",
    "Project",
    "ProjectPage",
    "Release",
    "describe",
    "parse_filename",
    "project_key",
    "read_metadata",
    "releases_of",
    "version_key",
]

"""The form of a backup: which names there are, and the manifest, which comes first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

import attrs

from campuscore.domain.operations import BACKUP_FORMAT, Manifest, Member
from campuscore.errors import Invalid

__all__ = [
    "BLOCK",
    "DATABASE",
    "MANIFEST",
    "SECRET",
    "blob_of",
    "blocks",
    "decode",
    "encode",
    "member_of",
    "refuse",
]

MANIFEST, DATABASE, SECRET = "manifest.json", "campus.db", "secret.key"
BLOCK = 1 << 20
_BLOB = re.compile(r"files/([0-9a-f]{2})/([0-9a-f]{62})")


def member_of(sha256: str) -> str:
    """Return the name in the archive of a blob."""
    return f"files/{sha256[:2]}/{sha256[2:]}"


def blob_of(member: str) -> str | None:
    """Return the blob that a name in the archive stands for, or None."""
    found = _BLOB.fullmatch(member)
    return found[1] + found[2] if found else None


def encode(manifest: Manifest) -> bytes:
    """Return a manifest as JSON."""
    plain = attrs.asdict(manifest) | {"made_at": manifest.made_at.isoformat()}
    return json.dumps(plain, indent=1).encode()


def decode(text: bytes) -> Manifest:
    """Read a manifest, or raise Invalid."""
    try:
        said: Any = json.loads(text)
        if said["format"] != BACKUP_FORMAT:
            raise refuse(f"it has the form {said['format']}, this release reads {BACKUP_FORMAT}")
        members = {name: Member(**each) for name, each in said["members"].items()}
        moment = datetime.fromisoformat(said["made_at"])
        rest: dict[str, Any] = {**said, "made_at": moment, "members": members}
        manifest = Manifest(**rest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise refuse("its manifest cannot be read") from error
    for name, member in manifest.members.items():
        blob = blob_of(name)
        if name not in {DATABASE, SECRET} and blob != member.sha256:
            raise refuse(f"its manifest names {name!r}")
    if DATABASE not in manifest.members:
        raise refuse("it holds no database")
    return manifest


def refuse(why: str) -> Invalid:
    """Make the error of an archive that is not a whole backup."""
    return Invalid(detail=f"this is no backup that can be restored: {why}", code="backup_invalid")


def blocks(source: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a file."""
    while block := source.read(BLOCK):
        yield block

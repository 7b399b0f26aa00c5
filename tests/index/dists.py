"""Wheels and source distributions, well made and badly made, in memory."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

from attrs import frozen

__all__ = ["Dist", "metadata_of", "sdist", "tarball", "wheel", "zipped"]


@frozen
class Dist:
    """A file to upload."""

    filename: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def metadata_of(
    name: str = "demo-lab", version: str = "1.0", *lines: str, kind: str = "2.1", body: str = ""
) -> bytes:
    head = [f"Metadata-Version: {kind}", f"Name: {name}", f"Version: {version}", *lines]
    return ("\n".join(head) + f"\n\n{body}").encode()


def zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return held.getvalue()


def tarball(members: Iterable[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(held.getvalue(), mtime=0)


def wheel(
    name: str = "demo_lab",
    version: str = "1.0",
    *lines: str,
    text: str = "x = 1\n",
    metadata: bytes | None = None,
    change: Mapping[str, bytes | None] | None = None,
    extra: Iterable[tuple[str, bytes]] = (),
) -> Dist:
    """Return a wheel that installs; ``change`` replaces its metadata files, or leaves them out."""
    folder = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": text.encode(),
        f"{folder}/METADATA": metadata or metadata_of(name, version, *lines),
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
    }
    files[f"{folder}/RECORD"] = _record(files, f"{folder}/RECORD")
    for key, data in (change or {}).items():
        files.pop(f"{folder}/{key}")
        if data is not None:
            files[f"{folder}/{key}"] = data
    data = zipped([*files.items(), *extra])
    return Dist(f"{name}-{version}-py3-none-any.whl", data)


def sdist(name: str = "demo_lab", version: str = "1.0", *lines: str, text: str = "") -> Dist:
    top = f"{name}-{version}"
    members = [
        (f"{top}/PKG-INFO", metadata_of(name, version, *lines)),
        (f"{top}/pyproject.toml", b""),
        (f"{top}/{name}/__init__.py", text.encode()),
    ]
    return Dist(f"{top}.tar.gz", tarball(members))


def _record(files: Mapping[str, bytes], own: str) -> bytes:
    rows = [
        f"{name},sha256={_urlsafe(hashlib.sha256(data).digest())},{len(data)}"
        for name, data in files.items()
    ]
    return "\n".join([*rows, f"{own},,", ""]).encode()


def _urlsafe(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")

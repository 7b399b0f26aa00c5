"""Blobs in an object store that speaks S3: ``prefix/ab/cdef...`` in one bucket."""

from __future__ import annotations

from campuscore.adapters.s3.draft import S3Draft
from campuscore.adapters.s3.opening import blobs_of, open_s3
from campuscore.adapters.s3.store import S3Blobs

__all__ = ["S3Blobs", "S3Draft", "blobs_of", "open_s3"]

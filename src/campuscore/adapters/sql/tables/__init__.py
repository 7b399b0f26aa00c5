"""The tables. The first columns of a table are the fields of its entity, in their order."""

from __future__ import annotations

from campuscore.adapters.sql.tables.access import api_tokens, credentials, sessions
from campuscore.adapters.sql.tables.attendance import attachments, check_ins, day_rollups
from campuscore.adapters.sql.tables.audit import audit_heads, audit_records
from campuscore.adapters.sql.tables.keys import signing_keys
from campuscore.adapters.sql.tables.metadata import METADATA, Rows
from campuscore.adapters.sql.tables.packages import blob_claims, blob_names, dist_files, projects
from campuscore.adapters.sql.tables.people import (
    groups,
    guardianships,
    memberships,
    roster_links,
    terms,
    users,
)
from campuscore.adapters.sql.tables.throttle import throttles
from campuscore.adapters.sql.tables.timetable import entries, rooms
from campuscore.adapters.sql.tables.upkeep import leases, outbox, revisions

__all__ = [
    "METADATA",
    "Rows",
    "api_tokens",
    "attachments",
    "audit_heads",
    "audit_records",
    "blob_claims",
    "blob_names",
    "check_ins",
    "credentials",
    "day_rollups",
    "dist_files",
    "entries",
    "groups",
    "guardianships",
    "leases",
    "memberships",
    "outbox",
    "projects",
    "revisions",
    "rooms",
    "roster_links",
    "sessions",
    "signing_keys",
    "terms",
    "throttles",
    "users",
]

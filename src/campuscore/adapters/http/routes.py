"""Every route of the server."""

from __future__ import annotations

from campuscore.adapters.http import (
    attendance,
    audit,
    auth,
    groups,
    operations,
    packages,
    places,
    schedule,
    users,
)

__all__ = ["ROUTES"]

ROUTES = (
    *auth.ROUTES,
    *users.ROUTES,
    *groups.ROUTES,
    *attendance.ROUTES,
    *schedule.ROUTES,
    *places.ROUTES,
    *packages.ROUTES,
    *audit.ROUTES,
    *operations.ROUTES,
)

"""Attendance: check-ins, files of a day, the aggregate of days and its sheets."""

from __future__ import annotations

from campuscore.services.attendance.rules import Sheet
from campuscore.services.attendance.service import MAX_BULK, AttendanceService

__all__ = ["MAX_BULK", "AttendanceService", "Sheet"]

"""The move from another system: records all or nothing, then files one by one."""

from __future__ import annotations

from campuscore.services.transfer.service import TransferService

__all__ = ["TransferService"]

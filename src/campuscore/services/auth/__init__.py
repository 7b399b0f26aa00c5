"""Auth: login, refresh, logout, sessions, passwords, API tokens."""

from __future__ import annotations

from campuscore.services.auth.service import AuthService

__all__ = ["AuthService"]

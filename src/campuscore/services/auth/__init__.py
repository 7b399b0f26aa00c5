"""Auth: login, refresh, logout, sessions, passwords, API tokens."""

from __future__ import annotations

from campuscore.services.auth.gate import Gate
from campuscore.services.auth.keys import KeyService
from campuscore.services.auth.ring import Ring
from campuscore.services.auth.service import AuthService
from campuscore.services.auth.tokens import TokenService

__all__ = ["AuthService", "Gate", "KeyService", "Ring", "TokenService"]

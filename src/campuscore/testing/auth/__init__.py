"""The contracts of credentials, sessions and API tokens."""

from __future__ import annotations

from campuscore.testing.auth.credentials import CredentialsContract
from campuscore.testing.auth.sessions import SessionsContract
from campuscore.testing.auth.tokens import ApiTokensContract

__all__ = ["ApiTokensContract", "CredentialsContract", "SessionsContract"]

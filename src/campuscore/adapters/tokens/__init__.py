"""Access tokens: PyJWT and cryptography sign, everything they take on trust is checked here."""

from __future__ import annotations

from campuscore.adapters.tokens.issuing import SignedAccessTokens, open_access_tokens

__all__ = ["SignedAccessTokens", "open_access_tokens"]

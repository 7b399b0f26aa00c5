"""What a password must be (NIST SP 800-63B: length counts, composition rules do not)."""

from __future__ import annotations

from campuscore.errors import Invalid

__all__ = ["LONGEST", "SHORTEST", "check_password"]

SHORTEST = 8
LONGEST = 1024


def check_password(password: str, path: str = "/password") -> None:
    """Raise Invalid when a new password is too short or too long, in characters."""
    if len(password) < SHORTEST:
        raise Invalid.at(path, f"must have at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise Invalid.at(path, f"must have at most {LONGEST} characters")
    if any("\ud800" <= ch <= "\udfff" for ch in password):
        raise Invalid.at(path, "contains half of a surrogate pair")

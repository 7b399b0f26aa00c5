"""Readers of roster files: SDS v1 and v2.1 folders, and single sheets of people."""

from __future__ import annotations

from campuscore.adapters.rosters.reading import read_roster

__all__ = ["read_roster"]

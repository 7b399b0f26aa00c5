"""Settings: one frozen value, read from environment, TOML file or keywords, and nowhere else."""

from __future__ import annotations

from campuscore.settings.model import Settings
from campuscore.settings.source import Setting, SettingsSource, describe, variables
from campuscore.settings.values import Secret

__all__ = ["Secret", "Setting", "Settings", "SettingsSource", "describe", "variables"]

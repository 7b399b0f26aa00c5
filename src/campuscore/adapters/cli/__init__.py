"""The command line: one module for each feature, loaded when its command is called."""

from __future__ import annotations

__all__: list[str] = []

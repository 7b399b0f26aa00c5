"""A small believable campus, filled in through the services like by any other program."""

from __future__ import annotations

from campuscore.adapters.demo.filling import Filled, fill

__all__ = ["Filled", "fill"]

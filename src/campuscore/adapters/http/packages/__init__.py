"""The package index over HTTP: what pip, uv, poetry, twine and browsers ask for."""

from __future__ import annotations

from campuscore.adapters.http.packages.routes import ROUTES

__all__ = ["ROUTES"]

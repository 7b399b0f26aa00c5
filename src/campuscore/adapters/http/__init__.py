"""The web front end: a Falcon WSGI app generated from one route table."""

from __future__ import annotations

from campuscore.adapters.http.app import create_app

__all__ = ["create_app"]

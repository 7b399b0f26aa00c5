"""Reader of the database of a Django campus: the seed's tables, or what a mapping names."""

from __future__ import annotations

from campuscore.adapters.django.layout import Mapping
from campuscore.adapters.django.reading import open_django

__all__ = ["Mapping", "open_django"]

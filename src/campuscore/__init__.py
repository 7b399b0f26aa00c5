"""The backend of a teaching department in one package.

People and their groups, who was present when, and the timetable: as services to import, a WSGI app
to deploy, and a command line to script.

Example
-------
>>> from campuscore import open_campus
>>> from campuscore.domain.users import NewUser
>>> with open_campus("memory://") as campus:
...     alice = campus.users.create(campus.operator, NewUser(username="alice"))
...     alice.username
'alice'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from campuscore import errors
from campuscore.errors import CampusError

if TYPE_CHECKING:
    from campuscore.bootstrap import Campus, open_campus
    from campuscore.domain.attendance import CheckInQuery, DayQuery, NewAttachment, NewCheckIn
    from campuscore.domain.groups import GroupChange, GroupKind, NewGroup
    from campuscore.domain.schedule import EntryChange, EntryQuery, NewEntry, NewRoom, NewTerm
    from campuscore.domain.users import NewUser, Role, UserChange, UserQuery
    from campuscore.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "Campus",
    "CampusError",
    "CheckInQuery",
    "DayQuery",
    "EntryChange",
    "EntryQuery",
    "GroupChange",
    "GroupKind",
    "NewAttachment",
    "NewCheckIn",
    "NewEntry",
    "NewGroup",
    "NewRoom",
    "NewTerm",
    "NewUser",
    "Role",
    "Settings",
    "UserChange",
    "UserQuery",
    "__version__",
    "errors",
    "open_campus",
]

_HOMES = {
    "campuscore.bootstrap": ("Campus", "open_campus"),
    "campuscore.domain.attendance": ("CheckInQuery", "DayQuery", "NewAttachment", "NewCheckIn"),
    "campuscore.domain.groups": ("GroupChange", "GroupKind", "NewGroup"),
    "campuscore.domain.schedule": ("EntryChange", "EntryQuery", "NewEntry", "NewRoom", "NewTerm"),
    "campuscore.domain.users": ("NewUser", "Role", "UserChange", "UserQuery"),
    "campuscore.settings": ("Settings",),
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load public names when they are first used (PEP 562), so that importing stays light."""
    module = _WHERE.get(name)
    if module is None:
        message = f"module 'campuscore' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415 - loaded on first use, like what it loads

    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

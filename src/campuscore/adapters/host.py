"""What can be wrong with the machine and the home folder."""

from __future__ import annotations

import ipaddress
import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from attrs import fields, frozen

from campuscore.domain.days import find_zone, utc_now
from campuscore.domain.operations import Finding, Level
from campuscore.errors import Misconfigured
from campuscore.settings import Settings

__all__ = ["HomeHost", "open_host"]

_OK, _WARNING, _FAILURE = Level.OK, Level.WARNING, Level.FAILURE
_MIB = 1 << 20
_LITTLE, _TOO_LITTLE = 1024 * _MIB, 100 * _MIB
_EARLIEST = datetime.fromisoformat("2025-01-01T00:00:00+00:00")
_SKEW = timedelta(minutes=5)
_SHORTEST_SECRET = 32
_LIBRARIES = {"granian": "serve", "msgspec": "serve", "python_calamine": "sheets"}


@frozen
class HomeHost:
    """Implements ``Host`` for the machine that this runs on."""

    settings: Settings
    origins: Mapping[str, str]
    now: Callable[[], datetime]

    def examine(self) -> list[Finding]:
        checks = (
            self._settings,
            self._home,
            self._modes,
            self._disk,
            self._clock,
            self._secret,
            self._libraries,
            self._exposure,
        )
        return [check() for check in checks]

    def _settings(self) -> Finding:
        plain = Settings()
        changed = [
            item.name
            for item in fields(Settings)
            if getattr(self.settings, item.name) != getattr(plain, item.name)
        ]
        kinds = Counter(self.origins.get(name, "program").split()[0] for name in changed)
        told = ", ".join(f"{count} by {kind}" for kind, count in sorted(kinds.items()))
        return Finding("settings", _OK, told or "all are defaults")

    def _home(self) -> Finding:
        folder = self.settings.folder
        if not folder.is_dir():
            text, advice = f"{folder} is not a folder", "make it, or set home"
            return Finding("home", _FAILURE, text, advice)
        if not os.access(folder, os.W_OK | os.X_OK):
            text = f"{folder} cannot be written to by this account"
            return Finding("home", _FAILURE, text, "run this as the server's account, or chown it")
        return Finding("home", _OK, str(folder))

    def _modes(self) -> Finding:
        file, folder = self.settings.database_file, self.settings.folder
        reachable = _mode(folder) & stat.S_IXOTH
        if file is not None and reachable and _mode(file) & stat.S_IROTH:
            text = f"every account of this machine can read {file.name}"
            return Finding("modes", _WARNING, text, f"chmod o= {file} {folder}")
        return Finding("modes", _OK, "other accounts cannot read the database")

    def _disk(self) -> Finding:
        home = self.settings.folder
        free = shutil.disk_usage(next(f for f in (home, *home.parents) if f.is_dir())).free
        text = f"{free // _MIB} MiB are free"
        if free < _TOO_LITTLE:
            return Finding("disk", _FAILURE, text, "free some; writing will fail")
        if free < _LITTLE:
            return Finding("disk", _WARNING, text, "free some")
        return Finding("disk", _OK, text)

    def _clock(self) -> Finding:
        try:
            find_zone(self.settings.time_zone)
        except Misconfigured as error:
            return Finding("clock", _FAILURE, error.detail, "pip install tzdata")
        now, file = self.now(), self.settings.database_file
        written = file.stat().st_mtime if file is not None and file.exists() else 0.0
        if now < _EARLIEST or written > (now + _SKEW).timestamp():
            text = f"this machine says it is {now:%F %H:%M} UTC, which lies in the past"
            return Finding("clock", _FAILURE, text, "set the clock, and keep it by NTP")
        return Finding("clock", _OK, f"{now:%F %H:%M} UTC; the zone is {self.settings.time_zone}")

    def _secret(self) -> Finding:
        if self.settings.secret_key.reveal:
            return Finding("secret", _OK, "secret_key is set, and long enough")
        path = self.settings.folder / "secret.key"
        try:
            size, mode = len(path.read_bytes().strip()), _mode(path)
        except FileNotFoundError:
            return Finding("secret", _WARNING, "there is no secret.key yet", "it is made by serve")
        except OSError as error:
            return Finding("secret", _FAILURE, f"{path}: {error.strerror}", "chown it")
        if size < _SHORTEST_SECRET:
            text = f"{path} has {size} bytes, needs at least {_SHORTEST_SECRET}"
            return Finding("secret", _FAILURE, text, "remove it and restart; a new one is made")
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            return Finding("secret", _FAILURE, f"others can open {path}", f"chmod 600 {path}")
        return Finding("secret", _OK, f"{path.name} is long enough, and its owner's alone")

    def _libraries(self) -> Finding:
        missing = [name for name in _LIBRARIES if find_spec(name) is None]
        if missing:
            extras = ",".join(sorted({_LIBRARIES[name] for name in missing}))
            text, advice = f"missing: {', '.join(missing)}", f"pip install 'campuscore[{extras}]'"
            return Finding("libraries", _WARNING, text, advice)
        return Finding("libraries", _OK, ", ".join(_LIBRARIES))

    def _exposure(self) -> Finding:
        settings, public = self.settings, urlsplit(self.settings.public_url)
        inside = _is_loopback(public.hostname or "")
        if settings.debug:
            level = _WARNING if inside else _FAILURE
            return Finding("exposure", level, "debug shows the details of errors", "unset debug")
        host = urlsplit(_served_at(settings.folder)).hostname
        if host and not _is_loopback(host) and not settings.trusted_proxies:
            text = f"the server listens on {host} itself, in plain HTTP"
            return Finding("exposure", _WARNING, text, "put a proxy with TLS in front of it")
        if public.scheme == "http" and not inside:
            text = f"{settings.public_url} sends passwords in plain HTTP"
            return Finding("exposure", _WARNING, text, "put a proxy with TLS in front of it")
        return Finding("exposure", _OK, f"debug is off; people reach {settings.public_url}")


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _served_at(folder: Path) -> str:
    """Return the address that a server noted in its lock, if any."""
    try:
        return (folder / "serve.lock").read_text("utf-8").partition(" ")[2].strip()
    except (OSError, ValueError):
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_host(
    settings: Settings,
    origins: Mapping[str, str] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> HomeHost:
    """Return the machine that this runs on, as the settings use it."""
    return HomeHost(settings, origins or {}, now)

"""Where settings come from: environment, TOML file or keywords, and nowhere else."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import Attribute, AttrsInstance, field, fields, frozen

from campuscore.errors import Misconfigured
from campuscore.settings.values import convert, show

__all__ = ["Setting", "SettingsSource", "describe", "variables"]

PREFIX = "CAMPUSCORE_"
_S = TypeVar("_S", bound=AttrsInstance)


@frozen
class Setting:
    """One setting, for documentation and ``config show``."""

    name: str
    value: str
    origin: str
    help: str
    variables: tuple[str, ...]


@frozen(kw_only=True)
class SettingsSource:
    """Where settings come from, strongest first: flags, environment, TOML file, defaults."""

    flags: Mapping[str, object] = field(factory=dict[str, object])
    environ: Mapping[str, str] = field(factory=dict[str, str])
    toml: Path | None = None

    def read(self, kind: type[_S]) -> _S:
        """Return the settings, or raise Misconfigured."""
        values, _ = self._gather(fields(kind))
        return kind(**values)

    def origins(self, kind: type[AttrsInstance]) -> dict[str, str]:
        """Return where each setting that is not a default came from."""
        return self._gather(fields(kind))[1]

    def _gather(self, items: Iterable[Attribute[Any]]) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        known = {item.name: item for item in items}
        for name, raw in _load_toml(self.toml, known).items():
            values[name] = convert(known[name], raw)
            origins[name] = f"file {self.toml}"
        for item in known.values():
            found = _from_environ(item, self.environ)
            if found is not None:
                values[item.name] = convert(item, found[1])
                origins[item.name] = f"environment {found[0]}"
        for name, value in self.flags.items():
            if value is not None:
                values[name] = convert(known[name], value)
                origins[name] = "flag"
        return values, origins


def describe(settings: AttrsInstance, origins: Mapping[str, str]) -> list[Setting]:
    """List every setting with its value (secrets masked), origin and help."""
    return [
        Setting(
            item.name,
            (item.metadata["shown"] or show)(getattr(settings, item.name)),
            origins.get(item.name, "default"),
            item.metadata["help"],
            variables(item),
        )
        for item in fields(type(settings))
    ]


def variables(item: Attribute[Any]) -> tuple[str, ...]:
    """Return the environment variables of a setting, strongest first."""
    also = item.metadata["also"]
    return (PREFIX + item.name.upper(), *([also] if also else []))


def _load_toml(path: Path | None, known: Collection[str]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Misconfigured(f"{path}: {error}") from error
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise Misconfigured(f"{path}: there is no setting {unknown[0]!r}")
    return values


def _from_environ(item: Attribute[Any], environ: Mapping[str, str]) -> tuple[str, str] | None:
    for variable in variables(item):
        if variable in environ:
            return variable, environ[variable]
        path = environ.get(f"{variable}_FILE")
        if path:
            try:
                return f"{variable}_FILE", Path(path).read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                raise Misconfigured(f"{variable}_FILE: {error}") from error
    return None

"""Settings: one frozen value, read from environment, TOML file or keywords, and nowhere else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeGuard, TypeVar, cast
from urllib.parse import urlsplit

from attrs import Attribute, field, fields, frozen

from campuscore.errors import Misconfigured

__all__ = ["Secret", "Setting", "Settings", "SettingsSource", "describe", "variables"]

PREFIX = "CAMPUSCORE_"
_SHORTEST_SECRET = 32
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_USER_PASSWORD = re.compile(r"^((?!sqlite)[^:]+://[^:/?#@]*:).*@")
_QUERY_PASSWORD = re.compile(r"([?&]password=)[^&#]*")
_S = TypeVar("_S", bound="Settings")


@frozen(repr=False)
class Secret:
    """A text that never prints."""

    reveal: str = ""

    def __repr__(self) -> str:
        return "Secret(***)" if self.reveal else "Secret()"

    __str__ = __repr__


def _without_password(url: str) -> str:
    """Return a URL with its password masked: before the host, or in the query."""
    shown = _USER_PASSWORD.sub(r"\1***@", url)
    return _QUERY_PASSWORD.sub(r"\1***", shown)


def _says(
    help_text: str, default: object, *, also: str = "", shown: Callable[[Any], str] | None = None
) -> Any:
    metadata = {"help": help_text, "also": also, "shown": shown}
    return field(default=default, metadata=metadata, repr=shown or True)


@frozen(kw_only=True)
class Settings:
    """Everything that can be set.

    Each setting is read from the environment as ``CAMPUSCORE_<NAME>``, or as
    ``CAMPUSCORE_<NAME>_FILE`` for the path of a file that holds it; from a TOML file under its own
    name; or as a keyword here.

    Example
    -------
    >>> from campuscore import Settings
    >>> Settings(time_zone="Europe/Moscow").time_zone
    'Europe/Moscow'
    """

    home: str = _says("Folder of the database and the files.", ".")
    database_url: str = _says(
        "Where the records are: sqlite:///PATH, postgresql://USER:PASSWORD@HOST/NAME, or memory:// "
        "for trying things out; empty means campus.db in the home folder.",
        "",
        also="DATABASE_URL",
        shown=_without_password,
    )
    blob_url: str = _says(
        "Where the files are: s3://BUCKET/PREFIX, or memory://; empty means in the home folder.", ""
    )
    s3_endpoint: str = _says(
        "Address of an object store that is not AWS; http:// only where the network is trusted.", ""
    )
    s3_region: str = _says("Region of the bucket; empty means what the machine says.", "")
    s3_access_key: Secret = _says(
        "Id of the key to the bucket; empty means the machine's own (environment, role).", Secret()
    )
    s3_secret_key: Secret = _says("The secret that belongs to s3_access_key.", Secret())
    s3_redirects: bool = _says(
        "Send clients to signed addresses of the bucket for files; they must be able to reach it.",
        default=False,
    )
    secret_key: Secret = _says(
        "Seed of what must be secret and stable, at least 32 bytes; "
        "empty means one is made in the home folder.",
        Secret(),
        also="SECRET_KEY",
    )
    debug: bool = _says(
        "Show the details of errors; refuses to listen on anything but loopback.",
        default=False,
        also="DEBUG",
    )
    time_zone: str = _says("IANA time zone of local dates and of the 12:30 split.", "UTC")
    public_url: str = _says(
        "Address under which people reach the server, for links made outside of a request.",
        "http://127.0.0.1:8000",
    )
    admin_user: str = _says("Name of the first administrator.", "admin")
    admin_password: Secret = _says(
        "Password of the first administrator; empty means a one-time password is printed.",
        Secret(),
    )
    check_in_on_login: bool = _says(
        "Record each successful login as a check-in.",
        default=True,
    )
    access_minutes: int = _says("Life of an access token, in minutes.", 10)
    idle_days: int = _says("A session ends when it was not used for so many days.", 14)
    session_days: int = _says("A session ends after so many days at the latest.", 30)
    sqlite_synchronous: str = _says(
        "full: an acknowledged write survives a power cut; normal: the last ones may not.",
        "full",
    )
    lock_seconds: int = _says("How long a writer waits for another one, in seconds.", 30)
    max_body: int = _says("Longest JSON body that is taken, in bytes.", 4 * 1024 * 1024)
    max_upload: int = _says("Longest file that is taken, in bytes.", 100 * 1024 * 1024)
    max_package: int = _says(
        "Longest file that the package index takes, in bytes.", 4 * 1024 * 1024 * 1024
    )
    index_anonymous_read: bool = _says(
        "Let installers read the package index without logging in.",
        default=True,
    )
    cors_origins: tuple[str, ...] = _says(
        "Origins whose pages may call the API from a browser, separated by commas.",
        (),
    )

    def __attrs_post_init__(self) -> None:
        """Refuse what is unsafe or contradicts itself."""
        _check_secret(self.secret_key)
        _check_choice("sqlite_synchronous", self.sqlite_synchronous, ("full", "normal"))
        for name in ("access_minutes", "idle_days", "session_days", "lock_seconds"):
            _check_range(name, getattr(self, name), 1, 100_000)
        for name in ("max_body", "max_upload", "max_package"):
            _check_range(name, getattr(self, name), 1, 1 << 50)
        if urlsplit(self.public_url).scheme not in {"http", "https"}:
            raise Misconfigured("public_url: must begin with http:// or https://")

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **overrides: object) -> Self:
        """Read settings from a mapping such as ``os.environ``; keywords go before it.

        Raises
        ------
        Misconfigured
            A value cannot be read, with the name of its variable.
        """
        return SettingsSource(environ=environ, flags=overrides).read(cls)

    @classmethod
    def from_toml(cls, path: Path | str, **overrides: object) -> Self:
        """Read settings from a TOML file; keywords go before it.

        Raises
        ------
        Misconfigured
            The file cannot be read, names an unknown setting, or a value is of the wrong type.
        """
        return SettingsSource(toml=Path(path), flags=overrides).read(cls)

    @property
    def folder(self) -> Path:
        """The home folder as an absolute path."""
        return Path(self.home).expanduser().resolve()

    @property
    def database(self) -> str:
        """The database's URL with its default filled in."""
        return self.database_url or f"sqlite:///{self.folder / 'campus.db'}"

    @property
    def access_life(self) -> timedelta:
        """The life of an access token."""
        return timedelta(minutes=self.access_minutes)

    @property
    def idle_life(self) -> timedelta:
        """The life of a session that nobody uses."""
        return timedelta(days=self.idle_days)

    @property
    def session_life(self) -> timedelta:
        """The life of a session at the most."""
        return timedelta(days=self.session_days)


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
        values, _ = self._gather()
        return kind(**values)

    def origins(self) -> dict[str, str]:
        """Return where each setting that is not a default came from."""
        return self._gather()[1]

    def _gather(self) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for name, raw in _load_toml(self.toml).items():
            values[name] = _convert(name, raw)
            origins[name] = f"file {self.toml}"
        for item in fields(Settings):
            found = _from_environ(item, self.environ)
            if found is not None:
                values[item.name] = _convert(item.name, found[1])
                origins[item.name] = f"environment {found[0]}"
        for name, value in self.flags.items():
            if value is not None:
                values[name] = _convert(name, value)
                origins[name] = "flag"
        return values, origins


def describe(settings: Settings, origins: Mapping[str, str]) -> list[Setting]:
    """List every setting with its value (secrets masked), origin and help."""
    return [
        Setting(
            item.name,
            (item.metadata["shown"] or _show)(getattr(settings, item.name)),
            origins.get(item.name, "default"),
            item.metadata["help"],
            variables(item),
        )
        for item in fields(Settings)
    ]


def variables(item: Attribute[Any]) -> tuple[str, ...]:
    """Return the environment variables of a setting, strongest first."""
    also = item.metadata["also"]
    return (PREFIX + item.name.upper(), *([also] if also else []))


def _show(value: object) -> str:
    if isinstance(value, Secret):
        return "***" if value.reveal else ""
    if _is_texts(value):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _load_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Misconfigured(f"{path}: {error}") from error
    unknown = sorted(set(values) - {item.name for item in fields(Settings)})
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


def _convert(name: str, raw: object) -> object:
    item = next(item for item in fields(Settings) if item.name == name)
    kind = cast("type[object]", type(item.default))
    if isinstance(raw, kind) and not (kind is int and isinstance(raw, bool)):
        return raw
    if kind is Secret and isinstance(raw, str):
        return Secret(raw)
    if kind is tuple:
        return _to_tuple(name, raw)
    if isinstance(raw, str) and kind is bool:
        return _to_bool(name, raw)
    if isinstance(raw, str) and kind is int:
        return _to_int(name, raw)
    raise Misconfigured(f"{name}: must be {_KINDS[kind]}")


_KINDS: dict[type[object], str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    Secret: "text",
    tuple: "a list of texts",
}


def _to_tuple(name: str, raw: object) -> tuple[str, ...]:
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not _is_texts(parts):
        raise Misconfigured(f"{name}: must be a list of texts")
    return tuple(text.strip() for text in parts if text.strip())


def _is_texts(value: object) -> TypeGuard[Sequence[str]]:
    if not isinstance(value, list | tuple):
        return False
    return all(isinstance(part, str) for part in cast("Sequence[object]", value))


def _to_bool(name: str, raw: str) -> bool:
    if raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    raise Misconfigured(f"{name}: must be true or false, not {raw!r}")


def _to_int(name: str, raw: str) -> int:
    try:
        return int(raw)
    except ValueError as error:
        raise Misconfigured(f"{name}: must be a whole number, not {raw!r}") from error


def _check_secret(secret: Secret) -> None:
    size = len(secret.reveal.encode("utf-8", "surrogateescape"))
    if secret.reveal and size < _SHORTEST_SECRET:
        raise Misconfigured(f"secret_key: has {size} bytes, needs at least {_SHORTEST_SECRET}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise Misconfigured(f"{name}: must be one of {', '.join(choices)}, not {value!r}")


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise Misconfigured(f"{name}: must be from {least} to {most}, not {value}")

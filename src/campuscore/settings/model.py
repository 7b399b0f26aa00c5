"""Everything that can be set, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from attrs import frozen

from campuscore.domain.network import Peers
from campuscore.domain.passwords import LEAST_LENGTH
from campuscore.errors import Misconfigured
from campuscore.settings.source import SettingsSource
from campuscore.settings.values import (
    Secret,
    check_choice,
    check_range,
    check_secret,
    masked,
    says,
    without_password,
)

__all__ = ["Settings"]

_MOST_LENGTH = 64  # passwords of so many characters have to be taken (NIST SP 800-63B-4)


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

    home: str = says("Folder of the database and the files.", ".")
    database_url: str = says(
        "Where the records are: sqlite:///PATH, postgresql://USER:PASSWORD@HOST/NAME, or memory:// "
        "for trying things out; empty means campus.db in the home folder.",
        "",
        also="DATABASE_URL",
        shown=without_password,
    )
    blob_url: str = says(
        "Where the files are: s3://BUCKET/PREFIX, or memory://; empty means in the home folder.", ""
    )
    s3_endpoint: str = says(
        "Address of an object store that is not AWS; http:// only where the network is trusted.", ""
    )
    s3_region: str = says("Region of the bucket; empty means what the machine says.", "")
    s3_access_key: Secret = says(
        "Id of the key to the bucket; empty means the machine's own (environment, role).", Secret()
    )
    s3_secret_key: Secret = says("The secret that belongs to s3_access_key.", Secret())
    s3_redirects: bool = says(
        "Send clients to signed addresses of the bucket for files; they must be able to reach it.",
        default=False,
    )
    secret_key: Secret = says(
        "Seed of what must be secret and stable, at least 32 bytes; "
        "empty means one is made in the home folder.",
        Secret(),
        also="SECRET_KEY",
    )
    old_secret_keys: tuple[Secret, ...] = says(
        "Earlier values of secret_key, separated by white space: what they sealed still opens.",
        (),
        shown=masked,
        secrets=True,
    )
    debug: bool = says(
        "Show the details of errors; refuses to listen on anything but loopback.",
        default=False,
        also="DEBUG",
    )
    time_zone: str = says("IANA time zone of local dates and of the 12:30 split.", "UTC")
    public_url: str = says(
        "Address under which people reach the server, for links made outside of a request.",
        "http://127.0.0.1:8000",
    )
    admin_user: str = says("Name of the first administrator.", "admin")
    admin_password: Secret = says(
        "Password of the first administrator; empty means a one-time password is printed.",
        Secret(),
    )
    password_slots: int = says(
        "Passwords that a process hashes at one time; 0 is one for each processor, which `serve` "
        "shares out among its workers.",
        0,
    )
    password_length: int = says("Fewest characters of a new password, at least 8.", 12)
    staff_password_length: int = says(
        "The same for teachers, assistants and administrators, where it is more.", 15
    )
    password_context_words: tuple[str, ...] = says(
        "Words that passwords may not be made of alone, such as the school's name, separated by "
        "commas.",
        (),
    )
    breached_passwords: str = says(
        "File of breached passwords that are refused, beyond the list that is built in; "
        "`passwords pack` makes it.",
        "",
    )
    check_in_on_login: bool = says(
        "Record each successful login as a check-in.",
        default=True,
    )
    login_throttle: bool = says(
        "Slow down the guessing of passwords by address and account; only a proxy that does the "
        "same is a reason to turn it off.",
        default=True,
    )
    access_minutes: int = says("Life of an access token, in minutes.", 10)
    idle_days: int = says("A session ends when it was not used for so many days.", 14)
    session_days: int = says("A session ends after so many days at the latest.", 30)
    token_algorithm: str = says(
        "What new signing keys sign with: EdDSA, ES256 or HS256; it takes effect by `keys rotate`.",
        "EdDSA",
    )
    sqlite_synchronous: str = says(
        "full: an acknowledged write survives a power cut; normal: the last ones may not.",
        "full",
    )
    lock_seconds: int = says("How long a writer waits for another one, in seconds.", 30)
    max_body: int = says("Longest JSON body that is taken, in bytes.", 4 * 1024 * 1024)
    max_upload: int = says("Longest file that is taken, in bytes.", 100 * 1024 * 1024)
    max_package: int = says(
        "Longest file that the package index takes, in bytes.", 4 * 1024 * 1024 * 1024
    )
    index_anonymous_read: bool = says(
        "Let installers read the package index without logging in.",
        default=True,
    )
    cors_origins: tuple[str, ...] = says(
        "Origins whose pages may call the API from a browser, separated by commas.",
        (),
    )
    trusted_proxies: tuple[str, ...] = says(
        "Addresses and networks of proxies whose X-Forwarded-* headers count, separated by commas; "
        "unix stands for whoever comes by a Unix socket.",
        (),
    )

    def __attrs_post_init__(self) -> None:
        """Refuse what is unsafe or contradicts itself."""
        check_secret("secret_key", self.secret_key)
        for secret in self.old_secret_keys:
            check_secret("old_secret_keys", secret)
        for name in ("password_length", "staff_password_length"):
            check_range(name, getattr(self, name), LEAST_LENGTH, _MOST_LENGTH)
        check_range("password_slots", self.password_slots, 0, 1024)
        check_choice("token_algorithm", self.token_algorithm, ("EdDSA", "ES256", "HS256"))
        check_choice("sqlite_synchronous", self.sqlite_synchronous, ("full", "normal"))
        for name in ("access_minutes", "idle_days", "session_days", "lock_seconds"):
            check_range(name, getattr(self, name), 1, 100_000)
        for name in ("max_body", "max_upload", "max_package"):
            check_range(name, getattr(self, name), 1, 1 << 50)
        if urlsplit(self.public_url).scheme not in {"http", "https"}:
            raise Misconfigured("public_url: must begin with http:// or https://")
        Peers.parse(self.trusted_proxies)

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
    def database_file(self) -> Path | None:
        """The file of a SQLite database, or None."""
        path = self.database.removeprefix("sqlite:///")
        return None if path == self.database else Path(path).absolute()

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

"""How a bucket is reached: addresses, keys, and for how long one waits."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import field, frozen
from obstore.store import S3Store

from campuscore.adapters.s3.bucket import Bucket
from campuscore.adapters.s3.store import S3Blobs
from campuscore.errors import Misconfigured
from campuscore.settings import Secret, Settings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

__all__ = ["Keys", "Patience", "blobs_of", "open_s3"]


@frozen
class Keys:
    """Whom the store knows us as; without them obstore looks for the machine's own."""

    access: Secret = field(default=Secret())
    secret: Secret = field(default=Secret())


@frozen(kw_only=True)
class Patience:
    """How long is waited for a connection, for an answer, and for the answer to what was sent.

    No new try is made once ``retry`` has passed, so that a silent store is given up after that and
    one more ``silence`` at the most. ``sending`` counts from the first byte that is sent: in that
    time a part has to get through.
    """

    connect: timedelta = timedelta(seconds=5)
    silence: timedelta = timedelta(seconds=20)
    sending: timedelta = timedelta(seconds=60)
    retry: timedelta = timedelta(seconds=20)
    tries: int = 3


_NO_KEYS = Keys()
_PATIENCE = Patience()
_SLOWEST_READER = timedelta(days=1)


def open_s3(
    url: str,
    *,
    endpoint: str = "",
    region: str = "",
    keys: Keys = _NO_KEYS,
    redirects: bool = False,
    folder: Path | None = None,
    patience: Patience = _PATIENCE,
) -> S3Blobs:
    """Return the store in a bucket, ``s3://bucket/prefix``; nothing is asked of it yet."""
    bucket, prefix = _place(url)
    _check(endpoint, keys)
    reader, writer = (
        S3Store(
            bucket,
            prefix=prefix or None,
            config=_config(bucket, endpoint, region),
            client_options=_client(endpoint, patience.connect, silence),
            retry_config=_retries(patience),
            credential_provider=partial(_credential, keys) if keys.access.reveal else None,
        )
        for silence in (patience.silence, patience.sending)
    )
    return S3Blobs(Bucket(reader, writer), secret=keys.secret, redirects=redirects, folder=folder)


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    odd = parts.query or parts.fragment or "@" in parts.netloc or ":" in parts.netloc
    if parts.scheme != "s3" or not parts.netloc or odd:
        raise Misconfigured("blob_url: must be s3://BUCKET or s3://BUCKET/PREFIX, without keys")
    return parts.netloc, parts.path.strip("/")


def _check(endpoint: str, keys: Keys) -> None:
    parts = urlsplit(endpoint)
    if endpoint and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise Misconfigured("s3_endpoint: must be an address that begins with https:// or http://")
    if bool(keys.access.reveal) != bool(keys.secret.reveal):
        raise Misconfigured("s3_access_key, s3_secret_key: one is set without the other")


def _config(bucket: str, endpoint: str, region: str) -> S3Config:
    config: S3Config = {
        # Wildcard certificates do not cover buckets that have dots in their names.
        "virtual_hosted_style_request": not endpoint and "." not in bucket,
        "disable_bulk_delete": True,
    }
    if endpoint:
        config["endpoint"] = endpoint.rstrip("/")
        # Or else a variable of the environment would go before it.
        config["aws_endpoint_url_s3"] = endpoint.rstrip("/")
    if region:
        config["region"] = region
    return config


def _client(endpoint: str, connect: timedelta, silence: timedelta) -> ClientConfig:
    return {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": connect,
        "read_timeout": silence,
        # This one goes on while a client reads slowly; silence of the store is what must end.
        "timeout": _SLOWEST_READER,
    }


def _retries(patience: Patience) -> RetryConfig:
    return {
        "max_retries": patience.tries,
        "retry_timeout": patience.retry,
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=2),
            "base": 2,
        },
    }


def _credential(keys: Keys) -> S3Credential:
    # Given as a function, nothing of the environment is mixed in, such as a token of other keys.
    return {
        "access_key_id": keys.access.reveal,
        "secret_access_key": keys.secret.reveal,
        "token": None,
        "expires_at": None,
    }


def blobs_of(settings: Settings) -> S3Blobs:
    """Return the store that the settings name."""
    return open_s3(
        settings.blob_url,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        keys=Keys(settings.s3_access_key, settings.s3_secret_key),
        redirects=settings.s3_redirects,
    )

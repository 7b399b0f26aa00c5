"""Addresses that let clients fetch one object for some minutes."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import obstore
from obstore.store import S3Store

from campuscore.settings import Secret

__all__ = ["sign", "sign_again"]

_LIFE = timedelta(minutes=10)


def sign(store: S3Store, key: str, secret: Secret, answer: dict[str, str]) -> str:
    """Return an address whose answer has the given headers, where we know the key to sign with."""
    address = obstore.sign(store, "GET", key, _LIFE)
    return sign_again(address, secret, answer) if secret.reveal else address


def sign_again(address: str, secret: Secret, answer: dict[str, str]) -> str:
    """Add parameters to a signed address.

    obstore signs a method and a path, and no parameters beside; but S3 names and types a download
    by parameters. So the signature, and nothing else, is made anew (AWS Signature Version 4).
    """
    parts = urlsplit(address)
    values = {name: text for name, text in parse_qsl(parts.query) if name != "X-Amz-Signature"}
    query = _canonical(values | answer)
    scope = values["X-Amz-Credential"].partition("/")[2]
    request = "\n".join(
        ("GET", parts.path, query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD")
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join((values["X-Amz-Algorithm"], values["X-Amz-Date"], scope, digest))
    key = b"AWS4" + secret.reveal.encode()
    for step in (*scope.split("/"), text):
        key = hmac.digest(key, step.encode(), "sha256")
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{query}&X-Amz-Signature={key.hex()}"


def _canonical(values: dict[str, str]) -> str:
    pairs = sorted((quote(name, safe=""), quote(text, safe="")) for name, text in values.items())
    return "&".join(f"{name}={text}" for name, text in pairs)

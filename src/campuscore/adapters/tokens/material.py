"""Keys as bytes and as JWK (RFC 7517): made, read, and refused where they are not for signing."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import field, frozen

from campuscore.domain.keys import Algorithm
from campuscore.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

__all__ = ["Material", "base64url", "make", "read_jwk", "read_jwks", "revive", "unbase64url"]

Private: TypeAlias = "bytes | Ed25519PrivateKey | EllipticCurvePrivateKey"
Public: TypeAlias = "bytes | Ed25519PublicKey | EllipticCurvePublicKey"

_SIZE: Final = 32
_KINDS: Final = {
    ("OKP", "Ed25519"): Algorithm.EDDSA,
    ("EC", "P-256"): Algorithm.ES256,
    ("oct", None): Algorithm.HS256,
}
_NAMES: Final = {Algorithm.EDDSA: frozenset({"EdDSA", "Ed25519"})}


@frozen
class Material:
    """A key, ready to use with its one algorithm."""

    algorithm: Algorithm
    verifying: Any = field(repr=False)
    signing: Any = field(default=None, repr=False)


def base64url(octets: bytes) -> str:
    """Return bytes in base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def unbase64url(text: str) -> bytes:
    """Return the bytes of base64url; ValueError where the text is not the one way to write them."""
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(text) from error
    if base64url(octets) != text:
        raise ValueError(text)
    return octets


def make(algorithm: Algorithm) -> tuple[bytes, Mapping[str, str] | None]:
    """Make a key: its private bytes, and its public JWK where it has one."""
    private = secrets.token_bytes(_SIZE)
    if algorithm is Algorithm.HS256:
        return private, None
    if algorithm is Algorithm.ES256:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - slow to load

        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        private = number.to_bytes(_SIZE, "big")
    return private, _public(revive(algorithm, private))


def revive(algorithm: Algorithm, private: bytes) -> Material:
    """Return the key that these private bytes are."""
    if algorithm is Algorithm.HS256:
        return Material(algorithm, private, private)
    if algorithm is Algorithm.ES256:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        curve = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
        return Material(algorithm, curve.public_key(), curve)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    edwards = Ed25519PrivateKey.from_private_bytes(private)
    return Material(algorithm, edwards.public_key(), edwards)


def _public(key: Material) -> Mapping[str, str]:
    if key.algorithm is Algorithm.ES256:
        point = key.verifying.public_numbers()
        x, y = (base64url(number.to_bytes(_SIZE, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(key.verifying.public_bytes_raw())}


def read_jwks(keys: Sequence[Mapping[str, Any]]) -> list[Material]:
    """Read the keys of a set (RFC 7517, section 5).

    Raises
    ------
    Invalid
        A key is not for verifying, two have one id, or secret and public keys are mixed.
    """
    names = [str(key["kid"]) for key in keys if "kid" in key]
    if len(set(names)) < len(names):
        raise Invalid.at("/keys", "two keys have the same kid")
    found = [read_jwk(key) for key in keys]
    if len({key.algorithm is Algorithm.HS256 for key in found}) > 1:
        raise Invalid.at("/keys", "secret and public keys are mixed")
    return found


def read_jwk(jwk: Mapping[str, Any]) -> Material:
    """Read a key to verify with.

    Raises
    ------
    Invalid
        It is of another kind, for another purpose or algorithm, too short, or no point of the
        curve.
    """
    algorithm = next((each for kind, each in _KINDS.items() if kind == _kind_of(jwk)), None)
    if algorithm is None:
        raise Invalid.at("/kty", "must be OKP with Ed25519, EC with P-256, or oct")
    if str(jwk.get("alg", algorithm)) not in _NAMES.get(algorithm, {algorithm}):
        raise Invalid.at("/alg", f"must be {algorithm} for this key")
    if jwk.get("use", "sig") != "sig":
        raise Invalid.at("/use", "must be sig")
    if not _is_for_verifying(jwk.get("key_ops", ["verify"])):
        raise Invalid.at("/key_ops", "must have verify, and nothing but sign beside it")
    try:
        return Material(algorithm, _verifying(algorithm, jwk))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid.at("", "is no such key") from error


def _is_for_verifying(uses: object) -> bool:
    return uses in (["verify"], ["sign", "verify"], ["verify", "sign"])


def _kind_of(jwk: Mapping[str, Any]) -> tuple[object, object]:
    return jwk.get("kty"), jwk.get("crv")


def _verifying(algorithm: Algorithm, jwk: Mapping[str, Any]) -> Public:
    if algorithm is Algorithm.HS256:
        secret = unbase64url(jwk["k"])
        if len(secret) < _SIZE:
            raise ValueError(len(secret))
        return secret
    if algorithm is Algorithm.ES256:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        x, y = (unbase64url(jwk[name]) for name in ("x", "y"))
        if (len(x), len(y)) != (_SIZE, _SIZE):
            raise ValueError(len(x))
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        )
        return numbers.public_key()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    return Ed25519PublicKey.from_public_bytes(unbase64url(jwk["x"]))

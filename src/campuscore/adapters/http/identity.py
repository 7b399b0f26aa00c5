"""Who sends a request: a bearer of a token, an installer with one as its password, or nobody."""

from __future__ import annotations

import base64
import binascii

import falcon

from campuscore.adapters.http.origin import origin_of
from campuscore.adapters.http.route import Route
from campuscore.bootstrap import Campus
from campuscore.domain.auth import ANONYMOUS, Origin, Principal
from campuscore.errors import Unauthenticated

__all__ = ["challenge_of", "identify"]

_HINT = "send an API token as the password of the user __token__"


def identify(campus: Campus, route: Route, req: falcon.Request) -> Principal:
    """Return who sends a request to a route, or raise Unauthenticated."""
    req.context.challenge = "Basic" if route.installers else "Bearer"
    scheme, _, rest = (req.auth or "").partition(" ")
    token = rest.strip()
    is_open = route.installers and route.method == "GET" and _is_open(campus)
    if not scheme and is_open:
        return ANONYMOUS
    principal = _authenticate(campus, route, scheme.lower(), token, origin_of(req))
    # A token that is for something else reads no less than somebody without one.
    return ANONYMOUS if is_open and not campus.policy.allows(principal, route.action) else principal


def _authenticate(
    campus: Campus, route: Route, scheme: str, token: str, origin: Origin
) -> Principal:
    if scheme == "basic" and route.installers:
        return _installer(campus, _password(token), origin)
    if scheme != "bearer" or not token:
        if route.installers:
            raise Unauthenticated(_HINT)
        raise Unauthenticated("log in, and send the access token as Authorization: Bearer")
    return campus.auth.authenticate(token, origin)


def _installer(campus: Campus, password: str, origin: Origin) -> Principal:
    """Return whose token a password is.

    The password of a login is none, and whether it is right is not looked up: the refusal is the
    same for every name and every password.
    """
    try:
        return campus.auth.authenticate(password, origin)
    except Unauthenticated as error:
        if error.code != "token_invalid":
            raise
        text = f"the password is no API token that counts, and that of a login does not: {_HINT}"
        raise Unauthenticated(text, code=error.code) from error


def challenge_of(req: falcon.Request) -> str:
    """Return the scheme by which to authenticate for what was asked (RFC 9110, section 11.6.1)."""
    return str(getattr(req.context, "challenge", "Bearer"))


def _is_open(campus: Campus) -> bool:
    return campus.settings.index_anonymous_read


def _password(encoded: str) -> str:
    """Return the password of Basic authentication (RFC 7617); the name says nothing here."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    password = text.partition(":")[2]
    if not password:
        raise Unauthenticated("the Basic credentials are unreadable", code="credentials_unreadable")
    return password

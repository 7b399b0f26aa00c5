"""Auth over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from campuscore.adapters.http.origin import origin_of
from campuscore.adapters.http.route import PUBLIC, Ask, Param, Route
from campuscore.domain.auth import (
    ApiToken,
    Impersonation,
    MintedToken,
    NewApiToken,
    NewImpersonation,
    Session,
    TokenPair,
)
from campuscore.domain.users import User

__all__ = ["ROUTES", "Login", "PasswordChange", "Refresh"]


@frozen
class Login:
    """A username with its password."""

    username: str
    password: str = field(repr=False)


@frozen
class Refresh:
    """A refresh token to exchange."""

    refresh: str = field(repr=False)


@frozen
class PasswordChange:
    """One's own password, and the one to have instead."""

    old_password: str = field(repr=False)
    new_password: str = field(repr=False)
    keep_tokens: bool = False


def login(ask: Ask) -> TokenPair:
    given = ask.body(Login)
    ask.resp.set_header("Cache-Control", "no-store")
    return ask.campus.auth.login(given.username, given.password, origin_of(ask.req))


def refresh(ask: Ask) -> TokenPair:
    ask.resp.set_header("Cache-Control", "no-store")
    return ask.campus.auth.refresh(ask.body(Refresh).refresh, origin_of(ask.req))


def logout(ask: Ask) -> None:
    ask.campus.auth.logout(ask.principal)


def me(ask: Ask) -> User:
    return ask.campus.auth.me(ask.principal)


def change_password(ask: Ask) -> TokenPair:
    given = ask.body(PasswordChange)
    return ask.campus.auth.change_password(
        ask.principal, given.old_password, given.new_password, keep_tokens=given.keep_tokens
    )


def list_sessions(ask: Ask) -> list[Session]:
    return ask.campus.auth.sessions(ask.principal)


def show_session(ask: Ask, session_id: int) -> Session:
    return ask.campus.auth.session(ask.principal, session_id)


def end_session(ask: Ask, session_id: int) -> None:
    ask.campus.auth.end_session(ask.principal, session_id)


def end_sessions(ask: Ask) -> None:
    keep = ask.values().get("keep_tokens", False)
    ask.campus.auth.end_all_sessions(ask.principal, keep_tokens=keep)


def impersonate(ask: Ask) -> Impersonation:
    return ask.campus.auth.impersonate(ask.principal, ask.body(NewImpersonation))


def list_tokens(ask: Ask) -> Sequence[ApiToken]:
    return ask.campus.auth.tokens.list(ask.principal)


def mint_token(ask: Ask) -> MintedToken:
    return ask.campus.auth.tokens.mint(ask.principal, ask.body(NewApiToken))


def revoke_token(ask: Ask, token_id: int) -> None:
    ask.campus.auth.tokens.revoke(ask.principal, token_id)


_SELF, _OWN = "auth.self", "auth.credentials"

ROUTES = (
    Route(
        method="POST",
        path="/auth/login/",
        action=PUBLIC,
        handler=login,
        summary="Log in with username and password; this is a check-in as well.",
        body=Login,
        answer=TokenPair,
        refusals=(401, 429, 503),
    ),
    Route(
        method="POST",
        path="/auth/refresh/",
        action=PUBLIC,
        handler=refresh,
        summary="Exchange a refresh token, once, for a new pair.",
        body=Refresh,
        answer=TokenPair,
        refusals=(401,),
    ),
    Route(
        method="POST",
        path="/auth/logout/",
        action=_SELF,
        handler=logout,
        summary="End this session.",
        status=204,
    ),
    Route(
        method="GET",
        path="/auth/me/",
        action=_SELF,
        handler=me,
        summary="Show who is logged in.",
        answer=User,
    ),
    Route(
        method="POST",
        path="/auth/password/",
        action=_OWN,
        handler=change_password,
        summary="Change one's own password; sessions and API tokens end, and a new session begins.",
        body=PasswordChange,
        answer=TokenPair,
        refusals=(409, 429),
    ),
    Route(
        method="GET",
        path="/auth/sessions/",
        action=_SELF,
        handler=list_sessions,
        summary="List one's own open sessions.",
        answer=list[Session],
    ),
    Route(
        method="DELETE",
        path="/auth/sessions/",
        action=_OWN,
        handler=end_sessions,
        summary="Log out everywhere: end all of one's own sessions, and revoke all API tokens.",
        status=204,
        params=(Param("keep_tokens", bool, "Whether the API tokens stay."),),
    ),
    Route(
        method="GET",
        path="/auth/sessions/{session_id}/",
        action=_SELF,
        handler=show_session,
        summary="Show one of one's own open sessions.",
        answer=Session,
    ),
    Route(
        method="DELETE",
        path="/auth/sessions/{session_id}/",
        action=_OWN,
        handler=end_session,
        summary="End one of one's own sessions.",
        status=204,
    ),
    Route(
        method="POST",
        path="/auth/impersonate/",
        action="auth.impersonate",
        handler=impersonate,
        summary="Act in a user's name for some minutes, to see what they see.",
        body=NewImpersonation,
        answer=Impersonation,
        status=201,
    ),
    Route(
        method="GET",
        path="/auth/tokens/",
        action=_OWN,
        handler=list_tokens,
        summary="List one's own API tokens.",
        answer=list[ApiToken],
    ),
    Route(
        method="POST",
        path="/auth/tokens/",
        action=_OWN,
        handler=mint_token,
        summary="Mint an API token; its secret is shown this once.",
        body=NewApiToken,
        answer=MintedToken,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/auth/tokens/{token_id}/",
        action=_OWN,
        handler=revoke_token,
        summary="Revoke an API token.",
        status=204,
    ),
)

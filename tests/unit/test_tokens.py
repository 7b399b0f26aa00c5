"""Access tokens: ours and unchanged, or refused."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from campuscore.adapters.tokens import SignedAccessTokens, open_access_tokens
from campuscore.adapters.tokens.sealing import Seal
from campuscore.domain.auth import Claims
from campuscore.domain.keys import Algorithm, KeyRing, KeyState
from campuscore.errors import Misconfigured, Unauthenticated
from campuscore.testing.tokens import hold_keys

SECRET = b"0123456789abcdef0123456789abcdef"

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=10)
ISSUER = "https://campus.example"
TOKENS = SignedAccessTokens(Seal.of(SECRET), ISSUER, timedelta(hours=1))
MADE = TOKENS.make(Algorithm.HS256, NOW)
TOKENS.hold(KeyRing(1, [evolve(MADE, state=KeyState.ACTIVE)]))
KEY = TOKENS.seal.open(MADE.sealed, f"{MADE.id} HS256")
HEADER = {"alg": "HS256", "kid": MADE.id, "typ": "at+jwt"}
CLAIMS: dict[str, object] = {
    "iss": "https://campus.example",
    "aud": "campuscore",
    "sub": "7",
    "sid": 9,
    "ver": 1,
    "iat": int(NOW.timestamp()),
    "exp": int(SOON.timestamp()),
    "jti": "one",
}
SAID = Claims(7, 9, SOON.timestamp(), 1)


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def signed(payload: object = CLAIMS, header: object = HEADER, key: bytes = KEY) -> str:
    """Sign anything at all, which no library would."""
    texts = [part if isinstance(part, str) else json.dumps(part) for part in (header, payload)]
    texts[0] = texts[0].replace(": ", ":").replace(", ", ",")
    text = ".".join(base64url(part.encode()) for part in texts)
    return f"{text}.{base64url(hmac.digest(key, text.encode(), 'sha256'))}"


def fresh(**change: object) -> SignedAccessTokens:
    """Return a signer with the same ring that remembers nothing yet."""
    tokens = evolve(TOKENS, **change)
    tokens.hold(KeyRing(1, [evolve(MADE, state=KeyState.ACTIVE)]))
    return tokens


def refusal(token: str, at: datetime = NOW) -> str:
    with pytest.raises(Unauthenticated) as refused:
        fresh().verify(token, at)
    return refused.value.code


def test_a_token_says_what_was_put_into_it() -> None:
    token = TOKENS.issue(SAID, NOW)
    assert TOKENS.verify(token, NOW) == SAID


def test_a_token_is_a_jwt_with_the_agreed_header_and_claims() -> None:
    token = TOKENS.issue(SAID, NOW)
    claims = jwt.decode(
        token, KEY, algorithms=["HS256"], audience="campuscore", options={"verify_exp": False}
    )
    assert jwt.get_unverified_header(token) == HEADER
    assert len(claims.pop("jti")) == 32
    assert claims == {name: CLAIMS[name] for name in CLAIMS if name != "jti"}


def test_no_two_tokens_are_alike() -> None:
    assert TOKENS.issue(SAID, NOW) != TOKENS.issue(SAID, NOW)


@given(
    user=st.integers(1, 2**62),
    session=st.integers(1, 2**52),
    life=st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    later=st.timedeltas(timedelta(0), timedelta(days=800)),
)
def test_a_token_counts_until_the_second_it_expires(
    user: int, session: int, life: timedelta, later: timedelta
) -> None:
    token = TOKENS.issue(Claims(user, session, (NOW + life).timestamp(), 1), NOW)
    ends = int((NOW + life).timestamp())
    for _again in range(2):
        if (NOW + later).timestamp() < ends:
            assert TOKENS.verify(token, NOW + later) == Claims(user, session, float(ends), 1)
        else:
            with pytest.raises(Unauthenticated) as refused:
                TOKENS.verify(token, NOW + later)
            assert refused.value.code == "token_expired"


def test_the_moment_of_expiry_is_too_late() -> None:
    assert refusal(signed(), SOON) == "token_expired"
    assert TOKENS.verify(signed(), SOON - timedelta(microseconds=1)).user_id == 7


def test_a_token_from_the_future_is_refused_beyond_a_minute_of_skew() -> None:
    assert TOKENS.verify(signed(), NOW - timedelta(seconds=60)).user_id == 7
    assert refusal(signed(), NOW - timedelta(seconds=61)) == "token_invalid"


@given(data=st.data())
def test_one_changed_character_is_enough(data: st.DataObject) -> None:
    token = signed()
    place = data.draw(st.integers(0, len(token) - 1))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
    letter = data.draw(st.sampled_from(letters).filter(lambda new: new != token[place]))
    assert refusal(token[:place] + letter + token[place + 1 :]) == "token_invalid"


@given(st.text() | st.text("ey.AJh_-"))
def test_no_text_makes_it_crash(text: str) -> None:
    assert refusal(text) == "token_invalid"


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token + ".",
        lambda token: token + ".e30",
        lambda token: token.rpartition(".")[0],
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token.replace(".", "..", 1),
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda _: "",
        lambda _: "..",
        lambda _: "\ud800",
    ],
)
def test_another_shape_is_refused(change: Callable[[str], str]) -> None:
    assert refusal(change(signed())) == "token_invalid"


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"alg": "none"},
        HEADER | {"alg": "HS512"},
        HEADER | {"alg": "hs256"},
        {"alg": "HS256"},
        {"alg": "HS256", "typ": "at+jwt"},
        HEADER | {"typ": "JWT"},
        HEADER | {"typ": "AT+JWT"},
        {"kid": MADE.id, "typ": "at+jwt"},
        *(
            HEADER | {name: value}
            for name, value in {
                "crit": ["exp"],
                "b64": False,
                "jwk": {"kty": "oct", "k": base64url(KEY)},
                "jku": "https://elsewhere.example/keys",
                "x5c": ["MIIB"],
                "x5u": "https://elsewhere.example/cert",
                "kid": "../../key",
                "zip": "DEF",
            }.items()
        ),
        '{"alg":"HS256","alg":"HS256","kid":"KID","typ":"at+jwt"}',
        '{"alg":"none","alg":"HS256","kid":"KID","typ":"at+jwt"}',
        '{"kid":"KID","alg":"HS256","typ":"at+jwt"}',
        "[" * 2000,
        "null",
    ],
)
def test_another_header_is_refused_even_with_our_signature(header: object) -> None:
    if isinstance(header, str):
        header = header.replace("KID", MADE.id)
    assert refusal(signed(header=header)) == "token_invalid"


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in CLAIMS.items() if key != name}


@pytest.mark.parametrize(
    "payload",
    [
        *(without(name) for name in CLAIMS),
        *(CLAIMS | {name: None} for name in CLAIMS),
        *(CLAIMS | {name: str(CLAIMS[name])} for name in ("sid", "iat", "exp")),
        *(CLAIMS | {name: True} for name in CLAIMS),
        *(CLAIMS | {name: 1.5} for name in CLAIMS),
        *(CLAIMS | {name: 0} for name in CLAIMS),
        *(CLAIMS | {name: -1} for name in CLAIMS),
        *(CLAIMS | {name: 10**400} for name in ("sid", "iat", "exp")),
        *(CLAIMS | {name: []} for name in CLAIMS),
        *(
            CLAIMS | {"sub": sub}
            for sub in ("", "0", "07", "-7", "7.0", "7 ", "\u0667", "x", "9" * 20)
        ),
        CLAIMS | {"jti": ""},
        CLAIMS | {"iss": "https://elsewhere.example"},
        CLAIMS | {"aud": "elsewhere"},
        CLAIMS | {"aud": ["campuscore"]},
        CLAIMS | {"nbf": 1},
        json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "NaN"),
        json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "Infinity"),
        json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "1e400"),
        json.dumps(CLAIMS)[:-1] + ', "sub": "8"}',
        json.dumps(CLAIMS)[:-1] + ', "sub": "7"}',
        "[]",
        "7",
        "null",
        "",
        "{",
        "[" * 2500,
        "{}",
    ],
)
def test_other_claims_are_refused_even_with_our_signature(payload: object) -> None:
    assert refusal(signed(payload)) == "token_invalid"


def test_what_is_not_utf_8_is_refused() -> None:
    text = f"{signed().partition('.')[0]}.{base64url(bytes([0xFF]))}"
    assert refusal(f"{text}.{base64url(hmac.digest(KEY, text.encode(), 'sha256'))}") == (
        "token_invalid"
    )


def test_a_token_of_more_than_4_kib_is_refused_unread() -> None:
    long = signed(CLAIMS | {"jti": "x" * 2700})
    longer = signed(CLAIMS | {"jti": "x" * 3000})
    assert len(long) <= 4096 < len(longer)
    assert TOKENS.verify(long, NOW).user_id == 7
    assert refusal(longer) == "token_invalid"


def test_the_token_of_another_key_or_issuer_is_refused() -> None:
    stranger = open_access_tokens(SECRET, ISSUER, timedelta(hours=1))
    other = hold_keys(stranger, Algorithm.HS256).issue(SAID, NOW)
    elsewhere = fresh(issuer="https://elsewhere.example").issue(SAID, NOW)
    assert [refusal(token) for token in (other, elsewhere)] == ["token_invalid"] * 2
    assert refusal(signed(key=SECRET)) == "token_invalid"


@pytest.mark.parametrize("secret", [b"", SECRET[:31]])
def test_a_short_secret_is_refused(secret: bytes) -> None:
    with pytest.raises(Misconfigured) as refused:
        open_access_tokens(secret, ISSUER, timedelta(hours=1))
    assert refused.value.code == "secret_key_too_short"


def test_the_secret_is_not_shown() -> None:
    assert "0123" not in repr(TOKENS)
    assert KEY.hex() not in repr(TOKENS)
    assert "sealed" not in repr(MADE)


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    tokens = fresh(remember=2)
    texts = [tokens.issue(evolve(SAID, user_id=user), NOW) for user in (1, 2, 3)]
    for text in (texts[0], texts[1], texts[0], texts[2]):
        tokens.verify(text, NOW)
    assert [tokens.remembers(text) for text in texts] == [True, False, True]


def test_no_refused_token_is_remembered() -> None:
    tokens = fresh()
    token = tokens.issue(SAID, NOW)
    for text, at in ((token, SOON), (token[:-2], NOW)):
        with pytest.raises(Unauthenticated):
            tokens.verify(text, at)
        assert not tokens.remembers(text)


def test_a_remembered_token_is_not_parsed_again_and_still_expires() -> None:
    tokens = fresh()
    token = tokens.issue(SAID, NOW)
    first = tokens.verify(token, NOW)
    assert tokens.verify(token, NOW) is first
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(token, SOON)
    assert refused.value.code == "token_expired"
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(token, NOW - timedelta(minutes=2))
    assert refused.value.code == "token_invalid"

"""Project Wycheproof's vectors of signed texts, read by our loader and judged by our verifier.

``pytest --wycheproof DIR tests/unit/test_wycheproof.py``, where DIR is the folder
``testvectors_v1`` of https://github.com/C2SP/wycheproof. Without the option nothing here is
collected: ``test_keys.py`` has vectors of our own for the same traps, which always run.
"""

from __future__ import annotations

import json

import pytest

from campuscore.adapters.tokens.jws import Verifier
from campuscore.adapters.tokens.material import base64url, read_jwks
from campuscore.errors import Invalid

OURS = {("oct", "HS256"), ("EC", "ES256"), ("OKP", "EdDSA")}
STRICTER = {
    "InvalidCharacterInsertedInHeader",
    "InvalidCharacterInsertedInPayload",
    "ValidSpacesInJsonHeader",
    "ValidWhiteSpaceInJsonHeader",
}
"""What we refuse though it may count: each header is known as one text, junk is never dropped."""


@pytest.fixture(
    params=[
        ("json_web_signature_test.json", 353, 8),
        ("json_web_key_test.json", 21, 2),
        ("json_web_crypto_test.json", 45, 3),
    ],
    ids=lambda param: param[0],
)
def vectors(request):
    """Return the groups of a file, and how many it has at least to be refused and accepted."""
    name, bad, good = request.param
    folder = request.config.getoption("--wycheproof")
    if folder is None:
        pytest.fail("say where the vectors are: --wycheproof DIR")
    return json.loads((folder / name).read_text())["testGroups"], bad, good


def keys_of(group):
    found = group.get("public") or group["private"]
    return found.get("keys", [found])


def headers_of(jwk, algorithm):
    """Yield the headers that somebody with this key writes: either member may come first."""
    members = {"alg": str(algorithm), "kid": jwk["kid"]}
    for names in (("alg", "kid"), ("kid", "alg")):
        header = {name: members[name] for name in names}
        yield base64url(json.dumps(header, separators=(",", ":")).encode())


def verifier_of(group):
    """Return what verifies with the keys of a group; None where the loader refuses them."""
    jwks = keys_of(group)
    try:
        read = read_jwks(jwks)
    except Invalid:
        return None
    pairs = zip(jwks, read, strict=True)
    return Verifier(
        {head: key for jwk, key in pairs for head in headers_of(jwk, key.algorithm)},
    )


def text_of(vector):
    """Return a vector as a client would send it: some are JSON, which is no compact text."""
    jws = vector["jws"]
    return jws if isinstance(jws, str) else json.dumps(jws)


def test_no_bad_vector_is_accepted_and_every_good_one_of_our_kinds_is(vectors):
    groups, least_bad, least_good = vectors
    refused, accepted, wrong, missed = 0, 0, [], []
    for group in groups:
        verifier = verifier_of(group)
        ours = all((jwk["kty"], jwk.get("alg")) in OURS for jwk in keys_of(group))
        found = [vector for vector in group["tests"] if "jws" in vector]
        # Two of bad padding have lost it, and are the very texts of one that counts.
        valid = {text_of(vector) for vector in found if vector["result"] == "valid"}
        for vector in found:
            accepts = verifier is not None and verifier.payload(text_of(vector)) is not None
            name = f"{vector['tcId']} {group['comment']} {vector['comment']}"
            if vector["result"] == "valid":
                accepted += accepts
                missed += [name] * (ours and not accepts and vector["comment"] not in STRICTER)
            elif text_of(vector) not in valid:
                refused += not accepts
                wrong += [name] * accepts

    assert (wrong, missed) == ([], [])
    assert (refused >= least_bad, accepted >= least_good) == (True, True), (refused, accepted)

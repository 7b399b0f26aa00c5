"""Signing keys: one signs, all processes know which, and what is revoked counts no more."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import evolve
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from campuscore import Role, Settings, open_campus
from campuscore.adapters.tokens import SignedAccessTokens, open_access_tokens
from campuscore.adapters.tokens.jws import Signer, Verifier, header_text
from campuscore.adapters.tokens.material import (
    base64url,
    make,
    read_jwk,
    read_jwks,
    revive,
    unbase64url,
)
from campuscore.adapters.tokens.sealing import Seal
from campuscore.domain.auth import Claims
from campuscore.domain.keys import Algorithm, KeyRing, KeyState
from campuscore.errors import CampusError, Conflict, Forbidden, Invalid, Misconfigured, NotFound

from .campuses import NOW, town_on

PASSWORD = "correct horse battery"
LIFE = timedelta(hours=1)
OURS = {"kid": "one", "typ": "at+jwt"}


@pytest.fixture
def town(store, clock):
    town = town_on(store, clock)
    town.user("anna", password=PASSWORD)
    return town


def another_process(town, secret=b"0" * 32, **settings):
    """Return a campus on the same store that holds no key yet."""
    access = open_access_tokens(secret, "test", LIFE)
    auth = town.campus.auth
    algorithm = Algorithm(settings.get("token_algorithm", "EdDSA"))
    ring = evolve(auth.ring, access=access, algorithm=algorithm)
    return evolve(auth, ring=ring, keys=evolve(auth.keys, ring=ring))


def refused(call, *args) -> str:
    with pytest.raises(CampusError) as error:
        call(*args)
    return error.value.code


def states(town) -> list[str]:
    return [str(key.state) for key in town.campus.auth.keys.list(town.campus.operator)]


class TestRing:
    def test_the_first_login_makes_two_keys(self, town):
        assert states(town) == []
        town.campus.auth.login("anna", PASSWORD)

        assert states(town) == ["active", "next"]

    def test_processes_share_it(self, town):
        here, there = town.campus.auth, another_process(town)
        token = here.login("anna", PASSWORD).access

        assert there.authenticate(token).username == "anna"
        assert here.authenticate(there.login("anna", PASSWORD).access).username == "anna"
        assert states(town) == ["active", "next"]

    def test_a_rotation_is_seen_by_all_and_takes_no_token(self, town):
        here, there = town.campus.auth, another_process(town)
        old = here.login("anna", PASSWORD).access
        there.authenticate(old)
        active = there.keys.rotate(town.campus.operator)
        new = here.login("anna", PASSWORD).access

        assert states(town) == ["retired", "active", "next"]
        assert here.keys.list(town.campus.operator)[1] == active
        assert kid_of(new) == active.id != kid_of(old)
        for auth in (here, there):
            assert auth.authenticate(old)
            assert auth.authenticate(new)

    def test_what_was_published_signs_next(self, town):
        keys = town.campus.auth.keys
        town.campus.auth.login("anna", PASSWORD)
        announced = keys.list(town.campus.operator)[1].id

        assert announced in {jwk["kid"] for jwk in keys.jwks()}
        assert keys.rotate(town.campus.operator).id == announced
        assert keys.rotate(town.campus.operator, fresh=True).id != announced

    def test_a_retired_key_counts_until_what_it_signed_has_expired(self, town):
        keys, operator = town.campus.auth.keys, town.campus.operator
        old = kid_of(town.campus.auth.login("anna", PASSWORD).access)
        keys.rotate(operator)
        town.clock.forward(minutes=59, seconds=59)
        assert old in {jwk["kid"] for jwk in keys.jwks()}
        town.clock.forward(seconds=1)

        assert old not in {jwk["kid"] for jwk in keys.jwks()}

    @pytest.mark.parametrize("which", ["active", "retired"])
    def test_what_is_revoked_counts_no_more_in_any_process(self, town, which):
        here, there, operator = town.campus.auth, another_process(town), town.campus.operator
        pair = here.login("anna", PASSWORD)
        there.authenticate(pair.access)
        if which == "retired":
            here.keys.rotate(operator)
            there.authenticate(pair.access)
        here.keys.revoke(operator, kid_of(pair.access))

        for auth in (there, here):
            assert refused(auth.authenticate, pair.access) == "token_invalid"
        assert there.authenticate(there.refresh(pair.refresh).access).username == "anna"
        assert sorted(states(town)) == ["active", "next", "revoked"]

    def test_the_next_key_is_replaced_when_it_is_revoked(self, town):
        auth, operator = town.campus.auth, town.campus.operator
        auth.login("anna", PASSWORD)
        auth.keys.revoke(operator, auth.keys.list(operator)[1].id)

        assert states(town) == ["active", "revoked", "next"]

    def test_a_key_is_retired_once(self, town):
        auth, operator = town.campus.auth, town.campus.operator
        auth.login("anna", PASSWORD)
        active, following = (key.id for key in auth.keys.list(operator))
        assert refused(auth.keys.retire, operator, following) == "key_unused"
        auth.keys.retire(operator, active)
        auth.keys.retire(operator, active)

        assert states(town) == ["retired", "active", "next"]

    def test_an_unknown_key_is_not_found(self, town):
        for call in (town.campus.auth.keys.retire, town.campus.auth.keys.revoke):
            with pytest.raises(NotFound):
                call(town.campus.operator, "nothing")

    def test_another_algorithm_begins_with_a_rotation(self, town):
        old = town.campus.auth.login("anna", PASSWORD).access
        other = another_process(town, token_algorithm="HS256")
        assert other.authenticate(old)
        assert kid_of(other.login("anna", PASSWORD).access) == kid_of(old)
        other.keys.rotate(town.campus.operator)
        new = other.login("anna", PASSWORD).access

        assert header_of(new)["alg"] == "HS256"
        for auth in (other, town.campus.auth):
            assert auth.authenticate(new)
            assert auth.authenticate(old)
        assert {jwk["kty"] for jwk in other.keys.jwks()} == {"OKP"}

    @pytest.mark.parametrize("algorithm", Algorithm)
    @pytest.mark.parametrize("way_out", ["rotate", "rotate fresh", "retire", "revoke"])
    def test_another_secret_is_said_and_there_is_a_way_out(self, town, algorithm, way_out):
        operator, first = town.campus.operator, another_process(town, token_algorithm=algorithm)
        old = first.login("anna", PASSWORD)
        other = another_process(town, secret=b"1" * 32, token_algorithm=algorithm)
        with pytest.raises(Misconfigured) as error:
            other.login("anna", PASSWORD)
        assert error.value.code == "secret_key_differs"
        assert error.value.detail.startswith("secret_key: ")
        assert "campuscore keys rotate" in error.value.detail
        if way_out in {"retire", "revoke"}:
            getattr(other.keys, way_out)(operator, kid_of(old.access))
        else:
            other.keys.rotate(operator, fresh=way_out.endswith("fresh"))

        assert other.authenticate(other.refresh(old.refresh).access).username == "anna"
        other.keys.rotate(operator)
        assert other.authenticate(other.login("anna", PASSWORD).access).username == "anna"

    def test_with_another_secret_what_was_signed_by_a_public_key_still_counts(self, town):
        old = town.campus.auth.login("anna", PASSWORD).access

        assert another_process(town, secret=b"1" * 32).authenticate(old).username == "anna"

    def test_no_token_of_a_stranger_makes_keys(self, town):
        header = header_text(Algorithm.EDDSA, **OURS)
        for text in ("", "x", "a.b.c", f"{header}.e30.AAAA"):
            assert refused(town.campus.auth.authenticate, text) == "token_invalid"

        assert states(town) == []

    def test_a_key_is_revoked_once(self, town):
        auth, operator = town.campus.auth, town.campus.operator
        auth.login("anna", PASSWORD)
        key = auth.keys.list(operator)[0].id
        for _ in range(2):
            auth.keys.revoke(operator, key)
        told = [m.topic for m in town.campus.operations.events(operator, limit=100)]

        assert states(town) == ["revoked", "active", "next"]
        assert told.count("key.revoked") == 1

    def test_a_damaged_key_is_said(self, town):
        auth = town.campus.auth
        auth.login("anna", PASSWORD)
        with town.store.write() as work:
            key = work.keys.ring().keys[0]
            half = {**key.public, "x": key.public["x"][:20]}
            work.keys.add(evolve(key, id="half", state=KeyState.RETIRED, public=half))
            work.commit()

        assert refused(another_process(town).login, "anna", PASSWORD) == "signing_key_damaged"

    def test_a_secret_that_lies_open_in_the_database_is_no_key(self, town):
        auth = town.campus.auth
        auth.login("anna", PASSWORD)
        secret = bytes(32)
        with town.store.write() as work:
            key = work.keys.ring().keys[0]
            oct_jwk = {"kty": "oct", "k": base64url(secret)}
            changes = {"algorithm": Algorithm.HS256, "state": KeyState.RETIRED, "public": oct_jwk}
            work.keys.add(evolve(key, id="one", **changes))
            work.commit()
        text = f"{header_text(Algorithm.HS256, **OURS)}.{base64url(b'{}')}"
        mac = base64url(hmac.digest(secret, text.encode(), hashlib.sha256))
        access = auth.ring.access
        auth.ring.load()

        assert refused(access.verify, f"{text}.{mac}", NOW) == "token_invalid"
        assert access._held.verifier.payload(f"{text}.{mac}") is None

    def test_only_administrators_touch_it(self, town):
        keys = town.campus.auth.keys
        bert = town.principal(town.user("bert", Role.TEACHER))
        for call in (
            lambda: keys.list(bert),
            lambda: keys.rotate(bert),
            lambda: keys.retire(bert, "x"),
            lambda: keys.revoke(bert, "x"),
        ):
            with pytest.raises(Forbidden):
                call()

    def test_what_happened_is_told(self, town):
        auth, operator = town.campus.auth, town.campus.operator
        auth.login("anna", PASSWORD)
        auth.keys.rotate(operator)
        auth.keys.revoke(operator, auth.keys.list(operator)[0].id)
        told = [m.topic for m in town.campus.operations.events(operator, limit=100)]

        assert [topic for topic in told if topic.startswith("key.")] == [
            "key.made",
            "key.made",
            "key.retired",
            "key.activated",
            "key.made",
            "key.revoked",
        ]

    def test_two_who_change_it_at_once_leave_one_active(self, town):
        town.campus.auth.login("anna", PASSWORD)
        ring = type(town.campus.auth.ring)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ring, "load", lambda self: evolve(load(self), keys=[]))
            load = lambda self: self.store.read().__enter__().keys.ring()  # noqa: E731
            with pytest.raises(Conflict):
                town.campus.auth.keys.rotate(town.campus.operator)


class Meanwhile:
    """A store in which something happens before the next read."""

    def __init__(self, store, happens):
        self.store, self.happens = store, [happens]

    def read(self):
        while self.happens:
            self.happens.pop()()
        return self.store.read()


class Turn:
    """A lock that says when somebody waits for it."""

    def __init__(self, waited_for):
        self.lock, self.waited_for = threading.Lock(), waited_for

    def __enter__(self):
        if not self.lock.acquire(blocking=False):
            self.waited_for.set()
            self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()


class SlowAtFirst(SignedAccessTokens):
    """A signer that says when it is given keys, and takes over the first ones when it may."""

    def hold(self, ring):
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(10)
        super().hold(ring)


class TestThreads:
    def test_what_was_revoked_is_refused_though_another_thread_saw_it_first(self, town):
        here, there, operator = town.campus.auth, another_process(town), town.campus.operator
        token = here.login("anna", PASSWORD).access
        here.authenticate(token)
        there.keys.revoke(operator, kid_of(token))
        racing = evolve(here, store=Meanwhile(here.store, here.ring.load))

        assert refused(racing.authenticate, token) == "token_invalid"

    def test_keys_that_were_read_earlier_do_not_take_the_place_of_later_ones(self, town):
        """One thread has read the keys, another process revokes one, and a second thread asks."""
        there, operator = another_process(town), town.campus.operator
        token = there.login("anna", PASSWORD).access
        second_is_done_or_waits, first_has_read = threading.Event(), threading.Event()
        access = SlowAtFirst(Seal.of(b"0" * 32), "test", LIFE)
        access.begun, access.go_on = first_has_read, second_is_done_or_waits
        here = evolve(there.ring, access=access, turn=Turn(second_is_done_or_waits))
        auth = evolve(there, ring=here)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(here.load)
            assert first_has_read.wait(10)
            there.keys.revoke(operator, kid_of(token))
            second = pool.submit(refused, auth.authenticate, token)
            second.add_done_callback(lambda _: second_is_done_or_waits.set())
            assert second.result(10) == "token_invalid"
            first.result(10)

        assert access.revision == there.ring.revision


def header_of(token: str) -> dict[str, str]:
    return json.loads(unbase64url(token.partition(".")[0]))


def kid_of(token: str) -> str:
    return header_of(token)["kid"]


def test_private_parts_are_stored_sealed_and_for_one_name(tmp_path):
    with open_campus(Settings(home=str(tmp_path))) as campus:
        campus.auth.ring.load()
        with campus.auth.store.read() as work:
            keys = work.keys.ring().keys
        seal = campus.auth.ring.access.seal
        for key in keys:
            private = seal.open(key.sealed, f"{key.id} EdDSA")
            assert private not in (tmp_path / "campus.db").read_bytes()
            assert revive(key.algorithm, private)
        with pytest.raises(Misconfigured):
            seal.open(keys[0].sealed, f"{keys[1].id} EdDSA")
        with pytest.raises(Misconfigured):
            seal.open(keys[0].sealed, f"{keys[0].id} HS256")
        with pytest.raises(Misconfigured):
            seal.open(keys[0].sealed[:-1], f"{keys[0].id} EdDSA")


def test_a_secret_key_need_not_be_text():
    settings = Settings.from_env({"DATABASE_URL": "memory://", "SECRET_KEY": "\udcff" * 32})
    with open_campus(settings) as campus:
        key = campus.auth.ring.load().active

        assert open_access_tokens(b"\xff" * 32, "test", LIFE).opens(key)


class TestConfusion:
    """A key is for one algorithm, whatever a header says."""

    def verifier(self, algorithm):
        private, _ = make(algorithm)
        key = revive(algorithm, private)
        return key, Verifier({header_text(algorithm, **OURS): key})

    def publics(self, key):
        """Yield what an attacker can know of a public key, as bytes."""
        yield key.verifying.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        yield key.verifying.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if isinstance(key.verifying, ed25519.Ed25519PublicKey):
            yield key.verifying.public_bytes_raw()
            jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(key.verifying.public_bytes_raw())}
            yield json.dumps(jwk).encode()

    @pytest.mark.parametrize("algorithm", [Algorithm.EDDSA, Algorithm.ES256])
    @pytest.mark.parametrize("said", ["HS256", "as it is"])
    def test_a_public_key_is_no_secret(self, algorithm, said):
        key, verifier = self.verifier(algorithm)
        header = header_text(algorithm if said == "as it is" else said, **OURS)
        for secret in self.publics(key):
            text = f"{header}.{base64url(b'{}')}"
            mac = hmac.digest(secret, text.encode(), hashlib.sha256)
            assert verifier.payload(f"{text}.{base64url(mac)}") is None

    @pytest.mark.parametrize("algorithm", [Algorithm.EDDSA, Algorithm.ES256])
    def test_a_signature_of_another_kind_is_none(self, algorithm):
        _, verifier = self.verifier(algorithm)
        text = f"{header_text(algorithm, **OURS)}.{base64url(b'{}')}"
        signatures = [b"", bytes(64), b"\xff" * 64, bytes(96), b"\x30\x06\x02\x01\x00\x02\x01\x00"]
        for signature in signatures:
            assert verifier.payload(f"{text}.{base64url(signature)}") is None

    def test_a_der_signature_is_not_the_raw_one(self):
        key, verifier = self.verifier(Algorithm.ES256)
        text = f"{header_text(Algorithm.ES256, **OURS)}.{base64url(b'{}')}"
        der = key.signing.sign(text.encode(), ec.ECDSA(SHA256()))
        assert verifier.payload(f"{text}.{base64url(der)}") is None

    @given(st.integers(0, 600), st.integers(1, 255))
    def test_one_changed_byte_is_enough(self, place, mask):
        for algorithm in Algorithm:
            key, verifier = self.verifier(algorithm)
            token = Signer(key, OURS).sign(b"{}")
            parts = [bytearray(unbase64url(part)) for part in token.split(".")]
            assert verifier.payload(token) == b"{}"
            spot = place % sum(map(len, parts))
            for part in parts:
                if spot < len(part):
                    part[spot] ^= mask
                    break
                spot -= len(part)
            assert verifier.payload(".".join(base64url(bytes(part)) for part in parts)) is None


ED = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
"""The public key of RFC 8037, appendix A.2."""
SIGNED = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg"
    "3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
"""What is signed there, in appendix A.4."""
EC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
"""The public key of RFC 7515, appendix A.3."""
OCT = {
    "kty": "oct",
    "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
}
"""The secret of RFC 7515, appendix A.1."""


class TestPublished:
    def test_what_the_standard_signed_verifies(self):
        verifier = Verifier({header_text(Algorithm.EDDSA): read_jwk(ED)})

        assert verifier.payload(SIGNED) == b"Example of Ed25519 signing"

    def test_a_raw_signature_on_p_256_verifies(self):
        private = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
        key = read_jwk({"kty": "EC", "crv": "P-256", "x": x, "y": y})
        text = f"{header_text(key.algorithm)}.{base64url(b'anything')}"
        pair = decode_dss_signature(private.sign(text.encode(), ec.ECDSA(SHA256())))
        raw = b"".join(number.to_bytes(32, "big") for number in pair)

        signed = f"{text}.{base64url(raw)}"
        assert Verifier({header_text(key.algorithm): key}).payload(signed) == b"anything"

    @pytest.mark.parametrize("jwk", [ED, EC, OCT])
    @pytest.mark.parametrize(
        ("change", "path"),
        [
            ({"use": "enc"}, "/use"),
            ({"use": "signature"}, "/use"),
            ({"key_ops": ["encrypt"]}, "/key_ops"),
            ({"key_ops": []}, "/key_ops"),
            ({"key_ops": "verify"}, "/key_ops"),
            ({"key_ops": 7}, "/key_ops"),
            ({"key_ops": None}, "/key_ops"),
            ({"key_ops": ["sign"]}, "/key_ops"),
            ({"key_ops": ["verify", "encrypt"]}, "/key_ops"),
            ({"key_ops": ["verify", "verify"]}, "/key_ops"),
            ({"use": None}, "/use"),
            ({"use": ["sig"]}, "/use"),
            ({"alg": None}, "/alg"),
            ({"alg": ["HS256", "ES256", "EdDSA"]}, "/alg"),
            ({"alg": "none"}, "/alg"),
            ({"alg": "HS512"}, "/alg"),
            ({"alg": "RS256"}, "/alg"),
            ({"kty": "RSA"}, "/kty"),
            ({"kty": None}, "/kty"),
            ({"crv": "P-384"}, "/kty"),
            ({"crv": "secp256k1"}, "/kty"),
            ({"x": "AA", "k": "AA"}, ""),
            ({"x": None, "k": None}, ""),
            ({"x": 7, "k": 7}, ""),
            ({"x": "=", "k": "="}, ""),
        ],
    )
    def test_what_is_not_for_verifying_is_refused(self, jwk, change, path):
        with pytest.raises(Invalid) as error:
            read_jwk({**jwk, **change})
        assert [problem.path for problem in error.value.problems] == [path]

    @pytest.mark.parametrize("jwk", [ED, EC, OCT])
    @pytest.mark.parametrize(
        "change", [{"use": "sig"}, {"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}]
    )
    def test_what_is_for_verifying_is_read(self, jwk, change):
        assert read_jwk({**jwk, **change}).verifying

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_padding_is_refused_in_every_part_even_when_it_was_signed(self, part):
        secret, parts = bytes(32), [header_text(Algorithm.HS256), base64url(b"anything"), ""]
        verifier = Verifier({parts[0]: read_jwk({"kty": "oct", "k": base64url(secret)})})
        for padding in ("", "=", "=="):
            texts = [*parts]
            texts[part] += padding
            text = ".".join(texts[:2])
            mac = base64url(hmac.digest(secret, text.encode(), hashlib.sha256))
            signed = f"{text}.{mac}{texts[2]}"
            assert verifier.payload(signed) == (None if padding else b"anything")

    def test_a_point_beside_the_curve_is_refused(self):
        with pytest.raises(Invalid):
            read_jwk({**EC, "y": EC["x"]})

    def test_a_secret_of_less_than_32_bytes_is_refused(self):
        assert read_jwk({"kty": "oct", "k": base64url(bytes(32))})
        with pytest.raises(Invalid):
            read_jwk({"kty": "oct", "k": base64url(bytes(31))})

    def test_a_set_has_each_id_once_and_one_family(self):
        assert len(read_jwks([{**ED, "kid": "a"}, {**EC, "kid": "b"}])) == 2
        with pytest.raises(Invalid):
            read_jwks([{**ED, "kid": "a"}, {**EC, "kid": "a"}])
        with pytest.raises(Invalid):
            read_jwks([{**ED, "kid": "a"}, {**OCT, "kid": "b"}])
        with pytest.raises(Invalid):
            read_jwks([{**OCT, "kid": "7"}, {**OCT, "kid": 7}])

    def test_an_rsa_key_is_none_of_ours(self):
        numbers = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
        n = base64url(numbers.n.to_bytes(256, "big"))
        with pytest.raises(Invalid):
            read_jwk({"kty": "RSA", "n": n, "e": "AQAB"})


@given(st.binary())
def test_base64url_has_one_way_to_write(octets):
    text = base64url(octets)

    assert unbase64url(text) == octets
    for other in (f"{text}=", f" {text}", text.replace("-", "+") if "-" in text else f"{text}\n"):
        with pytest.raises(ValueError, match=r".*"):
            unbase64url(other)


def test_what_a_retired_key_signed_for_longer_ends_with_it():
    """Whoever got hold of the key signs tokens that live as long as they like."""
    tokens = open_access_tokens(b"k" * 32, "x", LIFE)
    key = tokens.make(Algorithm.EDDSA, NOW)
    tokens.hold(KeyRing(1, [evolve(key, state=KeyState.ACTIVE)]))
    token = tokens.issue(Claims(1, 1, (NOW + 9 * LIFE).timestamp(), 1), NOW)
    tokens.hold(KeyRing(2, [evolve(key, state=KeyState.RETIRED)]))

    assert tokens.verify(token, NOW + LIFE - timedelta(microseconds=1)).user_id == 1
    assert refused(tokens.verify, token, NOW + LIFE) == "token_invalid"


def test_states_verify_as_long_as_they_should():
    key = open_access_tokens(b"k" * 32, "x", LIFE).make(Algorithm.EDDSA, NOW)
    for state in (KeyState.ACTIVE, KeyState.NEXT):
        assert evolve(key, state=state).verifies(NOW + 9 * LIFE, LIFE)
    retired = evolve(key, state=KeyState.RETIRED)
    assert retired.verifies(NOW + LIFE - timedelta(microseconds=1), LIFE)
    assert not retired.verifies(NOW + LIFE, LIFE)
    assert not evolve(key, state=KeyState.REVOKED).verifies(NOW, LIFE)

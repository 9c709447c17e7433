"""What a token opens, for how long, and what passes for none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from api_world import ISSUER, Holder, World, code_of, new_holder
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forging import hs256, unsigned

from huxin.api.caller import Caller
from huxin.api.tokens import LIFETIME, MOST_KNOWN, Tokens
from huxin.registry.credentials import revoke_credential
from huxin.registry.session import connection


@pytest.fixture
def member(world: World) -> Holder:
    return world.holders["member"]


def caller_of(holder: Holder) -> Caller:
    return Caller(holder.member_id, holder.code, "member", frozenset(), holder.key_id)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(0, None), (LIFETIME - 1, None), (LIFETIME, "H1104"), (86400, "H1104"), (-1, "H1104")],
)
def test_a_token_holds_for_five_minutes(world: World, member: Holder, seconds: int, code: str | None) -> None:
    token = Tokens(world.settings, ISSUER).issue(caller_of(member))
    assert world.call("GET", "/v1/whoami", token).status_code == 200
    moved = replace(world.settings, fixed_now=world.settings.now() + timedelta(seconds=seconds))
    # Known already, or met for the first time: the same.
    world.app.extensions["huxin"].tokens._settings = moved
    known = world.call("GET", "/v1/whoami", token)
    world.app.extensions["huxin"].tokens._known.clear()
    fresh = world.call("GET", "/v1/whoami", token)
    for response in (known, fresh):
        assert (code_of(response) if response.status_code != 200 else None) == code


def test_tokens_that_are_not_ours(world: World, member: Holder) -> None:
    right = world.token("member")
    head, body, seal = right.split(".")
    claims = jwt.decode(right, options={"verify_signature": False})
    kid = jwt.get_unverified_header(right)["kid"]
    stranger = Ed25519PrivateKey.generate()
    public = next(iter(world.app.extensions["huxin"].tokens._publics.values()))
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    typed = {"typ": "at+jwt", "kid": kid}
    wrong = {
        "tampered claims": f"{head}.{body[:-2]}AA.{seal}",
        "tampered seal": f"{head}.{body}.{'A' * len(seal)}",
        "none": unsigned({"alg": "none", **typed}, claims),
        "HS256 with the public key": hs256({"alg": "HS256", **typed}, claims, raw),
        "EdDSA that is HS256": hs256({"alg": "EdDSA", **typed}, claims, raw),
        "another's signature": jwt.encode(claims, stranger, "EdDSA", typed),
        "an assertion": world.assertion(member),
        "too long": right + "A" * 5000,
        "nothing": "",
        "a word": "password",
        "not ASCII": "é漢",
    }
    found = {name: code_of(world.call("GET", "/v1/whoami", token)) for name, token in wrong.items()}
    assert found == dict.fromkeys(wrong, "H1103")


def test_tokens_of_another_platform_or_for_another_use(world: World, member: Holder) -> None:
    ours = world.app.extensions["huxin"].tokens
    epoch, secret = next(iter(ours._drawn.secrets.items()))
    claims = jwt.decode(world.token("member"), options={"verify_signature": False})
    typed = {"typ": "at+jwt", "kid": str(epoch)}
    assert world.call("GET", "/v1/whoami", jwt.encode(claims, secret, "EdDSA", typed)).status_code == 200, (
        "the forgery itself is right"
    )
    wrong = [
        jwt.encode(claims | {"iss": "https://elsewhere.example"}, secret, "EdDSA", typed),
        jwt.encode(claims | {"aud": "https://elsewhere.example"}, secret, "EdDSA", typed),
        jwt.encode({n: v for n, v in claims.items() if n != "exp"}, secret, "EdDSA", typed),
        jwt.encode({n: v for n, v in claims.items() if n != "aud"}, secret, "EdDSA", typed),
        jwt.encode(claims, secret, "EdDSA", typed | {"typ": "JWT"}),
        jwt.encode(claims, secret, "EdDSA", typed | {"kid": "99"}),
        Tokens(world.settings, "https://elsewhere.example").issue(caller_of(member)),
    ]
    assert [code_of(world.call("GET", "/v1/whoami", token)) for token in wrong] == ["H1103"] * len(wrong)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic TTAwMDE6", "Token x"])
def test_without_a_token(world: World, header: str | None) -> None:
    response = world.call("GET", "/v1/whoami", headers={} if header is None else {"Authorization": header})
    assert code_of(response) == "H1102"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="huxin"'


def test_the_scheme_is_read_as_rfc_9110_says(world: World) -> None:
    headers = {"Authorization": f"bearer {world.token('member')}"}
    assert world.call("GET", "/v1/whoami", headers=headers).status_code == 200


def test_known_tokens_are_bounded_and_only_true_ones_are_kept(world: World, member: Holder) -> None:
    tokens = Tokens(world.settings, ISSUER)
    true = [tokens.issue(caller_of(member)) for _ in range(3)]
    for each in true:
        tokens.known(each)
    for _ in range(20):
        with pytest.raises(Exception, match="H1103"):
            tokens.known(true[0] + "A")
    assert len(tokens._known) == 3
    filler = dict.fromkeys(
        (number.to_bytes(32, "big") for number in range(MOST_KNOWN)), tokens.known(true[0])
    )
    tokens._known.update(filler)
    tokens.known(tokens.issue(caller_of(member)))
    assert len(tokens._known) <= MOST_KNOWN


def test_a_third_live_key_is_refused_and_a_revoked_one_does_not_count(world: World, member: Holder) -> None:
    with connection(world.settings) as database:
        second = new_holder(database, world.settings, "member", member.member_id, "M0001", ())
    with pytest.raises(Exception, match="H1130"), connection(world.settings) as database:
        new_holder(database, world.settings, "member", member.member_id, "M0001", ())
    assert world.exchange(world.assertion(second)).status_code == 200
    assert world.exchange(world.assertion(member)).status_code == 200
    with connection(world.settings) as database:
        revoke_credential(database, member.key_id, world.settings.now())
        new_holder(database, world.settings, "member", member.member_id, "M0001", ())


def test_the_apps_role_reads_no_table_of_access(world: World) -> None:
    for table in ("credential", "assertion_used"):
        with pytest.raises(Exception, match="H0501"):
            world.app.extensions["huxin"].row(f"SELECT * FROM {table}", ())

"""Who gets a token: an assertion that is not quite right is refused, each fault with its own code."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from api_world import ISSUER, SCOPES, Holder, World, code_of
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forging import hs256, unsigned

from huxin.api.app import create_app
from huxin.api.shell import Config
from huxin.api.tokens import LIFETIME
from huxin.ids import new_id
from huxin.registry.credentials import Credential, add_credential, revoke_credential
from huxin.registry.members import set_status
from huxin.registry.session import connection


@pytest.fixture
def member(world: World) -> Holder:
    return world.holders["member"]


def test_a_member_gets_a_token_and_learns_who_it_is(world: World) -> None:
    response = world.exchange(world.assertion(world.holders["member"]))
    assert response.json.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert response.json["expires_in"] == LIFETIME == 300
    assert response.headers["Cache-Control"] == "no-store"
    said = world.call("GET", "/v1/whoami", response.json["access_token"]).json
    assert said["holder"] == "M0001"
    assert said["member"]["status"] == "active"
    assert [key["in_use"] for key in said["keys"]] == [True]


def test_an_ed25519_key_serves_too(world: World, member: Holder) -> None:
    secret = Ed25519PrivateKey.generate()
    public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    made = Credential(
        new_id(), "member", member.member_id, "M0001", "EdDSA", public, ("audit",), world.settings.now()
    )
    with connection(world.settings) as database:
        add_credential(database, made)
    assertion = jwt.encode(world.claims(member), secret, algorithm="EdDSA", headers={"kid": str(made.id)})
    assert world.exchange(assertion).json["scope"] == "audit"


def test_a_token_has_the_scopes_that_were_asked_for_and_granted(world: World) -> None:
    narrow = world.token("member", scope="audit")
    assert code_of(world.call("POST", "/v1/enquiries", narrow, json={})) == "H1114"
    member = world.holders["member"]
    assert code_of(world.exchange(world.assertion(member), scope="audit everything")) == "H1112"
    nothing = world.holders["member_without_scope"]
    assert code_of(world.exchange(world.assertion(nothing), scope="enquiries")) == "H1112"


@pytest.mark.parametrize(
    "scope", [" ", "  ", "audit ", " audit", "audit  enquiries", "audit\tenquiries", "\u00a0"]
)
def test_scopes_that_are_no_list_of_scopes(world: World, scope: str) -> None:
    """RFC 6749, 3.3 and 5.2."""
    for who in ("member", "member_without_scope"):
        refused = world.exchange(world.assertion(world.holders[who]), scope=scope)
        assert (code_of(refused), refused.json["error"]) == ("H1112", "invalid_scope")


def test_a_scope_without_a_value_counts_as_left_out(world: World) -> None:
    """RFC 6749, 3.2."""
    told = world.exchange(world.assertion(world.holders["member"]), scope="")
    assert told.json["scope"] == " ".join(sorted(SCOPES))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://elsewhere.example/oauth/token"}, "H1108"),
        ({"aud": ["https://elsewhere.example"]}, "H1108"),
        ({"aud": None}, "H1108"),
        ({"aud": {"a": 1}}, "H1108"),
        ({"aud": f"{ISSUER}/oauth/token/"}, "H1108"),
        ({"iss": "M0002"}, "H1106"),
        ({"sub": "M0002"}, "H1106"),
        ({"iss": None}, "H1106"),
        ({"sub": None}, "H1106"),
        ({"jti": None}, "H1105"),
        ({"jti": ""}, "H1105"),
        ({"jti": "x" * 257}, "H1105"),
        ({"jti": 7}, "H1105"),
        ({"exp": None}, "H1105"),
        ({"exp": "tomorrow"}, "H1105"),
        ({"exp": True}, "H1105"),
        ({"exp": 1 << 60}, "H1105"),
        ({"exp": -1}, "H1105"),
    ],
    ids=str,
)
def test_claims_that_are_not_right(world: World, member: Holder, changes: dict[str, Any], code: str) -> None:
    assert code_of(world.exchange(world.assertion(member, **changes))) == code


@pytest.mark.parametrize(
    ("name", "offset", "code"),
    [
        ("exp", -3600, "H1107"),
        ("exp", -30, "H1107"),
        ("exp", -29, None),
        ("exp", 330, None),
        ("exp", 331, "H1107"),
        ("exp", 86400, "H1107"),
        ("nbf", 30, None),
        ("nbf", 31, "H1107"),
        ("iat", 31, "H1107"),
        ("iat", -60, None),
    ],
)
def test_times_hold_within_half_a_minute(
    world: World, member: Holder, name: str, offset: int, code: str | None
) -> None:
    moment = int(world.settings.now().timestamp()) + offset
    response = world.exchange(world.assertion(member, **{name: moment}))
    assert (code_of(response) if response.status_code != 200 else None) == code


def test_an_assertion_is_good_once(world: World, member: Holder) -> None:
    assertion = world.assertion(member)
    assert world.exchange(assertion).status_code == 200
    replayed = world.exchange(assertion)
    assert code_of(replayed) == "H1109"
    assert replayed.json["error"] == "invalid_client"
    same_jti = world.assertion(member, jti=jwt.decode(assertion, options={"verify_signature": False})["jti"])
    assert code_of(world.exchange(same_jti)) == "H1109"


def test_of_many_at_once_one_gets_through(world: World, member: Holder) -> None:
    assertion = world.assertion(member)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: world.exchange(assertion).status_code, range(8)))
    assert sorted(statuses) == [200, *[401] * 7]


def test_used_ones_are_forgotten_when_they_could_not_be_used_any_more(world: World, member: Holder) -> None:
    world.exchange(world.assertion(member))
    later = replace(world.settings, fixed_now=world.settings.now() + timedelta(hours=1))
    world.app.extensions["huxin"] = replace(world.app.extensions["huxin"], settings=later)
    world.settings = later
    assert world.exchange(world.assertion(member)).status_code == 200
    with connection(later) as database:
        assert database.exec_driver_sql("SELECT count(*) FROM assertion_used").scalar_one() == 1


def test_algorithms_that_would_let_anybody_in(world: World, member: Holder) -> None:
    claims, kid = world.claims(member), str(member.key_id)
    assert code_of(world.exchange(unsigned({"alg": "none", "kid": kid}, claims))) == "H1105"
    assert code_of(world.exchange(unsigned({"alg": "None", "kid": kid}, claims))) == "H1105"
    pem = member.secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for public in (member.public, pem):
        assert code_of(world.exchange(hs256({"alg": "HS256", "kid": kid}, claims, public))) == "H1105"
        # The same under a header that names an algorithm we take.
        assert code_of(world.exchange(hs256({"alg": "ES256", "kid": kid}, claims, public))) == "H1106"
        assert code_of(world.exchange(hs256({"alg": "EdDSA", "kid": kid}, claims, public))) == "H1106"
    assert code_of(world.exchange(unsigned({"alg": "ES256", "kid": kid}, claims))) == "H1106"


def test_a_key_in_the_header_is_not_looked_at(world: World, member: Holder) -> None:
    own = generate_private_key(SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
    headers = {"kid": str(member.key_id), "jwk": jwk, "jku": "http://127.0.0.1:1/keys"}
    assertion = jwt.encode(world.claims(member), own, algorithm="ES256", headers=headers)
    assert code_of(world.exchange(assertion)) == "H1106"


def test_keys_that_are_not_the_callers(world: World, member: Holder) -> None:
    other = world.holders["member_without_scope"]
    assert code_of(world.exchange(world.assertion(member, kid=str(other.key_id)))) == "H1106"
    assert code_of(world.exchange(world.assertion(member, kid=str(new_id())))) == "H1106"
    assert code_of(world.exchange(world.assertion(member, kid="../../etc"))) == "H1105"
    assert code_of(world.exchange(world.assertion(member), client_id="M0002")) == "H1106"
    operator = world.holders["operator"]
    claimed = world.assertion(operator, iss="M0001", sub="M0001")
    assert code_of(world.exchange(claimed)) == "H1106"


def test_a_tampered_assertion(world: World, member: Holder) -> None:
    head, body, seal = world.assertion(member).split(".")
    for changed in (
        f"{head}.{body[:-2]}AA.{seal}",
        f"{head}.{body}.{seal[:-4]}AAAA",
        f"{head}.{body}",
        "..",
        "x",
        "é",
    ):
        assert code_of(world.exchange(changed)) in ("H1105", "H1106")


@pytest.mark.parametrize(
    "changes",
    [
        {"grant_type": "password"},
        {"grant_type": None},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion_type": None},
        {"client_assertion": ""},
        {"grant_type": ["client_credentials", "client_credentials"]},
        {f"p{number}": "x" for number in range(20)},
    ],
    ids=str,
)
def test_a_request_for_a_token_that_is_none(world: World, member: Holder, changes: dict[str, Any]) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": world.assertion(member),
    }
    wanted = {name: value for name, value in (form | changes).items() if value is not None}
    refused = world.app.test_client().post("/oauth/token", data=wanted)
    assert code_of(refused) == "H1111"
    assert refused.json["error"] == "invalid_request"


def test_a_revoked_key_ends_its_tokens_and_gets_no_more(world: World, member: Holder) -> None:
    token = world.token("member")
    with connection(world.settings) as database:
        revoke_credential(database, member.key_id, world.settings.now())
    assert code_of(world.call("GET", "/v1/whoami", token)) == "H1110"
    assert code_of(world.exchange(world.assertion(member))) == "H1110"


def test_a_member_suspended_meanwhile_reaches_whoami_only(world: World) -> None:
    token = world.token("member")
    with connection(world.settings) as database:
        set_status(database, "M0001", "suspended")
    assert code_of(world.call("POST", "/v1/enquiries", token, json={})) == "H1113"
    said = world.call("GET", "/v1/whoami", token).json
    assert said["member"]["status"] == "suspended"
    assert "suspended" in [finding["name"] for finding in said["findings"]]


def test_standing_is_believed_for_a_moment_only_where_so_configured(world: World) -> None:
    token = world.token("member")
    app = create_app(world.settings, Config(recheck_seconds=3600))
    trusting = World(app, world.settings, world.holders)
    assert trusting.call("GET", "/v1/whoami", token).status_code == 200
    with connection(world.settings) as database:
        set_status(database, "M0001", "suspended")
    assert code_of(trusting.call("POST", "/v1/enquiries", token, json={})) == "H1121"
    assert code_of(world.call("POST", "/v1/enquiries", token, json={})) == "H1113"
    app.extensions["huxin"].live.close()

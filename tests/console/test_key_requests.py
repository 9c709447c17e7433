"""The destruction of a key on the page of approvals: shown with what hangs on it, decided by a second person there."""

from __future__ import annotations

import base64
import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from console_world import Console, Somebody
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from members_world import lending
from sqlalchemy import text

from huxin.oversight import key_epochs
from huxin.oversight.key_approval import Operator, ask_or_approve
from huxin.registry import key_acts
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.keyring import DESTROYED, READ_ONLY
from support.operators import Operators

EPOCH = 1


@pytest.fixture
def console(settings: Settings) -> Console:
    made = lending(settings)
    key_epochs.new_epoch(settings, "registry")
    key_epochs.activate(settings, "registry", EPOCH + 1, 60.0, lambda behind: None)
    return made


@pytest.fixture
def operators(console: Console, tmp_path: Path) -> Operators:
    """Anna asks by the command; Bo and Li sit before the console, each with a key of her own kind."""
    made = Operators(console.settings, tmp_path / "keys")
    made.register("li.na", Ed25519PrivateKey.generate(), "EdDSA")
    made.register("wang.wu", generate_private_key(SECP256R1()), "ES256")
    return made


@pytest.fixture
def li(console: Console) -> Somebody:
    return console.joined("li.na", "administrator")


def asked(console: Console, operators: Operators, name: str = "anna") -> str:
    """The address of what was asked by the command."""
    request, made = ask_or_approve(console.settings, "registry", EPOCH, operators.named(name))
    assert made is None
    return f"/approvals/keys/{request.id}"


def signed(page: str, operator: Operator, raw: bool = False) -> dict[str, str]:
    """The page's form, signed as the page's script or openssl does."""
    at = re.search(r'name="at" value="([^"]+)"', page)
    shown = re.search(r"<pre[^>]*data-alg=[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert at
    assert shown
    signature = operator.sign(html.unescape(shown[1]).encode())
    if raw:
        signature = b"".join(number.to_bytes(32) for number in decode_dss_signature(signature))
    return {"at": html.unescape(at[1]), "signature": base64.b64encode(signature).decode()}


def state(console: Console) -> str:
    return keyring.open(console.settings.keys_dir, "registry").epoch(EPOCH).state


def test_what_one_asks_by_the_command_another_approves_here(
    console: Console, operators: Operators, li: Somebody
) -> None:
    address = asked(console, operators)
    assert "项密钥销毁等待复核" in li.get("/").text
    listed = li.get("/approvals").text
    assert address in listed
    page = li.get(address).text
    assert "登记区第 1 期" in listed and "登记区第 1 期" in page
    assert "没有，可以销毁" in li.get(f"{address}/depending").text
    form = signed(page, operators.named("li.na"))
    for wrong in ({"signature": "AAAA"}, {"signature": "?"}, {"at": form["at"].replace("2026", "2025")}):
        assert li.post(f"{address}/approve", form | wrong).status_code == 422, wrong
        assert state(console) == READ_ONLY
    assert li.post(f"{address}/approve", form).status_code == 303
    assert state(console) == DESTROYED
    assert li.get(address).status_code == 404
    with connection(console.settings) as database:
        bodies = (
            database.execute(text("SELECT body FROM outbox WHERE topic = 'keys.destroyed'")).scalars().all()
        )
        row = database.execute(text("SELECT approved_by, approval, done_at FROM key_request")).one()
    assert [(body["requested_by"], body["approved_by"]) for body in bodies] == [("anna", "li.na")]
    assert base64.b64encode(bytes(row.approval)).decode() == form["signature"]
    assert (row.approved_by, row.done_at is not None) == ("li.na", True)


def test_a_browsers_signature_of_p256_is_taken_too(console: Console, operators: Operators) -> None:
    wang = console.joined("wang.wu", "administrator")
    address = asked(console, operators)
    form = signed(wang.get(address).text, operators.named("wang.wu"), raw=True)
    assert wang.post(f"{address}/approve", form).status_code == 303
    assert state(console) == DESTROYED


def test_nobody_is_both_and_nobody_approves_without_a_key(
    console: Console, operators: Operators, li: Somebody
) -> None:
    address = asked(console, operators, "li.na")
    assert "0 项密钥销毁等待复核" in li.get("/").text
    assert "您自己提出的" in li.get(address).text
    form = {"at": console.settings.now().isoformat(), "signature": "AAAA"}
    assert li.post(f"{address}/approve", form).status_code == 403
    zhao = console.joined("zhao.liu", "administrator")
    assert "还没有登记公钥" in zhao.get(address).text
    assert zhao.post(f"{address}/approve", form).status_code == 403
    # Another's signature is not hers.
    wang = console.joined("wang.wu", "administrator")
    anothers = signed(wang.get(address).text, operators.named("anna"))
    assert wang.post(f"{address}/approve", anothers).status_code == 422
    assert state(console) == READ_ONLY


def test_what_is_refused_is_over_and_may_be_asked_anew(
    console: Console, operators: Operators, li: Somebody
) -> None:
    address = asked(console, operators)
    assert li.post(f"{address}/decline").status_code == 303
    assert li.post(f"{address}/decline").status_code == 409
    assert li.get(address).status_code == 404
    assert state(console) == READ_ONLY
    assert asked(console, operators) != address
    with connection(console.settings) as database:
        found = database.execute(
            text("SELECT body ->> 'by' FROM outbox WHERE topic = 'keys.destroy_declined'")
        ).scalars()
        assert list(found) == ["li.na"]


def test_what_still_hangs_on_it_is_shown_and_keeps_it(
    console: Console, operators: Operators, li: Somebody
) -> None:
    """An alias under it, as a restored spool would bring one between the two persons' words."""
    address = asked(console, operators)
    page = li.get(address).text
    with connection(console.settings) as database:
        database.execute(
            text("""INSERT INTO alias (token, scheme, subject_id, claimed_at)
                SELECT gen_random_uuid(), min(id), gen_random_uuid(), now() FROM token_scheme
                WHERE registry_epoch = 1 AND id_type = 'resident_id'""")
        )
    left = li.get(f"{address}/depending").text
    assert "现在不能销毁" in left
    answer = li.post(f"{address}/approve", signed(page, operators.named("li.na")))
    assert answer.status_code == 409
    assert "条依赖" in answer.text
    assert state(console) == READ_ONLY


def test_an_expired_request_is_gone(console: Console, operators: Operators, li: Somebody) -> None:
    address = asked(console, operators)
    with connection(console.settings) as database:
        now = console.settings.now()
        assert len(key_acts.open_requests(database, now)) == 1
        assert key_acts.open_requests(database, now + timedelta(days=8)) == []
        database.execute(text("UPDATE key_request SET expires_at = :now"), {"now": now})
    assert li.get(address).status_code == 404
    assert li.post(f"{address}/decline").status_code == 409

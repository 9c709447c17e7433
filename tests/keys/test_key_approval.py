"""A key is destroyed by two operators, each with a key of their own, when nothing hangs on it; never by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)
from key_home import acts
from sqlalchemy import text

from huxin.errors import HuxinError
from huxin.oversight.key_approval import approval_of, ask_or_approve, operator_of, statement_of
from huxin.registry.credentials import list_credentials, revoke_credential
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from support.operators import Operators

Keys = Callable[..., tuple[int, str, str]]


@pytest.fixture
def retired(home: Settings, keys: Keys) -> Settings:
    """Epoch 1 of the registry's key is read-only, and nothing hangs on it."""
    for words in (("new", "registry"), ("activate", "registry", 2), ("retire", "registry", 1)):
        assert keys(*words)[0] == 0
    return home


def state(settings: Settings, epoch: int = 1) -> str:
    return keyring.open(settings.keys_dir, "registry").epoch(epoch).state


def test_two_operators_destroy_a_key(retired: Settings, keys: Keys, operators: Operators) -> None:
    ring = keyring.open(retired.keys_dir, "registry")
    check, seal = ring.check_value(1), ring.key("seal", "answer", 1)
    code, out, err = keys("destroy", "registry", 1, "--by", "anna", "--key", operators.files["anna"])
    assert (code, json.loads(out)["state"], state(retired)) == (3, "requested", "read_only")
    assert "another operator" in err
    code, out, err = keys("destroy", "registry", 1, "--by", "bo", "--key", operators.files["bo"])
    assert (code, json.loads(out)["state"], state(retired)) == (0, "destroyed", "destroyed")
    assert "backups" in err
    after = keyring.open(retired.keys_dir, "registry")
    assert after.epoch(1).root is None
    assert after.check_value(1) == check
    assert after.key("seal", "answer", 1) == seal, "old answers are still to be opened"
    with pytest.raises(PrivacyError, match="P0118"):
        after.key("token", "resident_id", 1)
    requested, destroyed = acts(retired)[-2:]
    assert (requested["topic"], requested["operator"]) == ("keys.destroy_requested", "anna")
    assert (destroyed["topic"], destroyed["requested_by"], destroyed["approved_by"]) == (
        "keys.destroyed",
        "anna",
        "bo",
    )
    assert destroyed["request_signature"] == requested["signature"]
    assert keys("check")[0] == 0


def test_the_signatures_in_the_log_can_be_checked(retired: Settings, operators: Operators) -> None:
    asked, _ = ask_or_approve(retired, "registry", 1, operators.named("anna"))
    asked, _ = ask_or_approve(retired, "registry", 1, operators.named("bo"))
    assert asked.approved_by and asked.approved_with and asked.approved_at and asked.approval
    with connection(retired) as database:
        held = {
            each.id: each for name in ("anna", "bo") for each in list_credentials(database, name, "operator")
        }
    first: Any = load_der_public_key(held[asked.requested_with].public_key)
    second: Any = load_der_public_key(held[asked.approved_with].public_key)
    first.verify(asked.signature, statement_of(asked))
    word = approval_of(asked, asked.approved_by, asked.approved_with, asked.approved_at)
    second.verify(asked.approval, word, ECDSA(SHA256()))


def test_one_operator_is_not_two(retired: Settings, keys: Keys, operators: Operators) -> None:
    """Neither by asking twice, nor by a second key, nor by the same key under another name."""
    operators.register("anna", generate_private_key(SECP256R1()), "ES256", file="anna2")
    secret = Ed25519PrivateKey.generate()
    operators.register("carl", secret, "EdDSA")
    operators.register("dora", secret, "EdDSA")
    first = operators.named("anna")
    ask_or_approve(retired, "registry", 1, first)
    for again in (first, operator_of(retired, "anna", operators.files["anna2"])):
        with pytest.raises(HuxinError, match="H1611"):
            ask_or_approve(retired, "registry", 1, again)
    with connection(retired) as database:
        database.execute(text("DELETE FROM key_request"))
    ask_or_approve(retired, "registry", 1, operators.named("carl"))
    with pytest.raises(HuxinError, match="H1612"):
        ask_or_approve(retired, "registry", 1, operators.named("dora"))
    assert state(retired) == "read_only"


def test_who_is_no_operator_decides_nothing(
    retired: Settings, keys: Keys, operators: Operators, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    secret = Ed25519PrivateKey.generate()
    stranger.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("none")
    for name, file, code in (
        ("anna", stranger, "H1609"),
        ("nobody", operators.files["anna"], "H1609"),
        ("bo", operators.files["anna"], "H1609"),
        ("anna", rubbish, "H1610"),
        ("anna", tmp_path / "none.pem", "H1610"),
    ):
        found, _, err = keys("destroy", "registry", 1, "--by", name, "--key", file)
        assert (found, err[:5]) == (2, code)
    with connection(retired) as database:
        revoke_credential(database, operators.numbers["anna"], retired.now())
    assert keys("destroy", "registry", 1, "--by", "anna", "--key", operators.files["anna"])[2][:5] == "H1609"
    assert state(retired) == "read_only"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE key_request SET epoch = 1, requested_by = 'bo2'",
        "UPDATE key_request SET check_value = '0000000000000000'",
        "UPDATE key_request SET requested_at = requested_at + interval '1 hour'",
        "UPDATE key_request SET signature = '\\x00'",
        "UPDATE key_request SET id = gen_random_uuid()",
    ],
)
def test_a_request_that_was_altered_is_void(retired: Settings, operators: Operators, change: str) -> None:
    ask_or_approve(retired, "registry", 1, operators.named("anna"))
    with connection(retired) as database:
        database.execute(text(change))
    with pytest.raises(HuxinError, match="H1612"):
        ask_or_approve(retired, "registry", 1, operators.named("bo"))
    assert state(retired) == "read_only"


def test_a_request_dies_with_its_operator_s_key_or_after_a_week(
    retired: Settings, operators: Operators
) -> None:
    ask_or_approve(retired, "registry", 1, operators.named("anna"))
    later = replace(retired, fixed_now=retired.now() + timedelta(days=8))
    asked, made = ask_or_approve(later, "registry", 1, operators.named("bo"))
    assert (asked.requested_by, made) == ("bo", None), "bo's word is a new request"
    with connection(retired) as database:
        revoke_credential(database, operators.numbers["bo"], retired.now())
    with pytest.raises(HuxinError, match="H1612"):
        ask_or_approve(later, "registry", 1, operators.named("anna"))


@pytest.mark.parametrize(("epoch", "code"), [(2, "P0119"), (9, "P0117")])
def test_only_a_key_out_of_use_is_destroyed(
    retired: Settings, keys: Keys, operators: Operators, epoch: int, code: str
) -> None:
    found, _, err = keys("destroy", "registry", epoch, "--by", "anna", "--key", operators.files["anna"])
    assert (found, err[:5]) == (2, code)


def test_a_key_on_which_something_hangs_is_refused_with_the_count(
    retired: Settings, keys: Keys, operators: Operators
) -> None:
    for number in range(7):
        query = """INSERT INTO alias SELECT gen_random_uuid(), id, gen_random_uuid(), now() FROM token_scheme
            WHERE registry_epoch = 1 AND id_type = 'uscc'"""
        with connection(retired) as database:
            database.execute(text(query))
        words = ("destroy", "registry", 1, "--by", "anna", "--key", operators.files["anna"])
        code, _, err = keys(*words)
        assert (code, err[:5]) == (2, "P0120")
        assert f" {number + 1} entries" in err
    assert [each["topic"] for each in acts(retired) if "destroy" in each["topic"]] == []


def test_what_came_between_request_and_approval_is_counted(
    retired: Settings, keys: Keys, operators: Operators
) -> None:
    ask_or_approve(retired, "registry", 1, operators.named("anna"))
    with connection(retired) as database:
        query = """INSERT INTO mobile_alias SELECT gen_random_uuid(), id, gen_random_uuid(), now() FROM token_scheme
            WHERE registry_epoch = 1 AND id_type = 'mobile'"""
        database.execute(text(query))
    with pytest.raises(PrivacyError, match="P0120"):
        ask_or_approve(retired, "registry", 1, operators.named("bo"))
    assert state(retired) == "read_only"


def test_the_log_s_keys_stay(home: Settings, keys: Keys, operators: Operators) -> None:
    """Under them old receipts stand, and as long as one checkpoint does they are refused."""
    keys("new", "audit")
    drain(home)
    keys("activate", "audit", 2)
    code, _, err = keys("destroy", "audit", 1, "--by", "anna", "--key", operators.files["anna"])
    assert (code, err[:5]) == (2, "P0120")

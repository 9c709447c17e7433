"""Codes in words: those of the contract, of the answer's flags, of a policy and of keys, none left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask_babel import Babel

from huxin.console import data_words
from huxin.contract import load_contract
from huxin.decision.policy_words import KEYS, Difference, differences
from huxin.decision.texts import FLAGS
from huxin.paths import schema_root
from huxin_privacy import keyring

ANSWER = Path(__file__).parents[2] / "docs" / "answer.md"
BARE = re.compile(r"[a-z_]{2,}|[A-Z_]{4,}")


@pytest.fixture(autouse=True)
def _chinese() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="zh")
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        yield


def told(words: Mapping[str, Any]) -> dict[str, str]:
    return {code: str(word) for code, word in words.items()}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("id_type", data_words.ID_TYPES),
        ("product", data_words.PRODUCTS),
        ("borrower_kind", data_words.BORROWERS),
        ("class5", data_words.CLASSES),
    ],
)
def test_labels_are_the_contract_s(field: str, words: Mapping[str, Any]) -> None:
    assert told(words) == {label.name: label.zh for label in load_contract().field(field).labels}


def test_flags_are_named_as_the_answer_s_document_names_them() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", ANSWER.read_text(encoding="utf-8"), re.MULTILINE)
    assert told(data_words.FLAGS) == dict(rows)
    assert set(data_words.FLAGS) == set(FLAGS)


def test_every_zone_of_keys_has_its_name() -> None:
    assert set(data_words.ZONES) == set(keyring.ZONES)


def test_a_policy_is_told_without_a_bare_code() -> None:
    """Every key and value of every shipped policy against nothing, but for what its author named."""
    shipped = yaml.safe_load((schema_root() / "policy" / "enquiry.yaml").read_text(encoding="utf-8"))
    for entry in shipped:
        for each in differences({}, entry):
            assert not BARE.search(data_words.of_policy(each.word("zh"))), each.key
            if each.key not in ("version", "texts"):
                assert not BARE.search(data_words.of_policy(each.after)), each


def test_what_is_no_code_stays_as_it_is() -> None:
    assert data_words.of_policy("1000, 3000") == "1000, 3000"
    assert data_words.of_policy("2026-01-01") == "2026-01-01"
    assert (
        data_words.of_policy(Difference("levels.NEW_ONE", "", "").word("zh"))
        == f"{KEYS['levels'][0]} NEW_ONE"
    )
    assert data_words.column("nothing") == "nothing"
    assert data_words.column("balance") == load_contract().field("balance").zh
    assert data_words.product(None) is None
    assert str(data_words.product(1)) == "消费贷"

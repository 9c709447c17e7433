"""docs/audit.md: its example is good, its program accepts it and refuses what is altered."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from test_notes_and_receipts import SIGNER, SIZE, receipt

from huxin_privacy.errors import TEXTS
from huxin_privacy.merkle import leaf_hash
from huxin_privacy.notes import parse_keys
from huxin_privacy.receipts import verify_promise, verify_receipt

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


KEYS = parse_keys(block("text"))
RECEIPT: dict[str, Any] = json.loads(block("json receipt"))


def checker() -> Any:
    room: dict[str, Any] = {}
    exec(block("python"), room)  # noqa: S102 - the page's own program is what is tested
    return room["check"]


def test_the_example_is_good() -> None:
    assert verify_receipt(RECEIPT, KEYS).size == 3
    salt, record = bytes.fromhex(RECEIPT["salt"]), RECEIPT["record"]
    verify_promise(json.loads(block("json promise")), record, salt, KEYS)
    data = sha256(salt + record.encode()).digest()
    for value in (data, leaf_hash(data), verify_receipt(RECEIPT, KEYS).root):
        assert f"`{value.hex()}`" in PAGE


def test_the_pages_program_agrees_with_ours() -> None:
    check = checker()
    check(RECEIPT, KEYS[0].text)
    for number in range(SIZE):
        made = receipt(number)
        check(made, SIGNER.key.text)
        for change in (
            {"record": made["record"] + " "},
            {"number": (number + 1) % SIZE},
            {"path": made["path"][1:]},
        ):
            with pytest.raises(AssertionError):
                check(made | change, SIGNER.key.text)


def test_every_code_of_the_page_is_one_of_ours() -> None:
    named = set(re.findall(r"P01\d\d", PAGE))
    assert named == {code for code in TEXTS if "P0139" <= code < "P0150"}

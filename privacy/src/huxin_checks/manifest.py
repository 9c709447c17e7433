"""The manifest of a submission: parsed strictly, its faults named without echoing its values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from huxin_checks.contract_names import BLIND, LOANS

# How modes are stored.
MODES: Final = {"full": 1, "incremental": 2, "correction": 3}
SUFFIX = ".manifest.json"
LIMIT = 64 * 1024  # bytes; a real one has 300
_BOX = re.compile(r"[A-Za-z0-9_-]{1,512}")
_DIGITS = 24  # of a sum in yuan: far beyond all money there is, and well inside 128 bits of cents


@dataclass(frozen=True)
class Manifest:
    """What a member says of its file. Sums are in cents, over every row whose cell parses as a number."""

    contract: str
    member: str
    as_of_date: date
    sequence: int
    mode: str
    record_count: int
    sum_principal: int
    sum_balance: int
    sha256: str
    element_key: str | None = (
        None  # of a file without people: opens its cells, and is opened by the registry zone
    )


class ManifestFault(ValueError):  # noqa: N818 - a fault of the sender, told as F0010
    """F0010: the manifest cannot be read; `reason` names the field of ours, or says "json", "size", "doubled" or
    "surplus": never what stands there."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def parse_manifest(raw: bytes) -> Manifest:
    """Reads a manifest. Raises ManifestFault."""
    if len(raw) > LIMIT:
        raise ManifestFault("size")
    try:
        content = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_each_once)
    except ManifestFault:
        raise
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise ManifestFault("json") from None
    if not isinstance(content, dict):
        raise ManifestFault("json")
    made = Manifest(
        contract=_text(content, "contract"),
        member=_text(content, "member"),
        as_of_date=_day(content, "as_of_date"),
        sequence=_count(content, "sequence", 1),
        mode=_mode(content),
        record_count=_count(content, "record_count", 0),
        sum_principal=_cents(content, "sum_principal"),
        sum_balance=_cents(content, "sum_balance"),
        sha256=_text(content, "sha256").strip().lower(),
        element_key=_element_key(content),
    )
    # What another contract's manifest may say is not for this program to know: it is told that there is none (F0009).
    if made.contract in (LOANS, BLIND) and not content.keys() <= vars(made).keys():
        raise ManifestFault("surplus")
    return made


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's entries. Of one that is said twice, readers differ on which of both holds."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ManifestFault("doubled")
    return found


def manifest_json(manifest: Manifest) -> bytes:
    """The manifest as it is sent, sums as decimal strings."""
    content: dict[str, Any] = {
        **{name: value for name, value in vars(manifest).items() if value is not None},
        "as_of_date": manifest.as_of_date.isoformat(),
        "sum_principal": f"{Decimal(manifest.sum_principal).scaleb(-2):.2f}",
        "sum_balance": f"{Decimal(manifest.sum_balance).scaleb(-2):.2f}",
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 128:
        raise ManifestFault(name)
    return value


def _element_key(content: dict[str, Any]) -> str | None:
    """Needed by that contract, and by no other."""
    key = content.get("element_key")
    if (key is not None) != (content["contract"] == BLIND):
        raise ManifestFault("element_key")
    if key is not None and not (isinstance(key, str) and _BOX.fullmatch(key)):
        raise ManifestFault("element_key")
    return key


def _count(content: dict[str, Any], name: str, least: int) -> int:
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise ManifestFault(name)
    return value


def _day(content: dict[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(_text(content, name))
    except ValueError:
        raise ManifestFault(name) from None


def _mode(content: dict[str, Any]) -> str:
    mode = _text(content, "mode")
    if mode not in MODES:
        raise ManifestFault("mode")
    return mode


def _cents(content: dict[str, Any], name: str) -> int:
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ManifestFault(name)
    try:
        amount = Decimal(value)
        cents = int(amount.scaleb(2)) if amount.is_finite() and abs(amount.adjusted()) < _DIGITS else None
    except (InvalidOperation, ValueError):
        raise ManifestFault(name) from None
    if cents is None or Decimal(cents) != amount.scaleb(2):
        raise ManifestFault(name)
    return cents

"""Putting a receipt together; its form and its check stand in huxin_privacy.receipts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from huxin_privacy.receipts import FORMAT


def make_receipt(
    record: str, salt: bytes, number: int, path: Sequence[bytes], checkpoint: str
) -> dict[str, Any]:
    """A receipt as a JSON-able object, from a leaf, its audit path and the signed checkpoint it leads to."""
    return {
        "format": FORMAT,
        "record": record,
        "salt": salt.hex(),
        "number": number,
        "path": encoded(path),
        "checkpoint": checkpoint,
    }


def encoded(path: Sequence[bytes]) -> list[str]:
    """The hashes of a proof in base64, in their order."""
    return [base64.b64encode(each).decode() for each in path]

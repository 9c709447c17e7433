"""The signed promise that a record will stand in the log within a minute, given with the answer itself."""

from __future__ import annotations

import base64
from datetime import datetime
from functools import lru_cache
from typing import Any

from huxin.audit.notes import Signer
from huxin.audit.records import moment_text
from huxin_privacy.notes import VerifierKey
from huxin_privacy.receipts import PROMISE_NAME, leaf_data, promise_text

WITHIN_S = 60


def sign_promise(signer: Signer, record: str, salt: bytes, at: datetime) -> dict[str, Any]:
    """A promise over record and salt (16 bytes); its form and its check stand in huxin_privacy.receipts.

    `signer` is LogKeys.promise; `at` has its zone and is written in UTC to the millisecond.
    """
    leaf = leaf_data(salt, record.encode()).hex()
    moment = moment_text(at)
    log, key = _named(signer.key)
    signature = signer.sign(promise_text(leaf, moment, log, WITHIN_S))
    return {
        "leaf": leaf,
        "at": moment,
        "log": log,
        "within_s": WITHIN_S,
        "key": key,
        "signature": base64.b64encode(signature).decode(),
        # What the leaf is made of: else whoever holds the promise could not tell what was promised.
        "record": record,
        "salt": salt.hex(),
    }


@lru_cache(maxsize=16)
def _named(key: VerifierKey) -> tuple[str, str]:
    """The log's name and the key's number in hexadecimal, which is a digest of both and of the key."""
    return key.name.removesuffix(PROMISE_NAME), key.id.hex()

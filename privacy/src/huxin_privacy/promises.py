"""An answer checked the moment it is told: the log has promised to hold just this one. Offline, by public keys alone.

A promise tells its record and the record's salt, and the record the SHA-256 of the answer's one spelling: JSON in
UTF-8 without the promise, the keys of every object sorted and no blanks. Of a reservation the digest is without
UNRECORDED: whoever reads the log could try out which enquiry and which loan belong together, and no leaf joins two
records of a person.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from huxin_privacy.errors import PrivacyError
from huxin_privacy.notes import VerifierKey
from huxin_privacy.receipts import read_hex, read_object, verify_promise

UNRECORDED: Final = frozenset(("promise", "enquiry_id", "loan_no", "contract_no"))


@dataclass(frozen=True)
class Promised:
    """What was promised: that log `log` holds `record` within `within_s` seconds from `at` on (ISO 8601).

    `answered`: it came with an answer, which is the one that the record is about.
    """

    log: str
    at: str
    within_s: int
    record: str = field(repr=False)
    answered: bool

    def facts(self) -> dict[str, Any]:
        """As a JSON-able object."""
        head = {"log": self.log, "at": self.at, "within_s": self.within_s, "answer": self.answered}
        return {**head, "record": self.record}

    def words(self) -> tuple[str, str]:
        """What is found, in Chinese and English; the record itself is to follow."""
        zh, en = ("，答复与之相符", "; the answer is the one it is about") if self.answered else ("", "")
        return (
            f"承诺有效：日志 {self.log} 于 {self.at} 承诺 {self.within_s} 秒内记入以下记录{zh}。",
            f"The promise is good: at {self.at} log {self.log} promised to hold this record "
            f"within {self.within_s} s{en}.",
        )


def holds_promise(told: str | bytes | Mapping[str, Any]) -> bool:
    """Whether it is an answer with its promise, or a promise alone. PrivacyError P0140 for what is no JSON object."""
    said = read_object(told)
    return "promise" in said or "signature" in said


def verify_told(told: str | bytes | Mapping[str, Any], keys: Sequence[VerifierKey]) -> Promised:
    """Of an answer with its promise, or of a promise by itself: what the log has promised of it.

    PrivacyError P0139 (an answer whose promise is null), P0140 (neither of them, or a promise that does not tell record
    and salt), P0142, P0143 (signature), P0144 (record or salt are not what was promised), P0149 (the answer is not the
    one that the record is about).
    """
    said = read_object(told)
    promise = said.get("promise", said)
    if promise is None:
        raise PrivacyError("P0139")
    try:
        record, salt = str(promise["record"]), read_hex(promise["salt"])
        verify_promise(promise, record, salt, keys)
        made = str(promise["log"]), str(promise["at"]), int(promise["within_s"])
        if promise is not said:
            _same_answer(said, record)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise PrivacyError("P0140") from None
    return Promised(*made, record, answered=promise is not said)


def _same_answer(said: Mapping[str, Any], record: str) -> None:
    facts = read_object(record)
    same = _same_reservation(said, facts) if "reservation" in facts else _same_enquiry(said, facts)
    if not same:
        raise PrivacyError("P0149")


def _same_enquiry(said: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    return _digest_is({name: value for name, value in said.items() if name != "promise"}, facts)


def _same_reservation(said: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    state, named = said["state"], (said["loan_no"], said["contract_no"]) != (None, None)
    if not isinstance(said["enquiry_id"], str) or (named and state != "converted"):
        return False
    told = {name: value for name, value in said.items() if name not in UNRECORDED}
    # It expires by itself: what was granted is told so when its time is over.
    return _digest_is(told | ({"state": "granted"} if state == "expired" else {}), facts)


def _digest_is(plain: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    recorded = str(facts.get("answer_sha256"))
    return hmac.compare_digest(digest, recorded.encode("ascii", "replace").decode())

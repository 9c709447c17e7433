"""Signed notes in their published form; receipts and promises of which any altered part is refused with its code."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin.audit.merkle import append, inclusion_spans, root_of
from huxin.audit.notes import checkpoint_note, log_keys, signer_of
from huxin.audit.promise import sign_promise
from huxin.audit.receipts import make_receipt
from huxin.audit.records import NEVER, make_record
from huxin.errors import HuxinError
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import ACTIVE, READ_ONLY, Epoch, Keyring
from huxin_privacy.merkle import leaf_hash
from huxin_privacy.notes import open_checkpoint, open_note, parse_key, parse_keys
from huxin_privacy.receipts import leaf_data, read_receipt, verify_growth, verify_promise, verify_receipt

# The example of golang.org/x/mod/sumdb/note, which C2SP's signed-note was made from.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = signer_of("huxin/log/test", bytes(range(32)))
PROMISER = signer_of("huxin/log/test/promise", bytes(range(1, 33)))
SIZE = 21
SALTS = [sha256(bytes([number])).digest()[:16] for number in range(SIZE)]
RECORDS = [json.dumps({"enquiry": number, "词": "互信"}, ensure_ascii=False) for number in range(SIZE)]
AT = datetime(2026, 5, 31, 14, 0, tzinfo=UTC)


def tree(size: int) -> list[bytes]:
    peaks: list[bytes] = []
    for number in range(size):
        append(peaks, number, leaf_hash(leaf_data(SALTS[number], RECORDS[number].encode())), [])
    return peaks


def span_root(start: int, end: int) -> bytes:
    peaks: list[bytes] = []
    for at, number in enumerate(range(start, end)):
        append(peaks, at, leaf_hash(leaf_data(SALTS[number], RECORDS[number].encode())), [])
    return root_of(peaks)


def receipt(number: int) -> dict[str, Any]:
    note = checkpoint_note(SIGNER, SIZE, root_of(tree(SIZE)))
    path = [span_root(*span) for span in inclusion_spans(number, SIZE)]
    return make_receipt(RECORDS[number], SALTS[number], number, path, note)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(PrivacyError) as caught:
        call()
    for language in ("zh", "en"):
        assert "{" not in caught.value.text(language)
    return caught.value.code


# notes ------------------------------------------------------------------------------------------------
def test_a_note_of_another_programs_making_is_read() -> None:
    text = open_note(GO_NOTE, [parse_key(GO_KEY)])
    assert text.startswith("If you think") and text.endswith("problem is.\n")
    assert parse_key(GO_KEY).text == GO_KEY


def test_our_checkpoints_have_the_published_form() -> None:
    note = checkpoint_note(SIGNER, 5, bytes(32))
    origin, size, root, blank, signature, end = note.split("\n")
    assert (origin, size, root, blank, end) == (
        "huxin/log/test",
        "5",
        base64.b64encode(bytes(32)).decode(),
        "",
        "",
    )
    dash, name, encoded = signature.split(" ")
    raw = base64.b64decode(encoded)
    assert (dash, name, raw[:4], len(raw)) == ("—", origin, SIGNER.key.id, 68)
    assert open_checkpoint(note, [SIGNER.key]).size == 5


def test_strangers_signatures_are_passed_over_but_a_known_one_must_be_right() -> None:
    note = checkpoint_note(SIGNER, 5, bytes(32))
    stranger = checkpoint_note(signer_of("witness", bytes(32)), 5, bytes(32)).split("\n")[-2]
    assert open_checkpoint(f"{note}{stranger}\n", [SIGNER.key]).size == 5
    ours = note.split("\n")[-2]
    wrong = ours[:-6] + ("A" if ours[-6] != "A" else "B") + ours[-5:]
    assert code_of(lambda: open_checkpoint(f"{note}{wrong}\n", [SIGNER.key])) == "P0143"
    assert code_of(lambda: open_checkpoint(note, [PROMISER.key])) == "P0142"
    assert code_of(lambda: open_checkpoint(note, [])) == "P0142"
    # A key that is trusted for another log says nothing about this one.
    assert (
        code_of(lambda: open_checkpoint(f"huxin/other\n{note.partition(chr(10))[2]}", [SIGNER.key]))
        == "P0142"
    )


@pytest.mark.parametrize(
    "bent",
    [
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note[:-1],
        lambda note: note.replace("\n5\n", "\n05\n"),
        lambda note: note.replace("\n5\n", "\n-5\n"),
        lambda note: note.replace("\n5\n", "\n٥\n"),
        lambda note: note.replace("AAA=", "AA=="),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("\n5\n", "\n5\r\n"),
        lambda note: "",
        lambda note: "\n\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(bent: Callable[[str], str]) -> None:
    note = checkpoint_note(SIGNER, 5, bytes(32))
    assert bent(note) != note
    assert code_of(lambda: open_checkpoint(bent(note), [SIGNER.key])) == "P0141"


def test_keys_are_read_strictly() -> None:
    text = SIGNER.key.text
    assert parse_keys(f"# the log\n\n{text}\n{PROMISER.key.text}\n") == (SIGNER.key, PROMISER.key)
    name, digits, encoded = text.split("+", 2)
    for bent in (
        "",
        "x",
        f"{name}+00000000+{encoded}",
        f"other+{digits}+{encoded}",
        f"{name}+{digits}+{encoded[:-4]}",
    ):
        assert code_of(lambda b=bent: parse_key(b)) == "P0148"
    assert code_of(lambda: parse_keys("# nothing\n")) == "P0148"


# receipts ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(SIZE))
def test_a_receipt_is_good_as_object_and_as_text(number: int) -> None:
    made = receipt(number)
    for form in (
        made,
        json.dumps(made),
        json.dumps(made, ensure_ascii=False).encode(),
        json.dumps(made, indent=2),
    ):
        assert verify_receipt(form, [SIGNER.key]).size == SIZE


@given(
    st.integers(0, SIZE - 1),
    st.integers(0, 10**6),
    st.sampled_from(["record", "salt", "path", "root", "signature"]),
)
def test_any_altered_bit_is_refused(number: int, bit: int, part: str) -> None:
    made = receipt(number)
    wanted = {"record": "P0144", "salt": "P0144", "path": "P0144", "root": "P0143", "signature": "P0143"}[
        part
    ]
    if part == "record":
        place, text = bit % 12, made["record"]
        made["record"] = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
    elif part == "salt":
        made["salt"] = flipped(bytes.fromhex(made["salt"]), bit).hex()
    elif part == "path":
        place = bit % len(made["path"])
        made["path"][place] = base64.b64encode(flipped(base64.b64decode(made["path"][place]), bit)).decode()
    else:
        lines = made["checkpoint"].split("\n")
        if part == "root":
            lines[2] = base64.b64encode(flipped(base64.b64decode(lines[2]), bit)).decode()
        else:
            dash, name, encoded = lines[4].split(" ")
            raw_signature = base64.b64decode(encoded)
            bent = raw_signature[:4] + flipped(raw_signature[4:], bit)
            lines[4] = f"{dash} {name} {base64.b64encode(bent).decode()}"
        made["checkpoint"] = "\n".join(lines)
    assert code_of(lambda: verify_receipt(made, [SIGNER.key])) == wanted


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": 4}, "P0144"),
        ({"number": SIZE}, "P0145"),
        ({"number": -1}, "P0145"),
        ({"number": 20}, "P0146"),  # alone at the right edge: its path is shorter
        ({"path": []}, "P0146"),
        ({"format": "huxin-receipt/2"}, "P0140"),
        ({"more": 1}, "P0140"),
        ({"salt": "00"}, "P0140"),
        ({"salt": None}, "P0140"),
        ({"number": "3"}, "P0140"),
        ({"number": True}, "P0140"),
        ({"record": {}}, "P0140"),
        ({"path": ["AA=="]}, "P0140"),
        ({"path": 7}, "P0140"),
        ({"checkpoint": "x"}, "P0141"),
        ({"checkpoint": None}, "P0140"),
        ({"checkpoint": checkpoint_note(signer_of("huxin/log/test", bytes(32)), SIZE, bytes(32))}, "P0142"),
        ({"checkpoint": checkpoint_note(SIGNER, SIZE, bytes(32))}, "P0144"),
        ({"checkpoint": checkpoint_note(SIGNER, SIZE + 12, root_of(tree(SIZE)))}, "P0146"),
    ],
)
def test_an_altered_receipt_is_refused_with_its_code(change: dict[str, Any], code: str) -> None:
    assert code_of(lambda: verify_receipt(receipt(5) | change, [SIGNER.key])) == code


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "{}", b"\xff", '{"record":'])
def test_what_is_no_receipt_is_refused(text: str | bytes) -> None:
    assert code_of(lambda: read_receipt(text)) == "P0140"


def test_a_missing_part_is_missed() -> None:
    for part in receipt(0):
        short = {name: value for name, value in receipt(0).items() if name != part}
        assert code_of(lambda s=short: verify_receipt(s, [SIGNER.key])) == "P0140"


def test_checkpoints_of_two_logs_do_not_grow_into_each_other() -> None:
    other = signer_of("huxin/log/other", bytes(32))
    old, new = checkpoint_note(SIGNER, 5, bytes(32)), checkpoint_note(other, 5, bytes(32))
    keys = [SIGNER.key, other.key]
    assert code_of(lambda: verify_growth(old, new, [], keys)) == "P0147"
    verify_growth(old, old, [], keys)


# promises ---------------------------------------------------------------------------------------------
def test_a_promise_binds_the_log_to_a_record() -> None:
    made = sign_promise(PROMISER, RECORDS[3], SALTS[3], AT)
    assert made["log"] == "huxin/log/test"
    assert made["at"] == "2026-05-31T14:00:00.000Z"
    assert made["within_s"] == 60
    keys = [SIGNER.key, PROMISER.key]
    verify_promise(json.loads(json.dumps(made)), RECORDS[3], SALTS[3], keys)
    for record, salt in ((RECORDS[4], SALTS[3]), (RECORDS[3], SALTS[4])):
        assert code_of(lambda r=record, s=salt: verify_promise(made, r, s, keys)) == "P0144"
    for change in (
        {"at": "2026-05-31T14:00:00.001Z"},
        {"within_s": 61},
        {"leaf": leaf_data(SALTS[4], b"").hex()},
    ):
        assert code_of(lambda c=change: verify_promise(made | c, RECORDS[3], SALTS[3], keys)) == "P0143"
    for change in ({"log": "huxin/log/other"}, {"key": "00000000"}):
        assert code_of(lambda c=change: verify_promise(made | c, RECORDS[3], SALTS[3], keys)) == "P0142"
    spelt = made["signature"][:-3] + chr(ord(made["signature"][-3]) + 1) + "=="
    odd: list[dict[str, Any]] = [{"within_s": each} for each in ("x", "60", 60.9, float("inf"), None, True)]
    odd += [
        {"signature": "?"},
        {"signature": None},
        {"signature": spelt},
        {"leaf": 1},
        {"at": None},
        {"more": "x"},
    ]
    for change in odd:
        assert code_of(lambda c=change: verify_promise(made | c, RECORDS[3], SALTS[3], keys)) == "P0140"


def test_checkpoints_and_promises_have_keys_of_their_own() -> None:
    made = sign_promise(SIGNER, RECORDS[3], SALTS[3], AT)
    assert code_of(lambda: verify_promise(made, RECORDS[3], SALTS[3], [SIGNER.key, PROMISER.key])) == "P0142"


# keys and records -------------------------------------------------------------------------------------
def test_a_new_epoch_signs_anew_under_the_same_name_and_the_old_receipts_stand() -> None:
    roots = [Epoch(1, ACTIVE, b"r" * 32), Epoch(2, ACTIVE, b"s" * 32)]
    ring = Keyring("audit", 1, (roots[0],), None, b"")  # type: ignore[arg-type]  # no file is touched
    old = log_keys(ring)
    new = log_keys(Keyring("audit", 2, (Epoch(1, READ_ONLY, b"r" * 32), roots[1]), None, b""))  # type: ignore[arg-type]  # as above
    assert old.origin == new.origin
    assert old.checkpoint.key != new.checkpoint.key
    assert set(new.past) == set(old.verifiers)
    note = checkpoint_note(old.checkpoint, 5, bytes(32))
    assert open_checkpoint(note, new.verifiers).size == 5
    assert "r" * 32 not in repr(old) and "private" not in repr(old).lower().replace("_private", "")


@pytest.mark.parametrize("name", sorted(NEVER))
def test_no_record_takes_what_would_join_a_persons_records(name: str) -> None:
    for facts in ({name: "x"}, {"deep": {name: "x"}}, {"list": [{name: "x"}]}):
        with pytest.raises(HuxinError) as caught:
            make_record("enquiry.answered", AT, facts)
        assert caught.value.code == "H1311"


def test_a_record_is_one_text_whatever_the_order_and_zone() -> None:
    one = make_record("t", AT, {"b": 1, "a": "互信"})
    assert one == make_record("t", AT.astimezone(), {"a": "互信", "b": 1})
    assert one == '{"a":"互信","at":"2026-05-31T14:00:00.000Z","b":1,"topic":"t"}'
    assert one != make_record("t", AT + timedelta(milliseconds=1), {"a": "互信", "b": 1})


def test_signing_a_promise_takes_microseconds() -> None:
    """Far from a limit of time: a change that reads a keyring or a file with each promise would be seen.

    By this thread's own time, which grows no longer where others use the machine.
    """
    begin = thread_time()
    for number in range(200):
        sign_promise(PROMISER, RECORDS[number % SIZE], SALTS[0], AT)
    assert (thread_time() - begin) / 200 < 0.002


def flipped(raw: bytes, bit: int) -> bytes:
    return (int.from_bytes(raw, "big") ^ 1 << bit % (8 * len(raw))).to_bytes(len(raw), "big")

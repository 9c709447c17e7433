"""Two members ask about one subject over HTTP; the one reserves, the other's outcome turns; a receipt is checked."""

from __future__ import annotations

import time
from typing import Any

from rich.table import Table

from huxin.audit.notes import log_keys
from huxin.cli.answers import OUTCOMES
from huxin.demo.night import example_subjects, masked
from huxin.demo.served import Served
from huxin.demo.stage import Stage
from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.client import Client, Reply
from huxin_privacy.receipts import verify_receipt

AMOUNT = "20000.00"
_RECEIPT_S = 60.0


def ask_over_http(settings: Settings, stage: Stage, api: Served) -> None:
    """The account of it; what was reserved is given back, so that a second run tells the same."""
    first, second = api.clients.values()
    one, other = api.clients
    subject = _eligible(second)
    shown = masked(subject["id_type"], subject["id_no"], stage.zh)
    table = Table(*_heads(stage), title=f"{'两家机构查询' if stage.zh else 'two members ask about'} {shown}")
    before = _ask(second, subject)
    _row(table, stage, other, before)
    mine = _ask(first, subject)
    _row(table, stage, one, mine)
    held = _reserve(first, mine["enquiry_id"])
    stage.say(f"{one} 占用 {AMOUNT} 元", f"{one} reserves CNY {AMOUNT}")
    after = _ask(second, subject)
    _row(table, stage, f"{other}（占用之后）" if stage.zh else f"{other}, then", after)
    stage.console.print(table)
    receipt = _receipt(first, f"/v1/enquiries/{mine['enquiry_id']}/receipt")
    checked = verify_receipt(receipt, log_keys(keyring.open(settings.keys_dir, "audit")).verifiers)
    stage.say(
        f"存证回执已核验：{one} 的查询是存证日志中的第 {receipt['number']} 号（自 0 起），"
        f"签名的检查点覆盖 {checked.size} 条。",
        f"Receipt verified: {one}'s enquiry is leaf {receipt['number']} (counted from 0) of the log, under a signed "
        f"checkpoint of {checked.size}.",
    )
    _must(first.call("POST", f"/v1/reservations/{held['reservation_id']}/release"), 200)


def _eligible(client: Client) -> dict[str, Any]:
    """A subject of the samples whom one member lends to and nothing speaks against."""
    for subject in example_subjects():
        if (
            subject["lenders"] == 1
            and not subject["max_dpd"]
            and _ask(client, subject)["outcome"] == "eligible"
        ):
            return subject
    raise HuxinError("H1137")


def _ask(client: Client, subject: dict[str, Any]) -> dict[str, Any]:
    body = {
        "subject": {"id_type": subject["id_type"], "id_no": subject["id_no"]},
        "purpose": "application",
        "amount": AMOUNT,
        "product": "consumer",
        "consent_no": "SQ-DEMO",
        "consent_until": "2027-12-31",
        "staff": "S-17",
        "reference": "demo",
    }
    answer: dict[str, Any] = _must(client.call("POST", "/v1/enquiries", body), 200)
    return answer


def _reserve(client: Client, enquiry_id: str) -> dict[str, Any]:
    body = {"enquiry_id": enquiry_id, "amount": AMOUNT, "product": "consumer"}
    held: dict[str, Any] = _must(client.call("POST", "/v1/reservations", body), 201)
    return held


def _receipt(client: Client, path: str) -> dict[str, Any]:
    """Within a minute, as promised."""
    until = time.monotonic() + _RECEIPT_S
    while True:
        reply = client.call("GET", path)
        if reply.status == 200 or time.monotonic() > until:
            found: dict[str, Any] = _must(reply, 200)
            return found
        time.sleep(0.2)


def _must(reply: Reply, status: int) -> Any:
    said = reply.json()
    if reply.status != status:
        raise HuxinError("H1138", status=reply.status, code=said.get("code", "-"))
    return said


def _heads(stage: Stage) -> tuple[str, ...]:
    if stage.zh:
        return ("查询机构", "结论", "机构数", "余额（元）", "他人占用", "预警标志")
    return ("asks", "outcome", "lenders", "outstanding", "others' reservations", "flags")


def _row(table: Table, stage: Stage, who: str, answer: dict[str, Any]) -> None:
    exposure = answer["exposure"]
    outcome = OUTCOMES[answer["outcome"]][0] if stage.zh else answer["outcome"]
    pending = exposure["others"]["pending_reservations"]["count"]
    flags = "\n".join(
        f"{flag['code']}: {flag['reason']['zh' if stage.zh else 'en']}" for flag in answer["flags"]
    )
    table.add_row(who, outcome, str(exposure["lenders"]), exposure["outstanding"], str(pending), flags)

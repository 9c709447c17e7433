"""`huxin-edge ask`, `huxin-edge reconcile`: a question before approval, and those answered provisionally."""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from huxin_edge.client import Huxin, Question
from huxin_edge.command import DONE, REFUSED, Commands, Context, add

# What `ask --json` says beside the platform's answer, and is no part of what was promised.
ADDED = ("provisional", "key")


def register(commands: Commands) -> None:
    asking = add(commands, "ask", ask, "贷前查询 · asks about a subject before approval")
    asking.add_argument("--id-type", default="resident_id", choices=("resident_id", "passport", "uscc"))
    asking.add_argument(
        "--id-no", help="省略时从标准输入读一行，不留在命令历史里 · read from standard input if left out"
    )
    asking.add_argument("--id-country", help="护照的签发国 · with a passport")
    for name, about in (
        ("name", "姓名"),
        ("mobile", "手机号"),
        ("product", "consumer, business, agricultural"),
    ):
        asking.add_argument(f"--{name}", help=about)
    asking.add_argument("--amount", type=_amount, help="拟借金额（元） · yuan")
    asking.add_argument("--purpose", default="application", choices=("application", "guarantee", "post_loan"))
    for name, about in (
        ("consent-no", "授权编号 · consent"),
        ("consent-until", "授权到期日 · its last day, YYYY-MM-DD"),
        ("staff", "查询人员 · who asks"),
        ("reference", "业务编号 · your number of the case"),
    ):
        asking.add_argument(f"--{name}", required=True, help=about)
    asking.add_argument(
        "--blind",
        action="store_true",
        help="盲查：号码不出本机，不送姓名和手机号 · the number stays here; name and mobile are not sent",
    )
    asking.add_argument(
        "--idempotency-key", help="再问同一问题时用同一个 · the same one to ask the same again"
    )
    asking.add_argument(
        "--when-down", default="raise", choices=("raise", "open", "closed"),
        help="平台不可用时：报错、暂予通过、暂转人工 · fail, answer eligible, or answer refer, provisionally",
    )  # fmt: skip
    again = add(
        commands, "reconcile", reconcile, "补问平台不可用时的查询 · asks again what had a provisional answer"
    )
    for each in (asking, again):
        each.add_argument(
            "--journal",
            type=Path,
            default=Path("huxin-journal"),
            help="待核查询的目录 · folder of what waits",
        )
        each.add_argument(
            "--patience", type=float, default=15.0, metavar="SECONDS", help="重试的秒数 · for how long to try"
        )


def ask(arguments: argparse.Namespace, context: Context) -> int:
    """0 for the platform's own answer, 3 for a provisional one."""
    number = arguments.id_no or sys.stdin.readline().strip()
    names = ("purpose", "consent_no", "consent_until", "staff", "reference", "id_country", "name", "mobile")
    more = {name: getattr(arguments, name) for name in (*names, "amount", "product", "blind")}
    client = _client(arguments, context, arguments.when_down)
    answer = client.ask(Question(arguments.id_type, number, **more), arguments.idempotency_key)
    told = {"outcome": answer.outcome, "provisional": answer.provisional, "key": answer.key}
    if context.voice.as_json:
        context.voice.data({**answer.content, **told})
    else:
        _show(answer.content, told, context)
    return REFUSED if answer.provisional else DONE


def reconcile(arguments: argparse.Namespace, context: Context) -> int:
    """One line a question; 3 when the answer of one is not what was said meanwhile."""
    changed = 0
    for settled in _client(arguments, context, "closed").reconcile():
        outcome = settled.answer.outcome if settled.answer else "refused"
        line = {"key": settled.key, "reference": settled.reference, "provisional": settled.provisional}
        said = {**line, "outcome": outcome, "changed": settled.changed, "refused": settled.refused}
        if context.voice.as_json:
            context.voice.data(said)
        else:
            context.voice.line(
                f"{settled.reference} {settled.provisional} -> {outcome} {settled.refused or ''}".strip()
            )
        changed += settled.changed
    return REFUSED if changed else DONE


def _client(arguments: argparse.Namespace, context: Context, when_down: Any) -> Huxin:
    settings = context.settings
    session, entry = context.session(arguments.patience), context.entry(arguments.patience)
    return Huxin(
        settings.needed("url"),
        settings.identity(),
        when_down=when_down,
        journal=arguments.journal,
        session=session,
        entry=entry,
        elements=context.file.parent,
        on_pinned=context.pinned,
    )


def _show(content: Any, told: dict[str, Any], context: Context) -> None:
    voice = context.voice
    voice.line(
        f"{told['outcome']} {voice.pick('（暂定）', '(provisional)') if told['provisional'] else ''}".strip()
    )
    for flag in content.get("flags", ()):
        voice.line(f"  {flag['level']} {flag['code']} {flag['reason'][voice.pick('zh', 'en')]}")
    if told["provisional"]:
        voice.note(
            "平台不可用：恢复后执行 huxin-edge reconcile",
            "The platform is away: run huxin-edge reconcile later",
        )


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError("12345.67") from None

"""Answers on the terminal: outcome, reasons and figures, in the user's language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console

from huxin.settings import SHANGHAI, Settings

OUTCOMES = {
    "eligible": ("可受理", "eligible"),
    "refer": ("转人工", "refer to a person"),
    "ineligible": ("不符合", "ineligible"),
}
LEVELS = {
    "info": ("提示", "info"),
    "refer": ("转人工", "refer"),
    "ineligible": ("不符合", "ineligible"),
}
_WORDS = {
    "lenders": ("未结清机构数", "lenders"),
    "open_loans": ("未结清笔数", "open loans"),
    "outstanding": ("余额合计（元）", "outstanding (CNY)"),
    "max_dpd": ("当前最长逾期天数", "days past due, worst now"),
    "guaranteed_loans": ("为他人担保笔数", "loans guaranteed"),
    "guaranteed_balance": ("担保余额（元）", "balance guaranteed (CNY)"),
}


def print_checked(settings: Settings, told: dict[str, Any]) -> None:
    """What an operator's question was answered with."""
    zh, console = settings.language == "zh", Console(soft_wrap=True)
    if told["as_of"]:
        console.print(moment_words(zh, told["as_of"]), highlight=False)
    if not told["subject_known"]:
        _say(console, zh, "登记平台没有该主体的借款记录。", "The registry holds no loan of this subject.")
    for name, words in _WORDS.items():
        part = told["own"].get(name)
        own = "" if part is None else f"（本机构 {part}）" if zh else f" (own {part})"
        console.print(f"{words[0 if zh else 1]}: {told[name]}{own}", highlight=False)
    print_outcome(settings, told["answer"], console)
    _say(console, zh, *_coverage_words(told["coverage"]))
    number = told["enquiry_id"] or told["act"]
    _say(console, zh, f"已留痕：{number}", f"on record: {number}")


def _coverage_words(said: dict[str, Any]) -> tuple[str, str]:
    """How complete the answer is, as its flags count it; and how many reported at all, where that is another number."""
    members, reported, days = said["members"], said["reported"], said["days"]
    ever, oldest = said["ever"], said["oldest_as_of"] or "—"
    zh = f"（曾报送 {ever} 家）" if ever != reported else ""
    en = f" ({ever} at any time)" if ever != reported else ""
    return (
        f"覆盖：{members} 家会员中近 {days} 天有 {reported} 家报送{zh}，最早数据日期 {oldest}",
        f"coverage: {reported} of {members} members reported within {days} days{en}, oldest as of {oldest}",
    )


def moment_words(zh: bool, moment: str) -> str:
    """As of when an answer is: an ISO 8601 moment in Shanghai's time."""
    said = f"{datetime.fromisoformat(moment).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    return f"截至 {said}（北京时间）" if zh else f"as of {said} (Shanghai)"


def print_outcome(settings: Settings, answer: dict[str, Any], console: Console | None = None) -> None:
    """The outcome and the reason of each flag; a tier may see no flags."""
    zh, console = settings.language == "zh", console or Console(soft_wrap=True)
    words = OUTCOMES[answer["outcome"]]
    _say(
        console,
        zh,
        f"结论：{words[0]}（规则 {answer['policy']}）",
        f"outcome: {words[1]} (policy {answer['policy']})",
    )
    for flag in answer.get("flags", ()):
        level = LEVELS[flag["level"]][0 if zh else 1]
        console.print(
            f"  {level} {flag['code']}: {flag['reason']['zh' if zh else 'en']}",
            highlight=False,
            markup=False,
        )


def _say(console: Console, zh: bool, chinese: str, english: str) -> None:
    console.print(chinese if zh else english, highlight=False, markup=False)

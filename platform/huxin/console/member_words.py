"""Members in words: their status, kind and tier, the steps of onboarding, and what was done to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from huxin.console.data_words import PURPOSES
from huxin.console.shape import Chip, count

STATUSES: Final[dict[str, Chip]] = {
    "onboarding": Chip(1, _l("登记中，尚未启用"), "yellow"),
    "active": Chip(2, _l("已启用"), "green"),
    "suspended": Chip(3, _l("已暂停"), "red"),
}
KINDS: Final[dict[str, Any]] = {
    "microlender": _l("小额贷款公司"),
    "consumer_finance": _l("消费金融公司"),
    "guarantor": _l("融资担保公司"),
    "bank": _l("银行"),
}
TIERS: Final[dict[str, Any]] = {
    "full": _l("完整：金额与明细"),
    "banded": _l("分档：金额只见区间"),
    "query_only": _l("仅查询：只见结论"),
}
STEPS: Final[tuple[Any, ...]] = (
    _l("机构资料"),
    _l("联系人与邀请"),
    _l("密钥"),
    _l("测试文件"),
)
ACTS: Final[dict[str, Any]] = {
    "member.onboarding": _l("开始登记会员"),
    "member.tested": _l("校验测试文件"),
    "member.activated": _l("启用会员"),
    "member.set": _l("更改会员"),
    "member.suspended": _l("暂停会员"),
    "member.resumed": _l("恢复会员"),
    "member.limited": _l("收紧查询限额"),
    "member.unlimited": _l("恢复查询限额"),
    "member.reminded": _l("催报"),
    "member.reminder_withdrawn": _l("撤回催报"),
    "credential.added": _l("登记接口密钥"),
    "credential.revoked": _l("注销接口密钥"),
    "person.invited": _l("邀请人员"),
}
_FACTS: Final[dict[str, Any]] = {
    "name": _l("名称"),
    "kind": _l("机构类型"),
    "tier": _l("互惠等级"),
    "purpose": _l("用途"),
    "per_minute": _l("每分钟"),
    "per_day": _l("每日"),
    "until": _l("截止"),
    "person": _l("人员"),
    "rows": _l("行数"),
    "rejected": _l("拒收"),
    "days": _l("日期"),
    "contact": _l("联系方式"),
    "proposed_by": _l("提出"),
}


def told_facts(facts: Mapping[str, Any]) -> str:
    """What of an act's facts a line of the page tells."""
    said = ((words, facts.get(name)) for name, words in _FACTS.items())
    return gettext("；").join(f"{words} {plain(value)}" for words, value in said if value not in (None, ""))


def plain(value: Any) -> str:
    """A fact's value in words where there are words for it: a kind, a tier, a purpose."""
    if isinstance(value, str):
        return str(KINDS.get(value) or TIERS.get(value) or PURPOSES.get(value) or value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return count(value) if isinstance(value, int) else str(value)

"""What codes of the data, of a policy and of keys mean; a page shows the word, and beside it in small the code."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext as _l

from huxin.console import texts
from huxin.contract import load_contract

# As the contract labels them (schemas/loan/v1/fields.yaml); a test holds the two together.
ID_TYPES: Final[dict[str, Any]] = {
    "resident_id": _l("居民身份证"),
    "uscc": _l("统一社会信用代码"),
    "passport": _l("护照"),
}
PRODUCTS: Final[dict[str, Any]] = {
    "consumer": _l("消费贷"),
    "business": _l("经营贷"),
    "agricultural": _l("涉农贷"),
}
BORROWERS: Final[dict[str, Any]] = {
    "individual": _l("自然人"),
    "sole_trader": _l("个体工商户"),
    "company": _l("企业"),
}
CLASSES: Final[dict[str, Any]] = {
    "normal": _l("正常"),
    "special_mention": _l("关注"),
    "substandard": _l("次级"),
    "doubtful": _l("可疑"),
    "loss": _l("损失"),
}
# As docs/answer.md names them.
FLAGS: Final[dict[str, Any]] = {
    "MULTI_LENDER": _l("多头借贷"),
    "OVER_CAP": _l("超上限"),
    "OVERDUE": _l("逾期"),
    "NON_PERFORMING": _l("不良"),
    "STACKING": _l("集中申请"),
    "GUARANTOR_LOAD": _l("担保过重"),
    "SHARED_MOBILE": _l("共用手机号"),
    "NAME_DIFFERS": _l("姓名不一致"),
    "HARDSHIP": _l("纾困"),
    "RESTRUCTURED": _l("重组"),
    "DISPUTED": _l("异议"),
    "LOW_COVERAGE": _l("覆盖不足"),
}
OUTCOMES: Final[dict[str, Any]] = {
    "eligible": _l("可受理"),
    "refer": _l("转人工"),
    "ineligible": _l("不符合"),
}
PURPOSES: Final[dict[str, Any]] = {
    "application": _l("贷款申请"),
    "guarantee": _l("担保"),
    "post_loan": _l("贷后"),
    "operator_check": _l("运营核查"),
}
ZONES: Final[dict[str, Any]] = {
    "entry": _l("入口区"),
    "registry": _l("登记区"),
    "intake": _l("收报区"),
    "audit": _l("存证日志"),
}
# What else a policy's keys and values are made of.
_OF_POLICIES: Final[dict[str, Any]] = {
    "info": _l("提示"),
    "full": _l("完整级"),
    "banded": _l("分档"),
    "query_only": _l("仅查询"),
    "exact": _l("精确"),
    "amounts": _l("金额"),
    "by_kind": _l("按机构类型"),
    "sections": _l("可见内容"),
    "subject_known": _l("是否有贷款"),
    "flags": _l("标志"),
    "exposure": _l("总敞口"),
    "delinquency": _l("逾期情况"),
    "enquiries": _l("查询次数"),
    "match": _l("姓名比对"),
    "per_minute": _l("每分钟"),
    "per_day": _l("每日"),
    "counted": _l("计入并标注"),
    "set_aside": _l("暂不计入"),
    "true": _l("是"),
    "false": _l("否"),
}
_POLICY: Final = FLAGS | OUTCOMES | PURPOSES | PRODUCTS | BORROWERS | CLASSES | _OF_POLICIES


def of_policy(said: str) -> str:
    """A policy's key or value with every code in it told in words; what is none stays: numbers, days, versions."""
    lists = (" ".join(str(_POLICY.get(code, code)) for code in part.split(" ")) for part in said.split(", "))
    return ", ".join(lists)


def column(name: str) -> str:
    """A field of the contract by its Chinese name; for who reads English, and of another version, its own."""
    if texts.language() != "zh":
        return name
    return next((field.zh for field in load_contract().fields if field.name == name), name)


def product(code: int | None) -> Any | None:
    """The product of that code of the contract in words; None for None."""
    return None if code is None else PRODUCTS[load_contract().field("product").label(code).name]

"""What a policy says, key by key in both languages, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final

# As docs/policy.md has them; a test holds the two together. Names of tiers and flags in between are left out.
KEYS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "version": ("版本号", "version"),
        "effective_on": ("生效日期", "day of effect"),
        "texts": ("文案版本", "texts"),
        "caps.max_lenders": ("机构数上限", "cap on lenders"),
        "caps.max_open_loans": ("未结清笔数上限", "cap on open loans"),
        "caps.max_debt_service": ("月还款额上限", "cap on monthly debt service"),
        "caps.max_outstanding": ("余额上限", "cap on outstanding"),
        "windows.stacking_days": ("集中申请窗口", "stacking window, days"),
        "windows.reciprocity_days": ("互惠期限", "reciprocity, days"),
        "windows.coverage_days": ("覆盖窗口", "coverage window, days"),
        "thresholds.overdue_above_dpd": ("逾期天数（超过）", "overdue above, days"),
        "thresholds.overdue_above_dpd_24m": (
            "近 24 个月逾期天数（超过）",
            "overdue above within 24 months, days",
        ),
        "thresholds.non_performing_class": ("不良起点", "non-performing from class"),
        "thresholds.stacking_members": ("查询机构数（达到）", "stacking from members"),
        "thresholds.stacking_reservations": ("占用笔数（达到）", "stacking from reservations"),
        "thresholds.guaranteed_loans": ("担保笔数（超过）", "guaranteed loans above"),
        "thresholds.guaranteed_balance": ("担保余额（超过）", "guaranteed balance above"),
        "thresholds.guaranteed_dpd": ("被担保借据逾期（超过）", "guaranteed loan overdue above, days"),
        "thresholds.shared_mobile_subjects": ("共用手机号主体数（达到）", "subjects of one mobile from"),
        "thresholds.coverage_percent": ("覆盖比例（低于）", "coverage below, percent"),
        "levels": ("标志级别", "level of flag"),
        "pending_level": ("仅由占用导致时的最高级别", "most where only reservations lead there"),
        "tiers": ("会员等级", "tier"),
        "bands": ("金额区间", "bands"),
        "others_in_steps": ("他机构金额计算档", "others' amounts in steps of"),
        "quotas": ("查询配额", "quota"),
        "reservations.default_hours": ("占用默认时长", "reservation, hours by default"),
        "reservations.maximum_hours": ("占用最长时长", "reservation, hours at the most"),
        "reservations.convert_days": ("转借据等待天数", "days to wait for the loan"),
        "reservations.in_vain": ("同一主体未成占用的次数上限", "reservations about one subject in vain"),
        "display.negative_years": ("不良信息保存年限", "years of a negative entry"),
        "display.disputed": ("异议信息", "disputed entries"),
        "display.repair": ("一次性信用修复", "one-off repair"),
        "display.repair.effective_on": ("一次性信用修复：生效日期", "one-off repair: day of effect"),
        "display.repair.kinds": ("一次性信用修复：适用主体", "one-off repair: kinds"),
        "display.repair.max_amount": (
            "一次性信用修复：单笔逾期金额上限",
            "one-off repair: amount at the most",
        ),
        "display.repair.arisen_from": ("一次性信用修复：逾期发生起", "one-off repair: arisen from"),
        "display.repair.arisen_until": ("一次性信用修复：逾期发生止", "one-off repair: arisen until"),
        "display.repair.repaid_by": ("一次性信用修复：还清期限", "one-off repair: repaid by"),
    }
)


@dataclass(frozen=True)
class Difference:
    """One key with its value before and after, as they are written; "—" where the key is not there, or null."""

    key: str
    before: str
    after: str

    def word(self, language: str) -> str:
        """What the key means, in "zh" or "en": the word of the longest known part of it, with what is left."""
        known = self.key
        while known and known not in KEYS:
            known = known.rpartition(".")[0]
        if not known:
            return self.key
        rest = self.key[len(known) :].lstrip(".").replace(".", " ")
        return f"{KEYS[known][0 if language == 'zh' else 1]} {rest}".rstrip()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Where two entries of a policy file differ, in the order of the first and then of what only the second has."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return [
        Difference(key, old.get(key, "—"), new.get(key, "—"))
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key)
    ]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value)) or "—"
    elif isinstance(value, date):
        yield path, value.isoformat()
    else:
        yield path, "—" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

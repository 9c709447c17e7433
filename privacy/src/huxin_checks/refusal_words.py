"""What exactly stood against a refused file, in words: a check like F0004 has a dozen causes."""

from __future__ import annotations

from collections.abc import Mapping

from huxin_privacy.errors import TEXTS

_REASONS: dict[str, tuple[str, str]] = {
    "digest": ("摘要不一致", "the digests differ"),
    "record_count": ("记录数不一致", "the record counts differ"),
    "sum_principal": ("本金合计不一致", "the sums of principal differ"),
    "sum_balance": ("余额合计不一致", "the sums of balance differ"),
    "not_plain": ("不是普通文件（链接、目录或设备）", "no plain file (a link, a folder or a device)"),
    "future": ("数据日期晚于今天", "the as-of date is in the future"),
    "older": ("已有更新的数据入库", "newer data is published"),
    "before_policy": ("数据日期早于平台最早的规则", "the as-of date is before the platform's oldest policy"),
    "content": ("同样的内容已经入库", "the same content is published"),
    "sequence": ("该序号已被另一份内容使用", "other content has this sequence"),
    "unknown": ("没有这个会员机构", "no such member"),
    "suspended": ("该会员机构已暂停", "the member is suspended"),
    "sender": ("清单中的会员与报送机构不符", "the manifest names another member than the sender"),
    "contract": ("报送规范版本不存在", "no such contract"),
    "rejected": ("被拒收的行过多", "too many rows rejected"),
    "sealed": (
        "密封文件只在报送时打开，校验请用原文件",
        "a sealed file is opened on sending only: check the file itself",
    ),
    **{
        code: TEXTS[code] for code in ("P0153", "P0154", "P0155", "P0156", "P0157", "P0167", "P0168", "P0201")
    },
    "blind": ("本平台没有开启盲查方式", "blind mode is not on here"),
}
_MANIFEST = {
    "json": ("不是 JSON", "not JSON"),
    "size": ("超过 64 KB", "over 64 KB"),
    "doubled": ("有一项出现两次", "an entry stands there twice"),
    "surplus": ("有报送规范之外的项", "it has an entry outside the contract"),
}


def refusal_words(facts: Mapping[str, object], language: str) -> str:
    """The cause behind a refusal's code, in brackets, with both numbers where two differ; "" when unknown."""
    words = _cause(facts, 0 if language == "zh" else 1)
    if not words:
        return ""
    if "said" in facts and "found" in facts:
        said, found = facts["said"], facts["found"]
        words += f"：清单 {said}，文件 {found}" if language == "zh" else f": manifest {said}, file {found}"
    return f"（{words}）" if language == "zh" else f" ({words})"


def _cause(facts: Mapping[str, object], at: int) -> str:
    reason = str(facts.get("reason", ""))
    if facts.get("code") == "F0010":
        named = (f"清单的 {reason} 缺少或格式不对", f"the manifest's {reason} is missing or malformed")
        return _MANIFEST.get(reason, named)[at]
    given = facts.get(("zh", "en")[at])
    return str(given) if given else _REASONS.get(reason, ("", ""))[at]

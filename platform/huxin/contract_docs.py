"""The contract in words: docs/contract.md, and the phrases that the templates' guide sheet shares with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from huxin.contract import Check, Contract, Field, StateText, load_contract, load_states

SEVERITY_WORDS = {
    "refuse": ("拒收整个文件", "refuses the file"),
    "reject": ("拒收该行", "rejects the row"),
    "warn": ("提示，不影响接收", "warns"),
}
PHASE_WORDS = {
    "file": ("整个文件", "the file"),
    "cell": ("单个单元格", "one cell"),
    "row": ("同一行的几项", "fields of one row"),
    "set": ("同一文件的几行", "rows of one file"),
    "registry": ("与已入库数据相比", "against the registry"),
}
KIND_WORDS = {
    "text": ("文本", "text"),
    "identifier": ("标识信息（入库前换成假名标识）", "identifier (replaced by a token)"),
    "enum": ("选项", "one of a list"),
    "money": ("金额，元，两位小数", "amount in yuan, two decimals"),
    "rate": ("百分数，四位小数", "percent, four decimals"),
    "date": ("日期", "date"),
    "integer": ("整数", "whole number"),
    "pattern": ("代码", "code"),
}
SCALE = {"money": 100, "rate": 10_000, "integer": 1}
"""How many stored units make one written unit."""

_WARNING = "<!-- Generated from schemas/loan/v1: change the tables, then run `python -m huxin.templates`. -->"


def need_words(field: Field) -> tuple[str, str]:
    """Whether a field has to be filled in, in Chinese and English."""
    if field.required or field.required_column:
        return "必填", "required"
    return "选填或按条件填", "optional or conditional"


def limit_words(field: Field) -> tuple[str, str]:
    """Length, range or form of a field's value in Chinese and English; empty texts when there is none."""
    if field.minimum is not None and field.maximum is not None:
        low, high = (_written(field, bound) for bound in (field.minimum, field.maximum))
        return f"{low} 至 {high}", f"{low} to {high}"
    if field.max_length is not None:
        return f"最多 {field.max_length} 个字符", f"at most {field.max_length} characters"
    return "", ""


def label_words(field: Field) -> str:
    """An enum's labels as "无 none、展期 extension"; empty for other fields."""
    return "、".join(f"{label.zh} {label.name}" for label in field.labels)


def contract_markdown(contract: Contract, states: Iterable[StateText]) -> str:
    """The whole of docs/contract.md: fields, checks and states, Chinese beside English."""
    parts = [
        _WARNING,
        f"# {contract.name}：报送规范 the file contract",
        f"规则版本 ruleset {contract.ruleset}。"
        "每个责任人一行，表头用中文或英文机器名均可。"
        "One row for each party; headers in Chinese or as machine names.",
        "## 字段 fields",
        _table(
            ["field", "表头", "类型 kind", "填写 need", "范围 limits", "取值 labels", "填写说明", "hint"],
            (_field_cells(field) for field in contract.fields),
        ),
        "## 校验规则 checks",
        _table(
            ["code", "后果 severity", "范围 phase", "字段 fields", "说明与修改办法", "text and remedy"],
            (_check_cells(check) for check in contract.checks),
        ),
        "## 报送批次的状态 states of a submission",
        _table(
            ["number", "name", "状态", "state", "含义", "meaning"],
            ([str(s.number), s.name, s.zh, s.en, s.meaning_zh, s.meaning_en] for s in states),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def write_contract_page(path: Path, contract: Contract | None = None) -> None:
    """Write docs/contract.md to `path` (UTF-8, LF)."""
    page = contract_markdown(contract or load_contract(), load_states())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", newline="\n")


def _written(field: Field, bound: int) -> str:
    """A stored bound as people write it: 1 cent is 0.01, 360000 of a rate is 36."""
    whole, rest = divmod(bound, SCALE[field.kind])
    if not rest:
        return str(whole)
    digits = len(str(SCALE[field.kind])) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0")


def _field_cells(field: Field) -> list[str]:
    return [
        f"`{field.name}`",
        field.zh,
        " ".join(KIND_WORDS[field.kind]),
        " ".join(need_words(field)),
        " ".join(limit_words(field)).strip(),
        label_words(field),
        field.hint_zh,
        field.hint_en,
    ]


def _check_cells(check: Check) -> list[str]:
    later = "" if check.active else "（以后的版本启用 in a later version）"
    return [
        f"{check.code}{later}",
        " ".join(SEVERITY_WORDS[check.severity]),
        " ".join(PHASE_WORDS[check.phase]),
        ", ".join(f"`{name}`" for name in check.fields),
        f"{check.zh}{check.hint_zh}",
        f"{check.en} {check.hint_en}",
    ]


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

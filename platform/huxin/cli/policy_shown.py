"""What a simulation found, on the terminal: outcomes before and after, flags, kinds of lender, samples."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from huxin.cli.answers import OUTCOMES
from huxin.cli.show import note, print_table, write_line
from huxin.settings import Settings

_FLAGS = (
    ("标志", "新增", "消失", "加重", "减轻"),
    ("flag", "gained", "lost", "heavier", "lighter"),
)
_KINDS = (("机构类型", "查询数", "结论改变"), ("kind of lender", "enquiries", "changed"))


def print_effect(settings: Settings, found: dict[str, Any]) -> None:
    """Tables in the user's language; samples are enquiries' numbers for `huxin enquiries show`."""
    zh, place = settings.language == "zh", 0 if settings.language == "zh" else 1
    head = (
        f"规则 {found['policy']}，{found['from']} 至 {found['to']}：查询 {found['enquiries']} 笔，"
        f"结论改变 {found['changed']} 笔"
        if zh
        else f"policy {found['policy']}, {found['from']} to {found['to']}: {found['enquiries']} enquiries, "
        f"{found['changed']} with another outcome"
    )
    write_line(head)
    words = {name: said[place] for name, said in OUTCOMES.items()}
    _table(
        ("原结论 → 新结论" if zh else "outcome, before → after", *words.values()),
        [(words[name], *row.values()) for name, row in found["outcomes"].items()],
    )
    if found["flags"]:
        _table(_FLAGS[place], [(code, *counts.values()) for code, counts in found["flags"].items()])
    kinds = found["by_kind"].items()
    _table(_KINDS[place], [(kind, each["enquiries"], each["changed"]) for kind, each in kinds])
    for change, ids in found["samples"].items():
        write_line(f"{_said(change, words)}: {' '.join(ids)}")
    for code, count in found["left_out"].items():
        note(f"{code}: {count} {'笔无法重算' if zh else 'cannot be worked out again'}")


def _said(change: str, words: dict[str, str]) -> str:
    before, arrow, after = change.partition("→")
    return f"{words[before]}→{words[after]}" if arrow else change


def _table(heads: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    print_table(table)
    write_line("")

"""loan-tokens/v1, made from loan/v1: the same loans without the people in them.

`python -m huxin.blind_contract` writes schemas/loan-tokens/v1 anew; with `--check` it only tells whether it differs.
Fields keep their names, so that every later step works on one kind of row: what is left out may not be sent. `id_no`
holds the sealed element. What only the identifier shows, only the member's own tool can check: those checks are
inactive here.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from huxin.paths import schema_root
from huxin_privacy.blind.sealed import CELL_LENGTH
from huxin_privacy.blind.tokenizing import CONTRACT, LEFT_OUT

# The element is made of a canonical identifier: whether it was one, whether it was written in fifteen digits, and
# everything about the mobile and the name is seen before that.
EDGE_ONLY: Final = ("E1101", "E1102", "E1103", "W3201", "W3301", "W4006")
_SOURCE: Final = "loan/v1"
_HEAD: Final = f"# Made from schemas/{_SOURCE} by `make generate`; not edited by hand.\n"
_ID_NO: Final = {
    "pattern": f"[A-Za-z0-9_-]{{{CELL_LENGTH}}}",
    "example": "A" * CELL_LENGTH,
    "hint_zh": "由 huxin-edge tokenize 在本机构生成的密封群元素；平台看不到证件号码。为空表示本机工具发现证件有误。",
    "hint_en": "The sealed element that huxin-edge tokenize makes at your place; the platform sees no identifier. "
    "A row that has none is one whose identifier your tool found faulty.",
}
_SHAPE: Final = {
    "zh": "密封群元素的格式不对。",
    "en": "The sealed element is malformed.",
    "hint_zh": "请用 huxin-edge tokenize 重新生成文件，不要手工改动该列。",
    "hint_en": "Make the file again with huxin-edge tokenize, and do not edit that column.",
}


def fields_text() -> str:
    """fields.yaml."""
    table = _read("fields.yaml") | {"contract": CONTRACT}
    for field in table["fields"]:
        if field["name"] == "id_no":
            field.update(_ID_NO)
        elif field["name"] in LEFT_OUT:
            field.update({"left_out": True, "required": False})
    return _text(table)


def checks_text() -> str:
    """checks.yaml."""
    table = _read("checks.yaml")
    for check in table["checks"]:
        if check["code"] in EDGE_ONLY:
            check["active"] = False
        if check["code"] == "E1104":
            check.update(_SHAPE)
    return _text(table)


def main(arguments: list[str] | None = None) -> int:
    """Writes the two tables; with --check says which differ, 1 if any does."""
    wanted = {"fields.yaml": fields_text(), "checks.yaml": checks_text()}
    differ = [name for name, text in wanted.items() if _stored(name) != text]
    if "--check" in (sys.argv[1:] if arguments is None else arguments):
        sys.stderr.writelines(
            f"{CONTRACT}/{name} is not what {_SOURCE} gives: run make generate\n" for name in differ
        )
        return 1 if differ else 0
    for name in differ:
        _path(name).parent.mkdir(parents=True, exist_ok=True)
        _path(name).write_text(wanted[name], encoding="utf-8")
    return 0


def _read(name: str) -> dict[str, Any]:
    found = yaml.safe_load((schema_root() / _SOURCE / name).read_text(encoding="utf-8"))
    return copy.deepcopy(dict(found))


def _text(table: dict[str, Any]) -> str:
    return _HEAD + yaml.safe_dump(table, allow_unicode=True, sort_keys=False, width=110)


def _path(name: str) -> Path:
    return schema_root() / CONTRACT / name


def _stored(name: str) -> str:
    path = _path(name)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())

"""What the golden vectors are of: published examples, invented people, and spellings good and bad."""

from __future__ import annotations

from typing import Any

ENTRY_ROOT = bytes(range(0x00, 0x20))
REGISTRY_ROOT = bytes(range(0x20, 0x40))
EPOCHS = (1, 2)

# (type, canonical form, canonical name or none). A long name makes its HMAC longer than one block.
IDENTIFIERS: tuple[tuple[str, str, str | None], ...] = (
    ("resident_id", "11010519491231002X", "张三"),
    ("resident_id", "440524188001010014", "阿卜杜拉·买买提"),
    ("uscc", "91350100M000100Y43", "互信示例有限公司"),
    ("passport", "USAE1234567", "john smith"),
    ("passport", "SGPA12345678901234567890", "a very long name " * 4 + "of an example"),
    ("mobile", "13800138000", None),
)

# (zone, suite, type, epoch, use, length in bytes)
DERIVED: tuple[tuple[str, str, str, int, str, int], ...] = (
    ("entry", "S256", "resident_id", 1, "token", 32),
    ("entry", "SM", "resident_id", 1, "token", 32),
    ("registry", "S256", "resident_id", 1, "token", 32),
    ("registry", "SM", "resident_id", 1, "token", 16),
    ("registry", "SM", "resident_id", 2, "token", 16),
    ("registry", "SM", "name", 2, "token", 16),
    ("registry", "S256", "answer", 16_777_217, "seal", 32),
    ("intake", "S256", "submission", 1, "seal", 32),
    ("audit", "S256", "checkpoint", 1, "sign", 32),
    ("entry", "", "", 0, "", 64),
)

_GOOD = "11010519491231002X"
_Case = dict[str, Any]


def _id(id_type: str, id_no: str, id_country: str | None = None, not_after: str | None = None) -> _Case:
    return {"id_type": id_type, "id_no": id_no, "id_country": id_country, "not_after": not_after}


IDS: tuple[_Case, ...] = (
    _id("resident_id", _GOOD),
    _id("resident_id", _GOOD.lower()),
    _id("resident_id", " 110105 19491231 002X "),
    _id("resident_id", "\u3000110105\u300019491231002X\u00a0\t\r\n"),
    _id("resident_id", "１１０１０５１９４９１２３１００２Ｘ"),
    _id("resident_id", f"'{_GOOD}"),
    _id("resident_id", f"\u2019{_GOOD}"),
    _id("resident_id", f"\ufeff{_GOOD}\u200b"),
    _id("resident_id", "110105491231002"),
    _id("resident_id", "440524188001010014"),
    _id("resident_id", "110105194912310021"),
    _id("resident_id", "110105194913310028"),
    _id("resident_id", "110105490229002"),
    _id("resident_id", "991105194912310024"),
    _id("resident_id", "110105202606010026", not_after="2026-05-31"),
    _id("resident_id", "1.20113196301133E+17"),
    _id("resident_id", "１.２Ｅ＋１７"),
    _id("resident_id", "110105194912310020.00"),
    _id("resident_id", ""),
    _id("resident_id", "1101051949123100"),
    _id("resident_id", "11010519491231002Y"),
    _id("resident_id", "110105-19491231-002X"),
    _id("resident_id", "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X"),
    _id("resident_id", "11010519491231002\u2179"),
    _id("uscc", "91350100M000100Y43"),
    _id("uscc", "91350100m000100y43"),
    _id("uscc", " 9135 0100 M000 100Y 43"),
    _id("uscc", "91350100M000100Y44"),
    _id("uscc", "91350100M000100I43"),
    _id("uscc", "9135010AM000100Y43"),
    _id("uscc", "9.135E+17"),
    _id("passport", "E12345678", "CHN"),
    _id("passport", " e1234 5678", "chn"),
    _id("passport", "Ｅ12345678", "ＣＨＮ"),
    _id("passport", "E12345678"),
    _id("passport", "E12345678", "CN"),
    _id("passport", "E123-45678", "CHN"),
    _id("passport", "1.2E+17", "CHN"),
    _id("passport", "ſ12345678", "CHN"),
    _id("passport", "ß12345678", "CHN"),
)

MOBILES: tuple[str, ...] = (
    "13800138000",
    "+86 138-0013-8000",
    "008613800138000",
    "8613800138000",
    "１３８００１３８０００",
    "'13800138000",
    "12800138000",
    "1380013800",
    "138001380001",
    "+85213800138000",
    "١٣٨٠٠١٣٨٠٠٠",
    "",
)

NAMES: tuple[str, ...] = (
    "张三",
    " 张 三 ",
    "张\u3000三",
    "阿卜杜拉•买买提",
    "阿卜杜拉 . 买买提",
    "阿卜杜拉・买买提·",
    "John  SMITH",
    " ' 张三",
    "'·张三·",
    "ＪＯＨＮ smith",
    "Straße",
    "\u3000",
    "·",
    "",
)

"""Every class of malformed identifier with its codes: one table for the edge, the night, the API and the library.

What people type and what spreadsheets make of it; the numbers are nobody's. As of 2026-05-31.
"""

from __future__ import annotations

from dataclasses import dataclass

from huxin_privacy.resident import check_character

GOOD = "11010519491231002X"


@dataclass(frozen=True)
class Bad:
    """What is wrong, how it is written, its codes; and in a file, where another cell is to blame, that cell's."""

    what: str
    id_type: str
    id_no: str
    codes: str
    id_country: str = ""
    in_file: tuple[str, str] | None = None

    @property
    def finding(self) -> set[tuple[str, str]]:
        return {self.in_file} if self.in_file else {("id_no", code) for code in self.codes.split()}


def checked(seventeen: str) -> str:
    return seventeen + check_character(seventeen)


CLASSES = [
    Bad("wrong check digit", "resident_id", "110105194912310021", "E1101"),
    Bad("X where a digit belongs", "resident_id", "44052418800101001X", "E1101"),
    Bad("no such province", "resident_id", checked("99010519491231002"), "E1103"),
    Bad("no such month", "resident_id", checked("11010519491331002"), "E1103"),
    Bad("no such day", "resident_id", checked("11010519490229002"), "E1103"),
    Bad("too long ago", "resident_id", checked("11010517991231002"), "E1103"),
    Bad("not yet born", "resident_id", checked("11010520260601002"), "E1103"),
    Bad("old form with no such day", "resident_id", "110105490229002", "E1103"),
    Bad("two faults", "resident_id", "110105194913310028", "E1101 E1103"),
    Bad("scientific", "resident_id", "1.10105194912310E+17", "E1102"),
    Bad("scientific, wide", "resident_id", "１.１Ｅ＋１７", "E1102"),
    Bad("with decimals", "resident_id", "110105194912310020.00", "E1102"),
    Bad("too short", "resident_id", GOOD[:17], "E1104"),
    Bad("too long", "resident_id", GOOD + "0", "E1104"),
    Bad("much too long", "resident_id", "9" * 70_000, "E1104"),
    Bad("another letter", "resident_id", GOOD[:17] + "Y", "E1104"),
    Bad("hyphens", "resident_id", "110105-19491231-002X", "E1104"),
    Bad("digits of another script", "resident_id", "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "E1104"),
    Bad("a Cyrillic X", "resident_id", GOOD[:17] + "Х", "E1104"),
    Bad("raised digits", "resident_id", "11010519491231002²", "E1101"),
    Bad("a word", "resident_id", "未提供号码", "E1104"),
    Bad("a word for nothing", "resident_id", "无", "E1104", "", ("id_no", "E1001")),
    Bad("wrong check character", "uscc", "91350100M000100Y44", "E1101"),
    Bad("a letter that is never used", "uscc", "91350100M000100I43", "E1104"),
    Bad("letters in the region", "uscc", "9135010AM000100Y43", "E1104"),
    Bad("an old registration number", "uscc", "350100100001234", "E1104"),
    Bad("scientific", "uscc", "9.135E+17", "E1102"),
    Bad("too short", "passport", "E123", "E1104", "CHN"),
    Bad("too long", "passport", "E" + "1" * 20, "E1104", "CHN"),
    Bad("punctuation", "passport", "E123-45678", "E1104", "CHN"),
    Bad("scientific", "passport", "1.2E+17", "E1102", "CHN"),
    Bad("a letter of another script", "passport", "Е12345678", "E1104", "CHN"),
    Bad("no country", "passport", "E12345678", "E1104", "", ("id_country", "E1001")),
    Bad("a country of two letters", "passport", "E12345678", "E1104", "CN", ("id_country", "E1302")),
]

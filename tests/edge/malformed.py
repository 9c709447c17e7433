"""Every class of damage to an identifier that files and typed numbers have shown."""

from __future__ import annotations

from support.rows import resident_id, uscc

# Class of fault, identifier type, spelling. Every kind of damage that members' files have shown.
MALFORMED: list[tuple[str, str, str]] = [
    ("empty", "resident_id", ""),
    ("a word for nothing", "resident_id", "无"),
    ("check character", "resident_id", "11010519491231002A"),
    ("check digit", "resident_id", resident_id(5)[:-1] + ("1" if resident_id(5)[-1] != "1" else "2")),
    ("spreadsheet's exponent", "resident_id", "1.10105194912310E+17"),
    ("spreadsheet's exponent, small", "resident_id", "1.1e+17"),
    ("spreadsheet's zeros", "resident_id", "110105194912310000"),
    ("decimal point", "resident_id", "110105194912310.0"),
    ("no such day", "resident_id", "110105194902300020"),
    ("no such month", "resident_id", "110105194913310020"),
    ("born tomorrow", "resident_id", "110105202606010022"),
    ("no such province", "resident_id", "990105194912310020"),
    ("too short", "resident_id", "1101051949123100"),
    ("too long", "resident_id", "11010519491231002X1"),
    ("fifteen digits", "resident_id", "110105491231002"),
    ("fifteen digits, no such day", "resident_id", "110105490230002"),
    ("letters", "resident_id", "一一零一零五"),
    ("other script's digits", "resident_id", "١١٠١٠٥١٩٤٩١٢٣١٠٠٢٨"),
    ("raised digits", "resident_id", "11010519491231002²"),
    ("full width", "resident_id", "１１０１０５１９４９１２３１００２Ｘ"),
    ("blanks within", "resident_id", "110105 19491231 002X"),
    ("invisible marks", "resident_id", "\ufeff11010519491231002X\u200b"),
    ("apostrophe", "resident_id", "'11010519491231002X"),
    ("masked", "resident_id", "110105********002X"),
    ("shape", "uscc", "9135010"),
    ("check character", "uscc", "91350100M000100Y44"),
    ("letters it never has", "uscc", "91350100M000100YI3"),
    ("an identity number in its place", "uscc", resident_id(6)),
    ("a number for a person", "resident_id", uscc(3)),
    ("shape", "passport", "?"),
    ("too long", "passport", "E" * 40),
    ("blank", "passport", " "),
    ("unknown type", "driving_licence", "123456"),
    ("no type", "", resident_id(7)),
]

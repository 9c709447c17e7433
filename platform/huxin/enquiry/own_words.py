"""A member's own words (consent number, staff, case number) are kept in clear: so no person may stand in them.

A program that puts the ID number where the case number belongs would write it into the registry, its backups and
whoever's list, for years; nobody would notice, since to the member it looks right. So a request is refused whose words
hold the subject's identifier or mobile, its name (but for `staff`: a namesake may be at work), or anybody's resident
number, known by its date, province and check digit. What is not found so remains the member's duty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin_privacy.resident import check_character, possible

_BETWEEN = str.maketrans("", "", " \t-_./·–—\u3000")
_RESIDENT = re.compile(r"(?<![0-9])[0-9]{17}[0-9X](?![0-9])")
_LONG = re.compile(r"[0-9]{17}[0-9X]")
_SHORTEST = 6  # a shorter identifier meets other numbers by chance
_NO_CHANCE = 8  # a random key holds these by chance once in millions
_NAMESAKES = frozenset(("staff",))


def require_nobody(
    words: Mapping[str, str | None], person: Person | None = None, key: str | None = None
) -> None:
    """HuxinError H1207 with the name of the first field of `words` in which a person stands.

    A `key` is kept too, but most are random: in it no names count, and no short numbers.
    """
    numbers, name = _marks(person) if person else ((), "")
    if key:
        # Of plain letters by its rule, and replacing costs a tenth of translating.
        plain = key.replace("-", "").replace(".", "").replace("_", "").upper()
        own = any(number in plain and len(number) >= _NO_CHANCE for number in numbers)
        if own or (_LONG.search(plain) and _resident(key)):
            raise HuxinError("H1207", field="Idempotency-Key")
    # Nearly always nothing is there: one look over all of them, since an enquiry has no time for three.
    whole = _folded("\n".join([said for said in words.values() if said]))
    if not (name and name in whole) and not _LONG.search(whole) and not any(map(whole.__contains__, numbers)):
        return
    for field, said in words.items():
        if not said:
            continue
        text = _folded(said)
        named = name and name in text and field not in _NAMESAKES
        if named or any(number in text for number in numbers) or _resident(said):
            raise HuxinError("H1207", field=field)


def _marks(person: Person) -> tuple[tuple[str, ...], str]:
    """What of a person is looked for: identifier and mobile, and the name."""
    found = (_folded(person.id_no), _folded(person.mobile or "").removeprefix("+86"))
    name = _folded(person.name or "")
    return tuple(each for each in found if len(each) >= _SHORTEST), name if len(name) > 1 else ""


def _resident(said: str) -> bool:
    # With its own separators: a longer number is none.
    text = said.upper() if said.isascii() else unicodedata.normalize("NFKC", said).upper()
    return any(
        possible(each) and check_character(each[:17]) == each[17]
        for shape in {text, text.translate(_BETWEEN)}
        for each in _RESIDENT.findall(shape)
    )


def _folded(text: str) -> str:
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return plain.translate(_BETWEEN).upper()

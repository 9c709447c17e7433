"""Numbers of persons in a file's name: a name is kept in clear for years, so what may be a person's is masked."""

from __future__ import annotations

import re
import unicodedata

from huxin_privacy.resident import check_character, possible

MASK = "#####"
# What looks like a mobile or a resident number (of 18 or 15 characters, with a date in it); days and times do not.
_PERSONS = re.compile(
    r"(?<!\d)(1[3-9]\d{9}|\d{6}(18|19|20)\d\d(0[1-9]|1[0-2])[0-3]\d{4}[\dXx]|\d{8}(0[1-9]|1[0-2])[0-3]\d{4})(?!\d)"
)
_GAP = r"[\s._·–—\-�]*"  # the last stands for a character that acts, such as a space of no width
# Of 18 characters apart in any way, at each place where one may begin: then its check character has to be right, since
# days, times and numbers of files stand so one after the other.
_APART = re.compile(rf"(?<!\d)(?=((?:\d{_GAP}){{17}}[\dXx])(?!\d))")
_BETWEEN = re.compile(_GAP)


def masked(name: str) -> str:
    """The name with each such number masked, in digits of whatever width or script."""
    plain = "".join(map(_folded, name))  # character by character, so that each keeps its place
    spans = [each.span() for each in _PERSONS.finditer(plain)]
    spans += [each.span(1) for each in _APART.finditer(plain) if _resident(each[1])]
    kept, end = "", 0
    for begins, ends in sorted(spans):
        if begins >= end:
            kept += name[end:begins] + MASK
        end = max(end, ends)
    return kept + name[end:]


def _folded(char: str) -> str:
    folded = unicodedata.normalize("NFKC", char)
    if len(folded) != 1:
        return char
    return str(unicodedata.decimal(folded)) if folded.isdecimal() else folded


def _resident(apart: str) -> bool:
    number = _BETWEEN.sub("", apart).upper()
    return possible(number) and check_character(number[:17]) == number[17]

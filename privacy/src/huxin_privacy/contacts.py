"""Canonical mobile numbers and names, one at a time."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# str.isspace() and what travels invisibly with copied cells: zero-width marks and the byte order mark.
_INVISIBLE: Final = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
_QUOTES: Final = "'\u2018\u2019"
_MOBILE: Final = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_DOTS: Final = re.compile(r" ?[\u00b7\u2022\u2027\u2219\u22c5\u30fb.] ?")
_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_PADDING: Final = re.compile(rf"(?<=[{_HAN}]) (?=[{_HAN}])")


def compact(text: str) -> str:
    """`text` after NFKC with every blank (U+3000 too) taken out and without a leading apostrophe."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lstrip(_QUOTES)


def canonical_mobile(text: str) -> str | None:
    """Eleven ASCII digits of a mainland mobile number, or None when `text` is not one (W3201).

    Blanks, hyphens and the prefixes +86, 0086 and 86 are taken off.
    """
    found = _MOBILE.fullmatch(compact(text).replace("-", ""))
    return found.group(1) if found else None


def canonical_name(text: str) -> str | None:
    """The form in which names are compared, or None when nothing is left.

    NFKC, trimmed, inner blanks collapsed (and dropped between two Han characters, where they only
    pad), case-folded, the many middle dots of transliterated names made one (U+00B7).
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = _INVISIBLE.sub(" ", folded)
    name = _DOTS.sub("\u00b7", _PADDING.sub("", spaced))
    return name.lstrip(f"\u00b7 {_QUOTES}").rstrip("\u00b7 ") or None

"""Rules of unified social credit codes (GB 32100-2015): alphabet, shape, check character."""

from __future__ import annotations

import re
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}

# Registering department, kind, six digits of region (GB/T 2260), organisation code, check character.
_SHAPE: Final = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")


def well_shaped(text: str) -> bool:
    """Whether `text` has the 18 characters of a code."""
    return _SHAPE.fullmatch(text) is not None


def check_character(seventeen: str) -> str:
    """The 18th character for the first seventeen: MOD 31 with weights 3^place."""
    total = sum(VALUES[character] * weight for character, weight in zip(seventeen, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]

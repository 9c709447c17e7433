"""Which of the two languages a caller reads (Accept-Language, RFC 9110, 12.5.4)."""

from __future__ import annotations

from functools import lru_cache

LANGUAGES = ("zh", "en")
_LONGEST = 256


def preferred(header: str | None, default: str) -> str:
    """ "zh" or "en": the one with the greater weight, `default` where neither is named or both weigh alike."""
    if not header or len(header) > _LONGEST:
        return default
    return _preferred(header, default)


@lru_cache(maxsize=256)
def _preferred(header: str, default: str) -> str:
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().split("-")[0]
        if language in weights:
            weights[language] = max(weights[language], _weight(parameters))
    best = max(weights.values())
    if best <= 0.0 or weights[default] == best:
        return default
    return max(LANGUAGES, key=weights.__getitem__)


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip().lower() == "q" and 0.0 <= weight <= 1.0 else 0.0

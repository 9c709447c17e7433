"""Identifiers for tests: good ones from a rule of their own, and every way in which people spoil them."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

PROVINCES = ["11", "12", "31", "44", "54", "65", "71", "81", "82", "83"]
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def resident_check(seventeen: str) -> str:
    """GB 11643 by its definition: sum of a_i * 2^(i-1) is 1 modulo 11, places counted from the right."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(seventeen))
    value = (1 - total) % 11
    return "X" if value == 10 else str(value)


def uscc_check(seventeen: str) -> str:
    """GB 32100 by its definition: 31 less the weighted sum modulo 31, weights 3^i."""
    total = sum(USCC_ALPHABET.index(character) * 3**place for place, character in enumerate(seventeen))
    return USCC_ALPHABET[(31 - total % 31) % 31]


@st.composite
def resident_numbers(draw: st.DrawFn) -> str:
    """Good 18-character numbers."""
    province = draw(st.sampled_from(PROVINCES))
    born = draw(st.dates(min_value=date(1850, 1, 1)))
    rest = draw(st.integers(0, 9999)), draw(st.integers(0, 999))
    seventeen = f"{province}{rest[0]:04}{born:%Y%m%d}{rest[1]:03}"
    return seventeen + resident_check(seventeen)


@st.composite
def uscc_numbers(draw: st.DrawFn) -> str:
    """Good enterprise codes."""
    code = st.text(USCC_ALPHABET, min_size=9, max_size=9)
    seventeen = draw(st.sampled_from(["91", "92", "93", "N2", "Y1"])) + f"{draw(st.integers(0, 999999)):06}"
    seventeen += draw(code)
    return seventeen + uscc_check(seventeen)


def wide(text: str) -> str:
    """The full-width form of ASCII."""
    return "".join(
        chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text
    )


@st.composite
def written(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> str:
    """A number as people and spreadsheets write it, sometimes spoilt."""
    text = draw(numbers)
    habits = [
        lambda t: t,
        str.lower,
        wide,
        lambda t: "'" + t,
        lambda t: f"\u3000{t[:6]} {t[6:]}\u00a0",
        lambda t: t + ".0",
        lambda t: f"{t[0]}.{t[1:15]}E+17",
        lambda t: t[:-1],
        lambda t: t[:6] + t[8:17],
        lambda t: t[:-1] + "é",
    ]
    text = draw(st.sampled_from(habits))(text)
    if draw(st.booleans()) and text:
        place = draw(st.integers(0, len(text) - 1))
        text = text[:place] + draw(st.sampled_from("0199Xx é４٣²O")) + text[place + 1 :]
    return text


def any_numbers() -> st.SearchStrategy[str | None]:
    """Anything that may stand in an identifier cell."""
    return st.one_of(
        written(resident_numbers()),
        written(uscc_numbers()),
        written(st.from_regex(r"[A-Z][0-9]{8}", fullmatch=True)),
        st.text(max_size=24),
        st.text("0123456789Xx ", min_size=15, max_size=19),
        st.none(),
    )

"""Joins: two spellings of one identifier always share a token, two different canonical ones never do.

Under both suites, by the column and one by one. HUXIN_JOIN_EXAMPLES examples of each property (150 where it is not set;
`make soak` sets it); ten million different identifiers are counted by `make bench-privacy`.
"""

from __future__ import annotations

import os
from itertools import combinations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from privacy_rows import any_numbers, resident_check, resident_numbers, uscc_numbers, wide

from huxin_privacy import hashing
from huxin_privacy.derivation import derive, prefixed
from huxin_privacy.identifiers import TYPES, canonical_id, canonical_ids, canonical_mobile, canonical_mobiles
from huxin_privacy.suites import S256, SM, Suite
from huxin_privacy.tokens import DOMAIN, Halver, Tokenizing, tokens

EXAMPLES = int(os.environ.get("HUXIN_JOIN_EXAMPLES", "150"))
KINDS = {code: name for name, code in TYPES.items()}
Cell = tuple[str, str, str | None]  # type, what is written, country

suites = st.sampled_from([S256, SM])
stated = settings(max_examples=EXAMPLES, deadline=None)


def keys(suite: Suite, id_type: str) -> tuple[bytes, bytes]:
    """Fixed keys of a type, of either zone."""
    roots = ("entry", 32), ("registry", suite.token_key_bytes)
    return tuple(  # type: ignore[return-value]
        derive(bytes(32), zone=zone, suite=suite.name, type_=id_type, epoch=1, use="token", length=length)
        for zone, length in roots
    )


def one_by_one(suite: Suite, cell: Cell) -> bytes | None:
    id_type, text, country = cell
    found = canonical_mobile(text) if id_type == "mobile" else canonical_id(id_type, text, country).text
    if found is None:
        return None
    entry, registry = keys(suite, id_type)
    return Tokenizing(registry, suite=suite).token(Halver(entry, id_type, suite=suite).half(found))


def by_column(suite: Suite, id_type: str, cells: list[Cell]) -> list[bytes | None]:
    """Tokens of cells of one type, by the compiled kernel."""
    numbers = pa.array([text for _, text, _ in cells], pa.string())
    countries = pa.array([country for _, _, country in cells], pa.string())
    if id_type == "mobile":
        found = canonical_mobiles(numbers)
    else:
        found = canonical_ids(np.full(len(cells), TYPES[id_type], np.uint8), numbers, countries).text
    given_ = found.is_valid().to_numpy(zero_copy_only=False)
    entry, registry = keys(suite, id_type)
    head = np.frombuffer(DOMAIN + prefixed(id_type.encode()), np.uint8)[None, :]
    made = tokens(
        registry, hashing.compiled(suite, entry, hashing.Messages(head, True, found.drop_null())), suite=suite
    )
    rows = iter(made)
    return [next(rows).tobytes() if each else None for each in given_]


BLANKS = ("", "", "", " ", "\u3000", "\t", "\u00a0", "\u200b", "\ufeff", "\r\n", "\u2060")
APOSTROPHES = ("", "'", "\u2018", "\u2019", "\uff07")


@st.composite
def respelt(draw: st.DrawFn, text: str) -> str:
    """`text` as somebody else writes it: case, width and blanks wherever they like, an apostrophe before it."""
    ways = 4 * len(BLANKS)
    choice = draw(st.integers(0, 55 * ways ** len(text) - 1))  # one number: quicker than a draw for each
    letters = []
    for one in text:
        choice, way = divmod(choice, ways)
        case = (one, one.lower(), wide(one), wide(one.lower()))[way % 4]
        letters.append(case + BLANKS[way // 4])
    return BLANKS[choice % 11] + APOSTROPHES[choice // 11] + "".join(letters)


@st.composite
def two_spellings(draw: st.DrawFn) -> tuple[Cell, Cell]:
    """One identifier, written in two ways."""
    id_type = draw(st.sampled_from([*TYPES, "mobile"]))
    if id_type == "mobile":
        number = draw(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
        before = st.sampled_from(["", "+86", "86", "0086", "+86-"])
        one, two = (draw(respelt(draw(before) + number)) for _ in range(2))
        return (id_type, one, None), (id_type, two, None)
    if id_type == "passport":
        number = draw(st.from_regex(r"[A-Z][0-9]{4,19}", fullmatch=True))
        one, two = ((id_type, draw(respelt(number)), draw(respelt("SGP"))) for _ in range(2))
        return one, two
    number = draw(resident_numbers() if id_type == "resident_id" else uscc_numbers())
    forms = [number]
    if id_type == "resident_id" and number[6:8] == "19":
        forms.append(number[:6] + number[8:17])
    one, two = ((id_type, draw(respelt(draw(st.sampled_from(forms)))), None) for _ in range(2))
    return one, two


@st.composite
def near_ones(draw: st.DrawFn) -> list[Cell]:
    """Good identifiers that look alike: a digit apart, or the same text in another type, country or order."""
    number, code = draw(resident_numbers()), draw(uscc_numbers())
    place = draw(st.integers(14, 16))
    seventeen = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 : 17]
    digits = draw(st.from_regex(r"[0-9]{11}", fullmatch=True))
    mobile = "13" + digits[:9]
    return [
        ("resident_id", number, None),
        ("resident_id", seventeen + resident_check(seventeen), None),
        ("passport", number, "CHN"),
        ("passport", number, "USA"),
        ("passport", number[:-1], "CHN"),
        ("passport", "N" + number, "CHN"),
        ("passport", "CHN" + number[:15], "CHN"),
        ("passport", mobile, "CHN"),
        ("uscc", code, None),
        ("passport", code, "CHN"),
        ("mobile", mobile, None),
        ("mobile", mobile[:-1] + str((int(mobile[-1]) + 1) % 10), None),
    ]


@stated
@given(suites, st.lists(two_spellings(), min_size=1, max_size=4))
def test_two_spellings_of_one_identifier_share_a_token(suite: Suite, pairs: list[tuple[Cell, Cell]]) -> None:
    for id_type in (*TYPES, "mobile"):
        mine = [pair for pair in pairs if pair[0][0] == id_type]
        ones, others = ([pair[way] for pair in mine] for way in (0, 1))
        made = by_column(suite, id_type, ones)
        assert None not in made
        assert made == by_column(suite, id_type, others)
        assert made == [one_by_one(suite, each) for each in others]


@stated
@given(suites, near_ones())
def test_identifiers_that_look_alike_have_tokens_of_their_own(suite: Suite, cells: list[Cell]) -> None:
    found = [one_by_one(suite, each) for each in cells]
    assert None not in found
    assert len(set(found)) == len(cells)


@stated
@given(
    suites,
    st.lists(
        st.tuples(st.sampled_from([1, 2, 3]), any_numbers(), st.sampled_from(["CHN", "usa", "", None])),
        max_size=30,
    ),
)
def test_tokens_are_equal_where_the_canonical_identifiers_are_and_nowhere_else(
    suite: Suite, rows: list[tuple[int, str | None, str | None]]
) -> None:
    cells: list[Cell] = [(KINDS[code], text, country) for code, text, country in rows if text is not None]
    named = [(cell[0], canonical_id(*cell).text) for cell in cells]
    found = [one_by_one(suite, cell) for cell in cells]
    assert [token is None for token in found] == [text is None for _, text in named]
    for one, other in combinations([place for place, token in enumerate(found) if token], 2):
        assert (found[one] == found[other]) == (named[one] == named[other])
    for id_type in TYPES:
        mine = [place for place, cell in enumerate(cells) if cell[0] == id_type]
        assert by_column(suite, id_type, [cells[place] for place in mine]) == [found[place] for place in mine]

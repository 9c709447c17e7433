"""Questions about subjects: the identifier becomes a token, the registry counts, the answer names no member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.contract import label_code, load_contract
from huxin.enquiry.elements import Elements
from huxin.errors import HuxinError
from huxin.nightly.halves import types as type_names
from huxin.nightly.tokenizer import Tokenizer
from huxin.registry.blind import generations
from huxin.registry.exposure import Exposure, exposures, members_reporting
from huxin.registry.key_readers import reading
from huxin.registry.members import find_member
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.columns import canonical_ids

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Question:
    """One identifier as it was typed; its repr shows nothing of it."""

    id_type: str
    id_no: str = field(repr=False)
    id_country: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """What the registry says, or the codes of what is wrong with the identifier (then nothing was asked)."""

    exposure: Exposure | None
    codes: tuple[str, ...] = ()


def ask(settings: Settings, member: str, questions: Sequence[Question]) -> list[Answer]:
    """Answers questions on behalf of a member, in their order, in one statement.

    HuxinError H0701 (no such member), H0805 (suspended), H0803 (unknown identifier type).
    A malformed identifier gets its codes.
    """
    types = np.array([_type(question.id_type) for question in questions], np.uint8)
    numbers = pa.array([question.id_no for question in questions], pa.string())
    countries = pa.array([question.id_country for question in questions], pa.string())
    canonical = canonical_ids(types, numbers, countries)
    present = canonical.text.is_valid().to_numpy(zero_copy_only=False)
    good = np.flatnonzero(present)
    texts = canonical.text.take(pa.array(good))
    with reading(settings, "ask") as place, connection(settings) as database:
        tokenizer = Tokenizer(settings)
        place.say(tokenizer.rings.versions)
        asking = find_member(database, member)
        if asking is None:
            raise HuxinError("H0701", code=member[:64])
        if not asking.active:
            raise HuxinError("H0805", code=asking.code)
        asked = [key for each in tokenizer.every() for key in _keys(database, each, types[good], texts)]
        elements = Elements.read(tokenizer.rings, generations(database), partial(scheme_ids, database))
        if elements is not None:
            asked += _blind_keys(elements, types[good], texts)
        found = exposures(database, asking.id, asked, len(good))
    answers: list[Answer] = [Answer(None, _codes(int(bits))) for bits in canonical.faults]
    for row, exposure in zip(good, found, strict=True):
        answers[row] = Answer(exposure)
    return answers


def coverage(settings: Settings) -> dict[str, Any]:
    """How complete every answer is: active members, those that ever reported, the oldest of their newest days."""
    with connection(settings) as database:
        active, reported, oldest = members_reporting(database)
    return {"members": active, "reported": reported, "oldest_as_of": oldest}


def answer_object(answer: Answer) -> dict[str, Any]:
    """The answer as JSON: amounts as decimal strings in yuan, days as integers."""
    if answer.exposure is None:
        return {"error": "H0801", "codes": list(answer.codes)}
    e = answer.exposure
    return {
        "subject_known": e.known,
        "lenders": e.lenders,
        "open_loans": e.open_loans,
        "outstanding": _yuan(e.outstanding),
        "max_dpd": e.max_dpd,
        "guaranteed_loans": e.guaranteed_loans,
        "guaranteed_balance": _yuan(e.guaranteed_balance),
        "own": {
            "lenders": e.lenders_own,
            "open_loans": e.open_loans_own,
            "outstanding": _yuan(e.outstanding_own),
        },
        "others": {
            "lenders": e.lenders - e.lenders_own,
            "open_loans": e.open_loans - e.open_loans_own,
            "outstanding": _yuan(e.outstanding - e.outstanding_own),
        },
    }


def _keys(
    database: Connection, tokenizer: Tokenizer, types: npt.NDArray[np.uint8], texts: pa.Array
) -> list[tuple[int, bytes, int]]:
    """Each question's number with its token under these keys, and the token's scheme."""
    tokens, schemes = tokenizer.tokens(types, tokenizer.halves(types, texts)), tokenizer.schemes(database)
    return [(i, tokens[i].tobytes(), schemes[int(code)]) for i, code in enumerate(types)]


def _blind_keys(
    elements: Elements, types: npt.NDArray[np.uint8], texts: pa.Array
) -> list[tuple[int, bytes, int]]:
    """The same of those whom only members know that come the blind way."""
    made = [
        elements.of(type_names()[code], text) for code, text in zip(types, texts.to_pylist(), strict=True)
    ]
    return [(i, *key) for i, each in enumerate(made) for key in elements.known(each).keys]


def _yuan(cents: int) -> str:
    return f"{Decimal(cents).scaleb(-2):.2f}"


def _type(text: str) -> int:
    code = label_code(load_contract().field("id_type"), text)
    if code is None:
        raise HuxinError("H0803")
    return code


def _codes(bits: int) -> tuple[str, ...]:
    names = {1: "E1101", 2: "E1102", 4: "E1103", 8: "E1104"}
    return tuple(name for bit, name in names.items() if bits & bit) or ("E1001",)

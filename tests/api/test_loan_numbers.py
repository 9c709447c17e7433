"""The number that a reservation becomes a loan under: what is told of it to programs, and what the night reads."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from huxin.api.fields import LoanNumber
from support.frames import parsed_frame

_TAKEN: TypeAdapter[str] = TypeAdapter(LoanNumber)
_TOLD = re.compile(_TAKEN.json_schema()["pattern"])
_ODD = " \u00a0\u3000\ufeff\u200b\u2060\u200d\u2028\x85'＇-－无nNｎＮuUｕＵlLｌＬ１éJ²"


def taken(text: str) -> str | None:
    try:
        return _TAKEN.validate_python(text)
    except ValidationError:
        return None


@given(st.text(st.sampled_from(_ODD), min_size=1, max_size=8) | st.text(min_size=1, max_size=64))
@example("ＮｕＬＬ")
@example("' 'JJ")
@example("\ufeffJJ1")
@example("0\n")
@example("-\n")
def test_what_programs_are_told_is_what_is_taken(text: str) -> None:
    assert bool(_TOLD.search(text)) == (taken(text) is not None)


@pytest.mark.parametrize(
    "text", ["JJ1", " JJ1 ", "ＪＪ１", "'001", "\u3000HT－1\u00a0", "J\u00b2", "-", " ", "＇ 无"]
)
def test_it_is_what_a_file_says(text: str) -> None:
    assert parsed_frame([{"loan_no": text}])["loan_no"][0] == taken(text)

"""Mobile numbers and names, one at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin_privacy.identifiers import canonical_mobile, canonical_name


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "+8613800138000",
        "+86 138-0013-8000",
        "008613800138000",
        "8613800138000",
        "１３８００１３８０００",
        "＋８６１３８００１３８０００",
        "'13800138000",
        "\u300013800138000\t",
    ],
)
def test_mobiles_as_people_write_them(written: str) -> None:
    assert canonical_mobile(written) == "13800138000"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "12800138000",
        "1380013800",
        "138001380000",
        "010-65551234",
        "1.38E+10",
        "٣٨٠٠١٣٨٠٠٠١",
        "+85261234567",
    ],
)
def test_what_is_no_mobile(written: str) -> None:
    assert canonical_mobile(written) is None


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("张三", "张三"),
        (" 张三\u3000", "张三"),
        ("张\u3000三", "张三"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉．买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉 · 买买提", "阿卜杜拉·买买提"),
        ("John   SMITH", "john smith"),
        ("Ｊｏｈｎ Smith", "john smith"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("𠮷田", "𠮷田"),
    ],
)
def test_names_are_brought_to_one_form(written: str, name: str) -> None:
    assert canonical_name(written) == name


@pytest.mark.parametrize("written", ["", " ", "\u3000", "·", " . ", "\u200b"])
def test_a_name_of_nothing_is_none(written: str) -> None:
    assert canonical_name(written) is None


@given(st.text("张三 ·•.\u3000abAB", max_size=12))
def test_a_canonical_name_is_its_own_canonical_form(written: str) -> None:
    name = canonical_name(written)
    assert name is None or canonical_name(name) == name

"""Stages of several answers: what ends one of them is no matter of the others."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from huxin.enquiry import drafting
from huxin.enquiry.drafting import Drafting, go_through


def made() -> Drafting:
    nothing: Any = None
    return Drafting(nothing, nothing, nothing, uuid4())


def test_all_go_through_one_stage_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    ones = [made() for _ in range(3)]

    def stage(number: int) -> Any:
        return lambda one: seen.append((number, ones.index(one)))

    monkeypatch.setattr(drafting, "_STAGES", (stage(1), stage(2)))
    go_through(ones)
    assert seen == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]


def test_an_error_ends_its_own_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ones, written = [made() for _ in range(3)], list[Drafting]()

    def sign(one: Drafting) -> None:
        if one is ones[1]:
            raise ValueError("no key")

    monkeypatch.setattr(drafting, "_STAGES", (sign, written.append))
    go_through(ones)
    assert written == [ones[0], ones[2]]
    with pytest.raises(ValueError, match="no key"):
        ones[1].done()

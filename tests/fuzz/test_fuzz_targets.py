"""The targets of `make fuzz` over their seeds and 60 made-up inputs each, so that they stay true between its runs."""

from __future__ import annotations

import fuzz_targets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin_privacy import sealed_reader


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_seeds_pass(name: str) -> None:
    found = list(fuzz_targets.seeds(name))
    assert found
    for seed in found:
        fuzz_targets.TARGETS[name](seed)


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.one_of(st.binary(max_size=60), st.text(max_size=40).map(str.encode)))
def test_what_hypothesis_makes_passes(name: str, data: bytes) -> None:
    fuzz_targets.TARGETS[name](data)


def test_a_disagreement_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_targets, "canonical_mobile", lambda _: None)
    with pytest.raises(AssertionError):
        fuzz_targets.mobiles_and_names(b"13800138000")


def test_a_changed_file_that_is_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_targets, "_read_in_pieces", lambda stored, how: fuzz_targets.CONTENT)
    fuzz_targets.sealed_file(b"")
    with pytest.raises(AssertionError):
        fuzz_targets.sealed_file(b"\0\0\x60\xff")


def test_an_error_without_a_code_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(sealed_reader, "read_frame", fails)
    with pytest.raises(RecursionError):
        fuzz_targets.sealed_bytes(b"x")

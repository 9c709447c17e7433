"""The bench of privacy measures what it says, and tells where two identifiers share a token or one has two."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import numpy as np
import pytest
from privacybench import joins, tokens
from privacybench.people import batch, keyed_home
from privacybench.people import tokens as tokens_of

import privacy
from huxin.nightly.tokenizer import Tokenizer
from huxin_privacy import keyring
from huxin_privacy.generations import generations
from huxin_privacy.identifiers import TYPES
from huxin_privacy.tokens import Halver, Tokenizing


@pytest.mark.parametrize("suite", ["S256", "SM"])
def test_what_is_measured_gives_the_tokens_of_the_definition(suite: str) -> None:
    sent = batch(0, 2_000)
    with keyed_home(suite) as settings:
        found = tokens_of(Tokenizer(settings), sent)
        rings = tuple(keyring.open(settings.keys_dir, zone) for zone in ("entry", "registry"))
    (used,) = generations(*rings)
    assert used.suite.name == suite
    texts = sent.canonical().text.to_pylist()
    assert set(sent.types.tolist()) == set(TYPES.values())
    for name, code in TYPES.items():
        half = Halver(used.half_key(rings[0], name), name, suite=used.suite).half
        token = Tokenizing(used.token_key(rings[1], name), suite=used.suite).token
        for row in np.flatnonzero(sent.types == code)[:20]:
            assert found[row].tobytes() == token(half(texts[row]))


def test_the_figures_of_tokens() -> None:
    found = tokens.measure(batches=1, rows=3_000, rounds=1)
    assert set(found) == {"s256_per_s", "sm_per_s", "hmac_digest_per_s"}
    assert all(value > 0 for value in found.values())


def test_joins_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    found = joins.measure(4_500, 2_000)
    assert {name: found[name] for name in ("joins_identifiers", "s256_tokens", "sm_tokens")} == {
        "joins_identifiers": 4_500,
        "s256_tokens": 4_500,
        "sm_tokens": 4_500,
    }
    assert "4,500 different canonical identifiers" in capsys.readouterr().out


def _one_for_two(real: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    def changed(*given: object) -> np.ndarray:
        made = real(*given)
        made[1] = made[0]
        return made

    return changed


def test_a_shared_token_ends_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokenizer, "tokens", _one_for_two(Tokenizer.tokens))
    monkeypatch.setattr(joins, "_require_same", lambda *_: None)
    with pytest.raises(SystemExit, match="share a token"):
        joins.measure(1_000, 1_000)


def test_a_spelling_that_gets_a_token_of_its_own_ends_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    real = joins._otherwise
    another = batch(1, 1).numbers[0].as_py()
    monkeypatch.setattr(
        joins, "_otherwise", lambda place, text: real(place, another if place == 77 else text)
    )
    with pytest.raises(SystemExit, match="two spellings"):
        joins.measure(1_000, 500)


def test_every_one_of_the_sixteen_bytes_tells_tokens_apart() -> None:
    base = np.zeros((1, 16), np.uint8)
    others = np.eye(16, dtype=np.uint8)
    assert joins.different(np.vstack([base, others])) == 17
    assert joins.different(np.vstack([others, base, others, base])) == 17
    assert joins.different(base[:0]) == 0


def test_the_last_line_is_json_of_the_parts_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tokens, "measure", lambda: {"sm_per_s": 1.5})
    monkeypatch.setattr(joins, "measure", lambda: {"joins_identifiers": 12_345})
    monkeypatch.setattr(sys, "argv", ["privacy.py", "--only", "joins,tokens"])
    privacy.main()
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "sm_per_s": 1.5,
        "joins_identifiers": 12_345,
    }
    monkeypatch.setattr(sys, "argv", ["privacy.py", "--only", "none"])
    with pytest.raises(SystemExit) as stop:
        privacy.main()
    assert stop.value.code == 2

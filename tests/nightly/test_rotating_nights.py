"""Keys turned at random moments over nights and enquiries: no answer, no loan and no history notices."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, event, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from key_turns import Answers, Turns
from night_world import World
from sqlalchemy import text
from test_night_sequences import emptied, play, steps

from huxin.nightly.tokenizer import Tokenizer
from huxin.registry import rekeying, remarking
from huxin.registry.session import connection
from huxin.settings import Settings
from support.operators import Operators
from support.rows import resident_id

# 60 in `make soak`.
EXAMPLES = int(os.environ.get("HUXIN_SOAK_ROTATIONS") or 8)
PEOPLE = (1, 2, 3, 4, 12_000, 77)  # the sequences' own, a filler's, and one whom nobody reports


@dataclass
class RotatingWorld(World):
    """A world that finds people by any of their aliases."""

    def _subjects(self, people: list[int]) -> dict[UUID, int]:
        types = np.full(len(people), 1, np.uint8)
        texts = pa.array([resident_id(each) for each in people])
        named: dict[UUID, int] = {}
        for each in Tokenizer(self.settings).every():
            tokens = each.tokens(types, each.halves(types, texts))
            named |= {UUID(bytes=t.tobytes()): n for t, n in zip(tokens, people, strict=True)}
        with connection(self.settings) as database:
            rows = database.execute(text("SELECT token, subject_id FROM alias")).all()
        found = {subject: named[token] for token, subject in rows if token in named}
        assert len(set(found.values())) == len(found), "one person, one subject"
        return found


@dataclass
class Scene:
    """A world, its keys and its questions; acts on keys are held to the answers around them."""

    world: RotatingWorld
    turns: Turns
    answers: Answers
    seen: int = field(default=0)

    def turn(self, zone: str, suite: str | None) -> str:
        before, loans = self.answers.facts(), self.loans()
        self.turns.during = lambda: self._same(before)
        done = self.turns.step(zone, suite)
        event(f"{zone} {done}")
        self._same(before)
        assert self.loans() == loans, "a loan was touched"
        self.answers.check_told()
        return done

    def finish(self, zone: str) -> None:
        """Brings an exchange that was begun to its end.

        Where the other zone's was begun after the retirement, somebody may have been claimed under the pair of its new
        key and this zone's old one, by a process that had not read that this one is closed: one more retirement moves
        such.
        """
        done = []
        while self.turns.under_way(zone):
            done.append(self.turn(zone, None))
            assert done.count("refused") <= 1

    def loans(self) -> list[tuple[object, ...]]:
        """Every version of every loan, without its mark and digest."""
        query = """SELECT subject_id, member_id, loan_no, version, submission_id, recorded_at, as_of_date, ended_by,
            ended_on, stale_as_of, stale_by, void_by, balance, status FROM {} ORDER BY 1, 2, 3, 4, recorded_at"""
        with connection(self.world.settings) as database:
            return [
                tuple(row)
                for table in ("loan", "loan_history")
                for row in database.execute(text(query.format(table)))
            ]

    def _same(self, before: Sequence[bytes]) -> None:
        self.seen += 1
        assert self.answers.facts() == before


def acts() -> st.SearchStrategy[tuple[object, ...]]:
    """What an operator or a member does between two nights."""
    turn = st.tuples(
        st.just("turn"),
        st.sampled_from(["registry", "registry", "entry"]),
        st.sampled_from([None, "SM", "S256"]),
    )
    ask = st.tuples(st.just("ask"), st.sampled_from(PEOPLE))
    return st.one_of(turn, turn, turn, ask)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page a batch, so that every exchange is seen in its midst."""
    monkeypatch.setattr(rekeying.rekey, "__defaults__", (1,))
    monkeypatch.setattr(remarking.remark, "__defaults__", (1,))


@pytest.mark.usefixtures("small_batches")
@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # an example takes seconds: none is made smaller
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(week=st.lists(st.one_of(steps(), acts(), acts()), min_size=6, max_size=14))
def test_keys_turned_at_random_moments_change_no_answer(
    settings: Settings, tmp_path: Path, week: list[tuple[object, ...]]
) -> None:
    """EXAMPLES weeks; at the end every exchange that was begun is brought to its end, if all have reported again."""
    shutil.rmtree(settings.keys_dir, ignore_errors=True)
    world = RotatingWorld(emptied(settings), tmp_path / "sent", ["M0001", "M0002"])
    operators = Operators(world.settings, tmp_path / "operators")
    answers = Answers(world.settings, "M0001", PEOPLE)
    scene = Scene(world, Turns(world.settings, operators.destroy), answers)
    try:
        _play(scene, week)
        scene.finish("registry")
        scene.world.check()
        scene.answers.check_told()
    finally:
        answers.close()
        shutil.rmtree(tmp_path / "sent", ignore_errors=True)


def _play(scene: Scene, week: list[tuple[object, ...]]) -> None:
    now = {"M0001": 1, "M0002": 1}
    for step in week:
        note(str(step))
        if step[0] == "turn":
            scene.turn(str(step[1]), None if step[2] is None else str(step[2]))
        elif step[0] == "ask":
            scene.answers.ask(int(str(step[1])))
        else:
            play(scene.world, now, step)
            scene.world.check()

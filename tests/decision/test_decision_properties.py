"""What holds of every answer, whatever the facts."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.decision import Asked, Coverage, canonical, policy_on
from huxin.decision.codes import OUTCOMES, PURPOSES
from support.decisions import COUNTS, answer, loan, picture, reservation

MEMBERS = st.integers(0, 5)
MONEY = st.integers(0, 400_000_00)
DAYS = st.sampled_from([None, "2019-12-31", "2021-05-30", "2021-05-31", "2025-06-01", "2026-03-31"])
DPD = st.sampled_from([0, 0, 0, 1, 30, 31, 90, 91, 271, 400])
LOANS = st.builds(
    loan,
    m=MEMBERS,
    role=st.integers(1, 3),
    kind=st.integers(1, 3),
    product=st.integers(1, 3),
    status=st.integers(1, 8),
    class5=st.sampled_from([1, 1, 1, 2, 3, 4, 5]),
    balance=MONEY,
    principal=MONEY,
    next_due=st.none() | MONEY,
    dpd=DPD,
    dpd24=DPD,
    max_dpd=st.none() | DPD,
    bad_until=DAYS,
    due_on=st.sampled_from(["2026-01-01", "2026-06-30", "2028-05-31"]),
    method=st.integers(1, 3),
    terms_left=st.none() | st.integers(0, 36),
    event=st.none() | st.integers(1, 5),
    hardship=st.none() | st.integers(1, 3),
    open=st.booleans(),
    disputed=st.booleans(),
    name=st.sampled_from([True, False, None]),
)
ENQUIRIES = st.builds(
    lambda own, kind, steps: {
        "own": own,
        "kind": kind,
        **{name: sum(steps[: i + 1]) for i, name in enumerate(COUNTS)},
    },
    st.booleans(),
    st.sampled_from(["microlender", "bank", "consumer_finance"]),
    st.lists(st.integers(0, 9), min_size=6, max_size=6),
)
RESERVATIONS = st.builds(
    reservation,
    m=MEMBERS,
    amount=MONEY,
    granted_at=st.sampled_from(["2026-05-01T00:00:00Z", "2026-05-31T00:00:00+08:00"]),
)
MOBILES = st.none() | st.fixed_dictionaries(
    {"subjects": st.integers(0, 5), "enquiries": st.lists(ENQUIRIES, max_size=4)}
)


@st.composite
def pictures(draw: st.DrawFn) -> dict[str, Any]:
    return picture(
        *draw(st.lists(LOANS, max_size=6)),
        reservations=draw(st.lists(RESERVATIONS, max_size=3)),
        enquiries=draw(st.lists(ENQUIRIES, max_size=5)),
        enquirers30=draw(st.integers(0, 9)),
        others_recent={"enquiries": draw(st.integers(0, 9)), "members": draw(st.integers(0, 5))},
        mobile=draw(MOBILES),
        disputes=draw(st.integers(0, 2)),
    )


ASKS = st.builds(
    Asked,
    st.sampled_from([None, "consumer", "business", "agricultural"]),
    st.none() | MONEY,
    st.sampled_from(PURPOSES),
)
COVERAGES = st.builds(Coverage, st.integers(0, 9), st.integers(0, 9))
STEP = 5_000_00
TO_THE_CENT = replace(policy_on(date(2026, 5, 31)), others_in_steps=None)
TIERS = st.sampled_from(["full", "banded", "query_only"])


def worse(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return OUTCOMES.index(first["outcome"]) > OUTCOMES.index(second["outcome"])


@given(pictures(), LOANS, ASKS)
def test_another_loan_never_improves_the_outcome(
    facts: dict[str, Any], more: dict[str, Any], asked: Asked
) -> None:
    with_it = facts | {"loans": [*facts["loans"], more]}
    assert not worse(answer(facts, asked), answer(with_it, asked))


@given(pictures(), RESERVATIONS.filter(lambda row: row["m"] != 0), ASKS)
def test_another_lenders_reservation_never_improves_it(
    facts: dict[str, Any], more: dict[str, Any], asked: Asked
) -> None:
    with_it = facts | {"reservations": [*facts["reservations"], more]}
    assert not worse(answer(facts, asked), answer(with_it, asked))


@given(pictures(), ASKS, st.data())
def test_hardship_never_worsens_it(facts: dict[str, Any], asked: Asked, data: st.DataObject) -> None:
    helped = copy.deepcopy(facts)
    for row in helped["loans"]:
        if data.draw(st.booleans()):
            row["hardship"] = 2
    for row in facts["loans"]:
        row["hardship"] = 1
    assert not worse(answer(helped, asked), answer(facts, asked))


@given(pictures(), ASKS)
def test_own_and_others_add_up_to_all(facts: dict[str, Any], asked: Asked) -> None:
    found = answer(facts, asked)
    own, others = found["exposure"]["own"], found["exposure"]["others"]
    for name in own:
        if name == "pending_reservations":
            assert cents(own[name]["amount"]) + cents(others[name]["amount"]) == cents(
                found["exposure"][name]["amount"]
            )
        else:
            assert cents(own[name]) + cents(others[name]) == cents(found["exposure"][name])
    parts = [found["enquiries"]["by_subject"]]
    parts += [found["enquiries"]["by_mobile"]] if found["enquiries"]["by_mobile"] else []
    for windows in parts:
        for name in COUNTS:
            window = windows[name]
            assert window["own"] + window["others"] == window["all"] == sum(window["by_kind"].values())


def cents(value: Any) -> int:
    return value if isinstance(value, int) else int(value.replace(".", ""))


@given(pictures(), ASKS, COVERAGES, TIERS)
def test_the_same_values_give_the_same_bytes(
    facts: dict[str, Any], asked: Asked, coverage: Coverage, tier: str
) -> None:
    first, again = (answer(facts, asked, tier, coverage) for _ in range(2))
    assert json.dumps(first) == json.dumps(again)
    assert canonical(json.loads(canonical(first))) == canonical(first)


@given(pictures(), ASKS, st.permutations(range(1, 6)), TIERS)
def test_no_members_ordinal_is_in_the_answer(
    facts: dict[str, Any], asked: Asked, places: list[int], tier: str
) -> None:
    """Whoever the others are, and in whatever order they come, the answer is the same to the byte."""
    other = copy.deepcopy(facts)
    for row in (*other["loans"], *other["reservations"]):
        row["m"] = row["m"] and 1000 + places[row["m"] - 1]
    other["loans"].reverse()
    assert canonical(answer(facts, asked, tier)) == canonical(answer(other, asked, tier))
    assert '"m"' not in canonical(answer(facts, asked, tier)).decode()


@settings(max_examples=200)
@given(pictures(), MONEY.filter(lambda amount: amount > 9), ASKS)
def test_a_banded_answer_hides_exact_amounts(facts: dict[str, Any], amount: int, asked: Asked) -> None:
    """Every amount that can be read in it is a limit of a band, a cap of the policy, or the asker's own."""
    for row in (*facts["loans"], *facts["reservations"]):
        for name in ("balance", "next_due", "amount"):
            if row.get(name):
                row[name] = amount + row["m"]
    found = answer(facts, asked, "banded")
    ends = {int(limit) for limit in BANDS} | {0, 1}
    public = {own + others for own in ends for others in ends}
    public |= {asked.amount or 0, STEP, 100_000_000, 20_000_000, 30_000_000}
    shown = {cents(text) for text in re.findall(r"\d+\.\d\d(?!\d)", json.dumps(found, ensure_ascii=False))}
    assert shown <= public | {1_000_000_000}
    exact, told = answer(facts, asked, "full"), answer(facts, asked, "banded", policy=TO_THE_CENT)
    assert [flag["code"] for flag in exact["flags"]] == [flag["code"] for flag in told["flags"]]
    assert exact["outcome"] == told["outcome"]


@given(pictures(), ASKS, st.sampled_from(["banded", "query_only"]))
def test_others_amounts_in_steps_never_improve_the_outcome(
    facts: dict[str, Any], asked: Asked, tier: str
) -> None:
    assert not worse(answer(facts, asked), answer(facts, asked, tier))


@settings(max_examples=300)
@given(
    st.tuples(*[st.integers(1, STEP)] * 3).map(sorted),
    st.sampled_from(["an edge of the bands", "the cap"]),
    st.integers(0, 20_000_00),
    st.lists(RESERVATIONS.map(lambda row: row | {"m": 0}), max_size=1),
    st.sampled_from(["consumer", "agricultural", "guarantee", "reservation", "both"]),
)
def test_no_question_tells_more_of_others_amounts_than_the_step(
    parts: list[int], between: str, mine: int, promised: list[dict[str, Any]], what: str
) -> None:
    """Whatever the asker owns, promises and asks for: two amounts of one step are told by the same answer."""
    first, within, second = parts
    limit = {"agricultural": 300_000_00, "guarantee": 1_000_000_00}.get(what, 200_000_00)
    base = limit - 6 * STEP
    if between == "an edge of the bands":
        mine = (500_000_00 if what == "agricultural" else limit) - base - within
    asked = Asked(
        "agricultural" if what == "agricultural" else "consumer",
        max(0, limit - base - within - mine),
        "guarantee" if what == "guarantee" else "application",
    )
    told = [owing(what, mine, base + part, promised) for part in (first, second)]
    for tier in ("banded", "query_only"):
        one, two = (answer(each, asked, tier) for each in told)
        assert one == two


def owing(what: str, mine: int, others: int, promised: list[dict[str, Any]]) -> dict[str, Any]:
    kind = {"role": 3 if what == "guarantee" else 1, "product": 3 if what == "agricultural" else 1}
    owed = [loan(m=0, balance=mine, **kind)]
    pending = {"reservation": others, "both": 18_765_43}.get(what, 0)
    owed += [loan(balance=others - pending, **kind)] if others > pending else []
    return picture(*owed, reservations=[*promised, *([reservation(amount=pending)] if pending else [])])


BANDS = (
    *(1_000_00, 3_000_00, 5_000_00, 10_000_00, 20_000_00, 50_000_00, 100_000_00, 200_000_00, 500_000_00),
    *(1_000_000_00, 3_000_000_00, 10_000_000_00),
)


@given(pictures(), ASKS)
def test_a_member_that_does_not_report_sees_the_outcome_and_how_many_lenders(
    facts: dict[str, Any], asked: Asked
) -> None:
    exact, found = answer(facts, asked), answer(facts, asked, "query_only", policy=TO_THE_CENT)
    assert set(found) == {"outcome", "exposure", "coverage", "policy", "tier"}
    assert found["exposure"] == {"lenders": exact["exposure"]["lenders"]}
    assert found["outcome"] == exact["outcome"]

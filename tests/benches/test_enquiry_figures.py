"""The enquiry bench's arithmetic: percentiles, loads side by side, pgbench's log."""

from __future__ import annotations

import math

import pytest
from enquirybench.figures import Load, joined, percentile, ratio
from enquirybench.pgbench import read_log


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [float(value) for value in range(100, 0, -1)]
    assert percentile(hundred, 50) == 50
    assert percentile(hundred, 99) == 99
    assert percentile(hundred, 100) == 100
    assert percentile([7.0], 1) == 7
    assert percentile([1.0, 2.0, 3.0], 50) == 2
    assert percentile([1.0, 9.0], 50.1) == 9


def test_a_single_slow_answer_in_two_hundred_is_not_the_99th_but_three_are() -> None:
    assert percentile([1.0] * 199 + [50.0], 99) == 1
    assert percentile([1.0] * 197 + [50.0] * 3, 99) == 50


def test_percentile_of_nothing_is_no_number_and_a_wrong_share_is_refused() -> None:
    assert math.isnan(percentile([], 50))
    with pytest.raises(ValueError, match="percentile"):
        percentile([1.0], 0)


def test_clients_side_by_side_share_the_time_and_add_their_answers() -> None:
    whole = joined([Load(1, 2.0, [0.1] * 10, {"x": 1}), Load(1, 4.0, [0.2] * 30, {"x": 2, "y": 1})])
    assert (whole.clients, whole.seconds, whole.rate) == (2, 4.0, 10.0)
    assert whole.failures == {"x": 3, "y": 1}
    assert (whole.p50, whole.p99) == (0.2, 0.2)


def test_failures_are_no_answers() -> None:
    assert Load(1, 1.0, [], {"HTTP/1.1 500": 5}).rate == 0


def test_ratio_is_the_middle_round_not_the_best() -> None:
    assert ratio([1.0, 5.0, 3.0], [10.0, 10.0, 10.0]) == 0.3
    assert ratio([2.0, 4.0], [10.0, 10.0]) == pytest.approx(0.3)
    assert math.isnan(ratio([], []))


def test_pgbench_log_tells_times_in_seconds_over_the_time_from_first_begin_to_last_end() -> None:
    log = "0 0 500000 0 1000 500000\n1 0 250000 0 1001 0\n0 1 failed 0 1001 250000\n0 2 100000 0 1002 0\n"
    load = read_log(log, 2)
    assert load.times == [0.5, 0.25, 0.1]
    assert load.seconds == pytest.approx(2.0)
    assert load.failures == {"failed": 1}


def test_pgbench_log_without_a_finished_transaction_is_no_figure() -> None:
    with pytest.raises(SystemExit):
        read_log("", 1)

"""History: each moment once, as finely as it is still known, in constant memory."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.healing.health.history import SIZES, History

MEANS = [10.0, 200.0, 50.0, 1.0, 30.0]


def filled(seconds: int, step_s: float = 1.0) -> History:
    history = History()
    for i in range(seconds):
        history.add(i * step_s, 1, 0, [float(i), *MEANS[1:]])
    return history


def test_what_is_recent_is_kept_as_it_was() -> None:
    points = filled(10).points(0.0, math.inf)
    assert [point.start_s for point in points] == [float(i) for i in range(10)]
    assert [point.cpu_usage_percent for point in points] == [float(i) for i in range(10)]
    assert all(point.memory_usage_mb == 200.0 and point.reports == 1 for point in points)


def test_a_query_takes_what_starts_in_its_span() -> None:
    points = filled(10).points(3.0, 6.0)
    assert [point.start_s for point in points] == [3.0, 4.0, 5.0]


def test_what_is_older_becomes_minutes_then_hours_without_gap_or_overlap() -> None:
    points = filled(3 * 3600).points(0.0, math.inf)
    at_s = 0.0
    for point in points:
        assert point.start_s == at_s
        at_s += point.span_s or 1.0
    assert at_s == 3 * 3600
    assert {point.span_s for point in points} == {0.0, 60.0, 3600.0}
    assert sum(point.reports for point in points) == 3 * 3600
    minute = next(point for point in points if point.span_s == 60.0)
    first = minute.start_s
    assert minute.cpu_usage_percent == pytest.approx(first + 29.5)


def test_the_worst_state_of_a_minute_is_kept() -> None:
    history = History()
    for i in range(200):
        history.add(float(i), 2, 3 if i == 70 else 0, MEANS)
    statuses = {point.start_s: point.status for point in history.points(0.0, 180.0)}
    assert statuses[60.0] == 3
    assert statuses[0.0] == 0


def test_means_are_weighted_by_reports() -> None:
    history = History()
    for i in range(130):
        history.add(float(i), 9 if i == 0 else 1, 0, [100.0 if i == 0 else 0.0, *MEANS[1:]])
    minute = history.points(0.0, 1.0)[0]
    assert minute.span_s == 60.0
    assert minute.reports == 68
    assert minute.cpu_usage_percent == pytest.approx(900.0 / 68.0)


@pytest.mark.parametrize("sizes", [(63, 64, 48), (64, 63, 48), (64, 64, 0)])
def test_rings_that_would_leave_gaps_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least 64"):
        History(sizes)


@given(st.lists(st.floats(1.0, 3000.0), max_size=300))
def test_history_is_bounded_and_in_order(steps: list[float]) -> None:
    history = History()
    now_s = 0.0
    for step_s in steps:
        now_s += step_s
        history.add(now_s, 1, 0, MEANS)
        assert len(history) <= sum(SIZES)
    points = history.points(0.0, math.inf)
    starts = [point.start_s for point in points]
    assert starts == sorted(set(starts))
    assert len(steps) > sum(SIZES) or sum(point.reports for point in points) == len(steps)
    if steps:
        assert points[-1].start_s == now_s

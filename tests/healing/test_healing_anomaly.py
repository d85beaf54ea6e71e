"""What is unusual: median and MAD, warm-up, custom metrics, constant memory."""

from __future__ import annotations

import random
from statistics import median_low

from hypothesis import given
from hypothesis import strategies as st

from hms.agents.healing.health.anomaly import (
    CUSTOM_MOST,
    WINDOW,
    Anomalies,
    Usual,
    deviation,
    median,
)
from hms.agents.healing.health.history import History


def fed(values: list[float], metric: str = "response_time_ms") -> list[bool]:
    """Whether each value was found unusual."""
    watch = Anomalies()
    return [bool(watch.observe({metric: value}, float(i))) for i, value in enumerate(values)]


def test_nothing_is_unusual_before_the_warm_up() -> None:
    assert fed([50.0] * 19 + [9000.0]) == [False] * 20
    assert fed([50.0] * 20 + [9000.0])[-1]


def test_outliers_do_not_make_each_other_usual() -> None:
    values = [50.0, 52.0, 48.0] * 10 + [900.0] * 14
    assert all(fed(values)[30:])


def test_a_new_level_becomes_usual_once_it_is_most_of_the_window() -> None:
    found = fed([50.0] * 60 + [500.0] * 60)
    assert found[60]
    assert not found[-1]


def test_noise_is_not_unusual() -> None:
    noise = random.Random(3)
    assert sum(fed([noise.gauss(100.0, 20.0) for _ in range(2000)])) <= 2


def test_less_of_what_is_bad_is_no_anomaly_and_less_traffic_is() -> None:
    assert not any(fed([100.0] * 30 + [0.0], "response_time_ms"))
    assert fed([100.0] * 30 + [0.0], "throughput_rps")[-1]


def test_a_value_that_hardly_moves_may_move_a_little() -> None:
    assert not fed([200.0] * 40 + [240.0], "memory_usage_mb")[-1]
    assert fed([200.0] * 40 + [300.0], "memory_usage_mb")[-1]


def test_it_says_what_by_how_much_and_when() -> None:
    watch = Anomalies()
    for i in range(30):
        watch.observe({"queue": 10.0 + i % 5}, float(i))
    (found,) = watch.observe({"queue": 100.0}, 30.0)
    assert (found.metric, found.value, found.usual, found.at_s) == ("queue", 100.0, 12.0, 30.0)
    assert found.deviations > 50.0
    assert watch.latest == (found,)


def test_names_without_end_take_no_memory_without_end() -> None:
    watch = Anomalies()
    for i in range(1000):
        watch.observe({f"metric {i}": 1.0, "cpu_usage_percent": 1.0}, float(i))
    assert len(watch._usual) == CUSTOM_MOST + 1


def test_the_window_is_bounded() -> None:
    usual = Usual()
    for i in range(3 * WINDOW):
        usual.add(float(i))
    assert len(usual.values) == WINDOW
    assert median(usual.values) == median_low(range(2 * WINDOW, 3 * WINDOW))


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=150))
def test_median_and_deviation_are_those_of_the_last_values(values: list[float]) -> None:
    usual = Usual()
    for value in values:
        usual.add(value)
    last = values[-WINDOW:]
    assert len(usual.values) == len(last)
    assert median(usual.values) == median_low(last)
    away = sorted(abs(value - median_low(last)) for value in last)
    assert deviation(usual.values) == 1.4826 * away[(len(away) - 1) // 2]


@given(
    st.lists(st.floats(0.0, 1e6, width=32), min_size=1, max_size=300),
    st.sampled_from([64, 65, 100]),
)
def test_what_the_history_remembers_is_judged_as_if_it_were_remembered_here(
    values: list[float], size: int
) -> None:
    alone, beside, history = Anomalies(), Anomalies(), History((size, 64, 24))
    for i, value in enumerate(values):
        past = history.newest(WINDOW)
        assert list(past["response_time_ms"]) == [] or len(past["response_time_ms"]) == min(i, 60)
        told = {"response_time_ms": value}
        assert beside.observe(told, float(i), past) == alone.observe(told, float(i))
        history.add(float(i), 1, 0, [0.0, 0.0, value, 0.0, 0.0])
    assert not beside._usual

"""Durations, percentages, rates and sizes as the formats write them; cron."""

import pytest

from hms.scenarios.chaos.cron import distances_s
from hms.scenarios.chaos.quantities import duration_s, offset_s, rate_bytes_s, share, size_mb


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10ms", 0.01), ("30s", 30.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("500us", 5e-4), ("0", 0.0),
     ("10", None), ("-3s", None), ("1d", None), ("", None), ("3 s", None), ("s", None)],
)  # fmt: skip
def test_durations_are_those_of_go(text, seconds):
    assert duration_s(text) == seconds


def test_a_clocks_offset_may_be_negative():
    assert offset_s("-10m100ns") == -(600.0 + 1e-7)
    assert offset_s("--10m") is None


@pytest.mark.parametrize(
    ("text", "value"), [("25", 0.25), ("99.5", 0.995), ("100", 1.0), ("101", None), ("x", None)]
)
def test_percentages_are_shares(text, value):
    assert share(text) == value


def test_bit_counts_bits_and_bps_counts_bytes():
    assert rate_bytes_s("1mbit") == 125_000.0
    assert rate_bytes_s("100kbps") == 100_000.0
    assert rate_bytes_s("100 kb") is None


def test_sizes_are_of_2_to_the_20_bytes_or_a_share_of_the_limit():
    assert size_mb("256MB", 0.0) == 256.0
    assert size_mb("1GiB", 0.0) == 1024.0
    assert size_mb("50%", 128.0) == 64.0
    assert size_mb("much", 128.0) is None


@pytest.mark.parametrize(
    ("pattern", "distances"),
    [
        ("@every 30s", [0, 30, 60]),
        ("*/1 * * * *", [0, 60]),
        ("*/20 * * * * *", [0, 20, 40, 60, 80]),
        ("5 0 * * 1", [0]),
        ("0,1 12 * * *", [0, 60]),
        ("@hourly", [0]),
        ("CRON_TZ=Europe/Rome */1 * * * *", [0, 60]),
    ],
)
def test_a_schedule_keeps_the_distances_of_its_firings(pattern, distances):
    assert distances_s(pattern, 90.0, 100) == distances


@pytest.mark.parametrize(
    "pattern",
    ["", "@every", "@every 0s", "* * *", "61 * * * *", "0 0 31 2 *", "a * * * *", "*/0 * * * *"],
)
def test_what_never_fires_is_no_schedule(pattern):
    assert distances_s(pattern, 90.0, 100) is None


def test_weekday_and_day_of_month_together_mean_either():
    # 1, 5 (Mon) and 8 January 2026 … : the 1st is a Thursday, the first Monday is the 5th
    week_s = 7 * 86_400.0
    assert distances_s("0 0 1 * 1", week_s, 3) == [0.0, 4 * 86_400.0]
    assert distances_s("0 0 * * 1", week_s + 1.0, 3) == [0.0, week_s]


def test_no_more_firings_are_made_than_asked_for():
    assert len(distances_s("* * * * * *", 1e9, 200)) == 200

"""What is unusual: a value far from the median of the last ones, by their own spread.

Median and median absolute deviation (MAD): up to half of the values may be wild without moving
either, where mean and standard deviation follow a single outlier. 1.4826 MAD is the standard
deviation of a normal distribution (Hampel 1974). What is new for long becomes usual: the
window forgets. A notice says what to look at; no act rests on it alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

WINDOW = 60
"""Values that are remembered; a value is what a second or more of reports add up to."""

MAD_TO_DEVIATION = 1.4826
SPREAD_SHARE = 0.05  # of the median: the least deviation, for values that hardly move
CUSTOM_MOST = 16
"""Custom metrics that are watched; memory would grow with the names otherwise."""

LEAST_DEVIATION = {
    "cpu_usage_percent": 2.0,
    "memory_usage_mb": 2.0,
    "response_time_ms": 1.0,
    "error_rate_percent": 0.2,
    "throughput_rps": 0.2,
}
ONLY_ABOVE = ("memory_usage_mb", "response_time_ms", "error_rate_percent")
"""Less of these is good news."""

NOTHING: dict[str, Usual] = {}
"""Stands for what most components never need; never written to."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A value that is unusual.

    Attributes:
        metric: its name; a custom metric's own.
        value: as reported.
        usual: the median of the last values.
        deviations: how far from it, in deviations of the last values.
        at_s: when it was reported.
    """

    metric: str
    value: float
    usual: float
    deviations: float
    at_s: float

    def __str__(self) -> str:
        """For people: `response_time_ms 812, usually about 48`."""
        return f"{self.metric} {self.value:.4g}, usually about {self.usual:.4g}"


class Usual:
    """The last values of one metric; sorted when asked, a second copy would weigh more."""

    __slots__ = ("_at", "values")

    def __init__(self) -> None:
        self.values = array("f")
        self._at = 0

    def add(self, value: float) -> None:
        """Remember a value in place of the oldest."""
        if len(self.values) < WINDOW:
            self.values.append(value)
            return
        self.values[self._at] = value
        self._at = (self._at + 1) % WINDOW


def median(values: Sequence[float]) -> float:
    """The middle value; of an even number, the lower of the two in the middle."""
    return sorted(values)[(len(values) - 1) // 2]


def deviation(values: Sequence[float]) -> float:
    """1.4826 times the median distance from the median."""
    usual = median(values)
    return MAD_TO_DEVIATION * median([abs(value - usual) for value in values])


class Anomalies:
    """Watches the metrics of one component, custom ones too.

    Attributes:
        deviations: how many make a value unusual.
        warm_up: values of a metric before anything is said of it, at most WINDOW.
        latest: what was unusual the last time.
    """

    __slots__ = ("_usual", "deviations", "latest", "warm_up")

    def __init__(self, deviations: float = 6.0, warm_up: int = 20) -> None:
        self.deviations = deviations
        self.warm_up = warm_up
        self._usual: dict[str, Usual] = NOTHING
        self.latest: tuple[Anomaly, ...] = ()

    def observe(
        self,
        values: Mapping[str, float],
        now_s: float,
        past: Mapping[str, Sequence[float]] = MappingProxyType({}),
    ) -> tuple[Anomaly, ...]:
        """Compare each value with the last ones of its metric.

        Args:
            values: by metric.
            now_s: when they were reported.
            past: the last values of metrics that somebody else remembers, at most WINDOW of
                each; those of all others are remembered here.
        """
        found: list[Anomaly] = []
        for metric, value in values.items():
            last = past.get(metric)
            usual = None
            if last is None:
                usual = self._remembered(metric)
                if usual is None:
                    continue
                last = usual.values
            if len(last) >= min(self.warm_up, WINDOW):
                anomaly = self._compare(metric, value, last, now_s)
                if anomaly is not None:
                    found.append(anomaly)
            if usual is not None:
                usual.add(value)
        self.latest = tuple(found)
        return self.latest

    def _remembered(self, metric: str) -> Usual | None:
        """The last values of a metric; None if too many are remembered already."""
        usual = self._usual.get(metric)
        if usual is None and (metric in LEAST_DEVIATION or self._customs() < CUSTOM_MOST):
            if self._usual is NOTHING:
                self._usual = {}
            usual = self._usual[metric] = Usual()
        return usual

    def _customs(self) -> int:
        return sum(metric not in LEAST_DEVIATION for metric in self._usual)

    def _compare(
        self, metric: str, value: float, last: Sequence[float], now_s: float
    ) -> Anomaly | None:
        usual = median(last)
        distance = value - usual
        if metric in ONLY_ABOVE and distance < 0.0:
            return None
        least = max(LEAST_DEVIATION.get(metric, 1e-9), SPREAD_SHARE * abs(usual))
        if abs(distance) < self.deviations * least:  # cheap, and nearly always so
            return None
        deviations = abs(distance) / max(deviation(last), least)
        if deviations < self.deviations:
            return None
        return Anomaly(metric, value, usual, deviations, now_s)

"""What rows read off a run. Rates are means over the last seconds, where a run has settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hms.scenarios.outcome import Array

if TYPE_CHECKING:
    from hms.scenarios.outcome import Outcome

Measure = Callable[["Outcome"], float]
END_S = 20


def ending(column: str, seconds: int = END_S) -> Measure:
    """Mean of a column of the timeline over the last seconds."""
    return lambda outcome: float(outcome.timeline[column][-seconds:].mean())


def residence_s(component: str = "server", settled_s: float = 200.0) -> Measure:
    """Mean time in a component once the run has settled, by Little's law."""

    def measure(outcome: Outcome) -> float:
        at, place = _settled(outcome, settled_s), outcome.components.index(component)
        present = outcome.timeline["present"][at:, place].mean()
        return float(present / _answered(outcome, component)[at:].mean())

    return measure


def lost_share(component: str = "server", settled_s: float = 200.0) -> Measure:
    """Share of the offered requests that the component did not serve."""

    def measure(outcome: Outcome) -> float:
        at, place = _settled(outcome, settled_s), outcome.components.index(component)
        offered = outcome.timeline["offered_rps"][at:].mean()
        return float(1.0 - outcome.timeline["ok_rps"][at:, place].mean() / offered)

    return measure


def calls_per_request(component: str = "server", settled_s: float = 20.0) -> Measure:
    """Calls that the component answered, well or not, for each request offered."""

    def measure(outcome: Outcome) -> float:
        at = _settled(outcome, settled_s)
        return float(_answered(outcome, component)[at:].mean() / _offered(outcome)[at:].mean())

    return measure


def retries_per_request(component: str = "server", settled_s: float = 20.0) -> Measure:
    """Calls beyond the first."""
    calls = calls_per_request(component, settled_s)
    return lambda outcome: calls(outcome) - 1.0


def bad_share(settled_s: float = 20.0) -> Measure:
    """Share of requests that ended badly."""

    def measure(outcome: Outcome) -> float:
        at = _settled(outcome, settled_s)
        return float(outcome.timeline["bad_rps"][at:].mean() / _offered(outcome)[at:].mean())

    return measure


def answered_rps(component: str, start_s: int, end_s: int) -> Measure:
    """Mean answers a second of a component in a span of time."""
    return lambda outcome: float(_answered(outcome, component)[start_s:end_s].mean())


def calls_sent_rps(component: str, seconds: int = END_S) -> Measure:
    """Calls that arrive at a component at the end: those answered, and those that pile up."""

    def measure(outcome: Outcome) -> float:
        present = outcome.timeline["present"][:, outcome.components.index(component)]
        piled = (present[-1] - present[-1 - seconds]) / seconds
        return float(_answered(outcome, component)[-seconds:].mean() + piled)

    return measure


def mean_good_rps(start_s: int, end_s: int) -> Measure:
    """Mean goodput in a span of time."""
    return lambda outcome: float(outcome.timeline["good_rps"][start_s:end_s].mean())


def back_at_s(rate_rps: float, after_s: int, share: float = 0.5) -> Measure:
    """The first second after which goodput stays above a share of the rate, on average of five."""

    def measure(outcome: Outcome) -> float:
        good = outcome.timeline["good_rps"]
        smooth = np.convolve(good, np.ones(5) / 5.0, mode="same")
        below = np.flatnonzero(smooth[after_s:-3] < share * rate_rps)
        return float(after_s + below[-1] + 1) if len(below) else float(after_s)

    return measure


def _offered(outcome: Outcome) -> Array:
    return outcome.timeline["offered_rps"]


def _answered(outcome: Outcome, component: str) -> Array:
    place = outcome.components.index(component)
    timeline = outcome.timeline
    return np.asarray(timeline["ok_rps"][:, place] + timeline["bad_out_rps"][:, place])


def _settled(outcome: Outcome, settled_s: float) -> int:
    return int(np.searchsorted(outcome.timeline["t_s"], settled_s))

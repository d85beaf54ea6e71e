"""How much retries multiply the calls on a component, at the worst moment of a run.

On an edge it is calls over first attempts, in any ten seconds; along a path from an entry these
factors multiply (SRE book, chapter 22: three layers of four attempts are 64). A backlog that drains
raises calls and first attempts alike, and does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.scenarios.model import Scenario
from hms.scenarios.telemetry import Telemetry
from hms.scenarios.topology import closing_edges, order

Array = npt.NDArray[np.float64]

WINDOW_S = 10
FEWEST_CALLS = 1.0
"""First attempts in a window below which there is no factor to speak of."""


@dataclass(frozen=True, slots=True)
class Amplification:
    """The worst factor of a run: at which component, in the ten seconds from when on."""

    factor: float
    component: str
    start_s: float


def worst_amplification(
    scenario: Scenario, telemetry: Telemetry, most: npt.NDArray[np.int64]
) -> Amplification:
    """The worst factor over components and windows; 1 where nothing was retried.

    Args:
        most: attempts allowed on each edge of the telemetry: retries may belong to first
            attempts before the window.
    """
    factors = np.minimum(_edge_factors(telemetry), most)
    reached = _component_factors(scenario, telemetry, factors)
    second, component = np.unravel_index(int(np.argmax(reached)), reached.shape)
    worst = float(reached[second, component])
    return Amplification(worst, telemetry.names[int(component)], float(second))


def _edge_factors(telemetry: Telemetry) -> Array:
    """Calls over first attempts of each window and edge, shape (windows, edges)."""
    calls = _sums(telemetry.edges.calls)
    first = calls - _sums(telemetry.edges.retries)
    known = first >= FEWEST_CALLS
    return np.where(known, calls / np.where(known, first, 1.0), 1.0)


def _sums(series: Array) -> Array:
    """Sums over the windows that start at each second."""
    length = min(WINDOW_S, len(series))
    total = np.concatenate([np.zeros((1, series.shape[1])), np.cumsum(series, axis=0)])
    return total[length:] - total[:-length]  # type: ignore[no-any-return]


def _component_factors(scenario: Scenario, telemetry: Telemetry, factors: Array) -> Array:
    """The product along the worst path to each component, shape (windows, components)."""
    closing = set(closing_edges(scenario))
    reached = np.ones((len(factors), len(telemetry.names)))
    place = {name: i for i, name in enumerate(telemetry.names)}
    callers: dict[str, list[tuple[int, int]]] = {}
    for k, (caller, callee) in enumerate(telemetry.pairs):
        if (caller, callee) not in closing:
            callers.setdefault(callee, []).append((place[caller], k))
    for name in order(scenario):
        for above, k in callers.get(name, ()):
            column = reached[:, place[name]]
            np.maximum(column, reached[:, above] * factors[:, k], out=column)
    return reached

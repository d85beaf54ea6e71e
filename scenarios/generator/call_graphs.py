"""Random call graphs with the shapes of production ones.

Traces of production systems (Luo et al., Characterizing Microservice Dependency and Performance:
Alibaba Trace Analysis, SoCC 2021; Huye et al., Lifting the veil on Meta's microservice
architecture, USENIX ATC 2023; Winchester et al., Complexity at Scale, arXiv 2504.13141) agree on
their shape: most grow like trees, wide and shallow, few callers make most of the calls, and a few
callees are shared by many. What we match, and test: 4 to 10 components, median depth 4 (the entry
is level 1), more leaves than inner components (39 % of Alibaba's microservices are leaves, 13 %
entries), a heavy-tailed fan-out, and in `shared` graphs callees with several callers.

Every draw is keyed by what it is for, and only plain arithmetic is used: no bit depends on a libm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Uniform = Callable[[str], float]

TREE, SHARED = "tree", "shared"
FEWEST, MOST = 4, 10
DEPTHS = ((3, 0.3), (4, 0.45), (5, 0.25))
"""Levels and their shares: median 4."""
SECOND_CALLER = {TREE: 0.0, SHARED: 0.4}
FITTEST = 50.0
"""Cap of a component's attraction, 1 / (1 - u): Pareto with index 1, so that fan-outs are
heavy-tailed."""


@dataclass(frozen=True, slots=True)
class CallGraph:
    """Components 0, 1, ... in the order of levels; 0 is the entry.

    Attributes:
        levels: of each component, from 1.
        calls: (caller, callee), callers above callees.
    """

    levels: tuple[int, ...]
    calls: tuple[tuple[int, int], ...]

    @property
    def depth(self) -> int:
        """Levels."""
        return max(self.levels)

    @property
    def width(self) -> int:
        """Components of the fullest level."""
        return max(self.levels.count(level) for level in set(self.levels))

    @property
    def leaves(self) -> int:
        """Components that call nobody."""
        return len(self.levels) - len({caller for caller, _ in self.calls})

    def fan_outs(self) -> list[int]:
        """Callees of each component that calls."""
        callers = [caller for caller, _ in self.calls]
        return [callers.count(caller) for caller in sorted(set(callers))]


def draw_call_graph(u: Uniform, style: str, fewest: int = FEWEST, most: int = MOST) -> CallGraph:
    """A graph: a chain down to the drawn depth, then every other component finds a caller.

    Args:
        u: a number in [0, 1) for each purpose.
        style: tree (one caller each) or shared (some have a second one).
        fewest, most: components.
    """
    size = fewest + int(u("size") * (most - fewest + 1))
    depth = min(_pick_depth(u("depth")), size)
    levels = list(range(1, depth + 1))
    calls = [(place, place + 1) for place in range(depth - 1)]
    attraction = [_attraction(u(f"attraction {place}")) for place in range(size)]
    for place in range(depth, size):
        callers = [other for other in range(place) if levels[other] < depth]
        caller = _weighted(callers, attraction, u(f"caller {place}"))
        levels.append(levels[caller] + 1)
        calls.append((caller, place))
    for place in range(1, size):
        if u(f"shared {place}") < SECOND_CALLER[style]:
            above = [c for c in range(size) if levels[c] < levels[place]]
            others = [c for c in above if (c, place) not in calls]
            if others:
                calls.append((_weighted(others, attraction, u(f"second {place}")), place))
    return CallGraph(tuple(levels), tuple(sorted(calls)))


def _pick_depth(u: float) -> int:
    for depth, share in DEPTHS:
        if u < share:
            return depth
        u -= share
    return DEPTHS[-1][0]


def _attraction(u: float) -> float:
    return min(FITTEST, 1.0 / (1.0 - u))


def _weighted(choices: list[int], weights: list[float], u: float) -> int:
    left = u * sum(weights[choice] for choice in choices)
    for choice in choices:
        left -= weights[choice]
        if left < 0.0:
            return choice
    return choices[-1]

"""Do two engines rank the stacks alike? A win over caricatures is no win."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

TAU_LEAST = 0.8
SCENARIOS_LEAST = 50
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Ranks:
    """Both engines on the same failures.

    Attributes:
        tau: Kendall's tau-b (1945) of mean downtimes over champion and baselines.
        fluid_s, request_s: each stack's mean downtime, seconds.
        best: the baseline that the champion must beat, the best on all held-out failures.
    """

    tau: float
    fluid_s: Mapping[str, float]
    request_s: Mapping[str, float]
    champion: str
    best: str
    scenarios: int

    @property
    def gain_s(self) -> tuple[float, float]:
        """Best baseline - champion, on each engine."""
        return tuple(  # type: ignore[return-value]
            means[self.best] - means[self.champion] for means in (self.fluid_s, self.request_s)
        )

    @property
    def same_sign(self) -> bool:
        """The champion is better on both or on neither."""
        fluid, request = self.gain_s
        return (fluid > 0.0) == (request > 0.0)

    @property
    def agreed(self) -> bool:
        """Ranks agree, the gain keeps its sign, and there were failures enough to tell."""
        return (
            self.tau >= TAU_LEAST - SLACK and self.same_sign and self.scenarios >= SCENARIOS_LEAST
        )


def rank_agreement(
    fluid: Mapping[str, ArrayLike], request: Mapping[str, ArrayLike], champion: str, best: str
) -> Ranks:
    """Rank the stacks by mean downtime on each engine.

    Args:
        fluid, request: downtimes in seconds of each stack, one value a failure, same failures.

    Raises:
        ValueError: the stacks or the numbers of failures differ.
    """
    from scipy.stats import kendalltau

    counts = {np.size(values) for values in (*fluid.values(), *request.values())}
    if set(fluid) != set(request) or len(counts) != 1:
        raise ValueError("both engines need the same stacks on the same failures")
    names = sorted(fluid)
    ours = {name: float(np.mean(np.asarray(fluid[name], dtype=np.float64))) for name in names}
    theirs = {name: float(np.mean(np.asarray(request[name], dtype=np.float64))) for name in names}
    tau = float(kendalltau([ours[n] for n in names], [theirs[n] for n in names]).statistic)
    return Ranks(tau if np.isfinite(tau) else 0.0, ours, theirs, champion, best, counts.pop())

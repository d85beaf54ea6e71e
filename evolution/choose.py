"""Choose the champion among the finalists, on validation scenarios only.

The score a genome was selected on flatters it (the winner of a noisy contest is lucky as well
as good), so the choice is made on scenarios the search never saw, and the score reported later
comes from a third, held-out set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hms.evolution.gate import (
    DISRUPTION_ABOVE_S,
    DISRUPTION_TIMES,
    Scores,
    allowed_disruption_s,
    best_baseline,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """The experiment file's `choose:` (docs/formats.md).

    Attributes:
        finalists: how many of the search's best are looked at on validation.
        disruption_s_at_most: times the best baseline's disruption ...
        disruption_s_above: ... or this many seconds above it, whichever is more.
    """

    finalists: int = 12
    disruption_s_at_most: float = DISRUPTION_TIMES
    disruption_s_above: float = DISRUPTION_ABOVE_S


@dataclass(frozen=True, slots=True)
class Choice:
    """Which finalist became the champion, and why.

    Attributes:
        index: its place among the finalists.
        admissible: it keeps the disruption limit; False when no finalist does.
        best_baseline: the baseline that sets the limit.
        disruption_allowed_s: the limit.
        reason: one sentence for the report.
    """

    index: int
    admissible: bool
    best_baseline: str
    disruption_allowed_s: float
    reason: str


def choose(
    finalists: Sequence[Scores],
    baselines: Mapping[str, Scores],
    rule: Rule | None = None,
    *,
    breaches: Sequence[float] = (),
) -> Choice:
    """The finalist with the lowest mean downtime among those that keep the disruption limit.

    If none keeps it, the one that breaks it least is taken and the choice says so: a run always
    ends with a champion that can be looked at, and the gate will refuse it. Before all of that,
    only the finalists with the fewest safety breaches are looked at.

    Args:
        finalists: validation scores of the finalists, all on the same scenarios.
        baselines: validation scores of the baselines on those scenarios.
        rule: the experiment's, or the usual one.
        breaches: each finalist's safety breaches on those scenarios; (): none has any.

    Raises:
        ValueError: no finalists, no baselines, or a score that is not finite.
    """
    if not finalists:
        raise ValueError("there is no finalist to choose from")
    limits = rule or Rule()
    name = best_baseline(baselines)
    allowed_s = allowed_disruption_s(
        _mean(baselines[name].disruption_s),
        limits.disruption_s_at_most,
        limits.disruption_s_above,
    )
    downtime_s = np.array([_mean(scores.downtime_s) for scores in finalists])
    disruption_s = np.array([_mean(scores.disruption_s) for scores in finalists])
    counts = np.asarray(breaches or np.zeros(len(finalists)), dtype=np.float64)
    safest = counts == counts.min()
    admissible = safest & (disruption_s <= allowed_s)
    index = _first(downtime_s if admissible.any() else disruption_s, admissible, safest)
    return Choice(
        index=index,
        admissible=bool(admissible[index]),
        best_baseline=name,
        disruption_allowed_s=allowed_s,
        reason=_reason(
            float(downtime_s[index]), float(disruption_s[index]), allowed_s, admissible, name
        )
        + _safety(counts),
    )


def _first(
    values: NDArray[np.float64], admissible: NDArray[np.bool_], safest: NDArray[np.bool_]
) -> int:
    """Lowest value among the admissible, or the safest; of equals, the earlier finalist."""
    looked_at = admissible if admissible.any() else safest
    return int(np.argmin(np.where(looked_at, values, np.inf)))


def _safety(counts: NDArray[np.float64]) -> str:
    """What a choice among breaches has to add; nothing where there are none."""
    if counts.max() <= 0.0:
        return ""
    if counts.min() > 0.0:
        return f"; every finalist breached safety, this one least often ({counts.min():g} times)"
    return f"; {int((counts > 0.0).sum())} that breached safety were left out"


def _reason(
    downtime_s: float,
    disruption_s: float,
    allowed_s: float,
    admissible: NDArray[np.bool_],
    name: str,
) -> str:
    kept = int(admissible.sum())
    limit = f"{allowed_s:.1f} s of disruption ({name} sets the limit)"
    if kept:
        return (
            f"lowest validation downtime ({downtime_s:.1f} s) among the {kept} of "
            f"{len(admissible)} finalists within {limit}"
        )
    return (
        f"none of the {len(admissible)} finalists is within {limit}: took the least disruptive, "
        f"{disruption_s:.1f} s at {downtime_s:.1f} s of downtime"
    )


def _mean(values: ArrayLike) -> float:
    mean = float(np.mean(np.asarray(values, dtype=np.float64)))
    if not np.isfinite(mean):
        raise ValueError("a validation score is not finite")
    return mean

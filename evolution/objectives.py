"""What the search minimises, made from the columns that a run reports.

Definitions: docs/formats.md, "What is measured". An objective is one number for a policy over the
scenarios it ran; less is better for every one of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from hms.scenarios.outcome import COLUMNS

Floats = NDArray[np.float64]

WORST_SHARE = 0.1  # cvar_s looks at the worst tenth of the scenarios


@dataclass(frozen=True, slots=True)
class Objective:
    """One thing to minimise.

    Attributes:
        column: which column of a run's row it reads.
        reduce: from values of shape (..., scenarios) to one number a policy.
        does: what it measures, for reports.
    """

    name: str
    column: str
    reduce: Callable[[Floats], Floats]
    does: str


def _mean(values: Floats) -> Floats:
    return np.asarray(values.mean(axis=-1))


def _worst_mean(values: Floats) -> Floats:
    """Mean of the worst tenth of the scenarios, at least one of them."""
    count = max(1, round(WORST_SHARE * values.shape[-1]))
    return np.asarray(np.sort(values, axis=-1)[..., -count:].mean(axis=-1))


OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective("downtime_s", "downtime_s", _mean, "seconds of full outage"),
        Objective("cvar_s", "downtime_s", _worst_mean, "downtime of the worst tenth"),
        Objective("disruption_s", "disruption_s", _mean, "what the healing itself cost"),
    )
}


def column(name: str) -> int:
    """Index of a named column in a run's row.

    Raises:
        KeyError: no such column.
    """
    if name not in COLUMNS:
        raise KeyError(f"no column {name!r}; there are {', '.join(COLUMNS)}")
    return COLUMNS.index(name)


def objective_values(rows: Floats, names: Sequence[str]) -> Floats:
    """The named objectives of each policy.

    Args:
        rows: shape (policies, scenarios, columns), columns in the order of `COLUMNS`.
        names: keys of `OBJECTIVES`.

    Returns:
        Shape (policies, objectives).

    Raises:
        KeyError: an unknown objective.
    """
    chosen = [OBJECTIVES[name] for name in names]
    return np.stack([o.reduce(rows[:, :, column(o.column)]) for o in chosen], axis=-1)


def hypervolume(points: Floats, reference: Floats) -> float:
    """Volume that `points` dominate below `reference`, all to be minimised, by moocore.

    Points beyond the reference add nothing.

    Args:
        points: shape (points, objectives).
        reference: shape (objectives,), worse than every point that is to count.

    Raises:
        ValueError: their shapes do not fit.
    """
    if points.ndim != 2 or reference.shape != (points.shape[1],):
        raise ValueError(f"shapes {points.shape} and {reference.shape} do not fit")
    if points.shape[1] == 1:
        return max(0.0, float(reference[0] - points.min()))
    return float(moocore.hypervolume(points, ref=reference))

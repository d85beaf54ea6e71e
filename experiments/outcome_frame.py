"""Rows that engines report, as a tidy frame: one row for each stack and scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hms.experiments.job import Job

if TYPE_CHECKING:
    import pandas as pd

    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.experiments.scenario_sets import ScenarioSet

STACKS_AT_ONCE = 4
"""Stacks evaluated between two moves of the progress bar; part of the plan, not of the speed."""


def evaluate_stacks(
    job: Job, stacks: Mapping[str, HealingPolicy], set_name: str, done: float = 0.0
) -> pd.DataFrame:
    """Every stack on every scenario of a set; counts the incidents in `job.spent`.

    Args:
        done: incidents of the step that were simulated before; progress goes on from there.

    Returns:
        Columns stack, incident, family, index and the outcome columns; stacks in their order,
        each with the set's scenarios in theirs.
    """
    import pandas as pd

    chosen = job.sets[set_name]
    names = list(stacks)
    parts = []
    for start in range(0, len(names), STACKS_AT_ONCE):
        group = names[start : start + STACKS_AT_ONCE]
        policies = [stacks[name] for name in group]
        rows = job.backend.evaluate(policies, range(len(chosen.ids)), set_name)
        parts += [outcome_frame(name, chosen, rows[i]) for i, name in enumerate(group)]
        simulated = (start + len(group)) * len(chosen.ids)
        job.progress.advance(done + simulated, f"{set_name}: {', '.join(group)}")
    label = set_name.replace("_", " ")
    job.spent[label] = job.spent.get(label, 0) + len(names) * len(chosen.ids)
    return pd.concat(parts, ignore_index=True)


def outcome_frame(
    stack: str, scenarios: ScenarioSet, rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]
) -> pd.DataFrame:
    """One stack's rows, shape (scenarios, columns), with the scenarios' ids and families."""
    import pandas as pd

    from hms.scenarios.outcome import COLUMNS

    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["recovered"] = frame["recovered"] > 0.5
    frame.insert(0, "stack", stack)
    frame.insert(1, "incident", list(scenarios.ids))
    frame.insert(2, "family", list(scenarios.families))
    return frame


def validation_points(validation: pd.DataFrame) -> pd.DataFrame:
    """Means over the validation scenarios: stack, kind, downtime_s, disruption_s."""
    columns = ["downtime_s", "disruption_s"]
    means = validation.groupby(["stack", "kind"], sort=True)[columns].mean().reset_index()
    means.loc[means["kind"] == "champion", "stack"] = "champion"
    return means

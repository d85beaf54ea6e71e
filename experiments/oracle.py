"""The oracle's row: per failure the best remedy on the best data plane (evolution/oracle)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.baselines import ORACLE
from hms.experiments.job import Job
from hms.experiments.plan import Prices
from hms.experiments.simulation import Case, Pairs, priced

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

CHUNK_INCIDENTS = 2  # of some hundred runs each
TIMEOUT_S = 7200.0


def simulate_told(
    policies: Sequence[HealingPolicy], cases: Sequence[Case], pairs: Pairs, prices: Prices
) -> Floats:
    """Rows of the pairs (data plane, case): the best remedy's, then how many runs it took."""
    from hms.evolution.oracle.best import RUNS, best_rows
    from hms.scenarios.policy_tables import tables

    rows = best_rows(
        [tables(policy, cases[0].topology) for policy in policies],
        [case.compiled for case in cases],
        [(int(policy), int(case)) for policy, case in pairs],
    )
    return np.hstack([priced(rows[:, :RUNS], prices), rows[:, RUNS:]])


def is_asked_for(job: Job) -> bool:
    """Whether the experiment names the oracle at this budget."""
    return ORACLE in job.plan.compare.stacks(job.budget.incidents)


def oracle_frame(job: Job, set_name: str) -> pd.DataFrame:
    """The oracle on every failure of a set, as `evaluate_stacks` has the others.

    Counts its runs in `job.spent`.
    """
    from hms.evolution.backends import RayBackend
    from hms.evolution.oracle.best import RUNS, planes, ranked
    from hms.experiments.outcome_frame import outcome_frame

    chosen = job.sets[set_name]
    assert job.cluster is not None  # started by the step `workers`
    backend = RayBackend(
        job.cluster.ray,
        {set_name: chosen.cases},
        partial(simulate_told, prices=job.plan.prices),
        chunk_incidents=CHUNK_INCIDENTS,
        timeout_s=TIMEOUT_S,
    )
    rows = backend.evaluate(list(planes(job.baselines).values()), range(len(chosen.ids)), set_name)
    job.spent[ORACLE] = job.spent.get(ORACLE, 0) + int(rows[:, :, RUNS].sum())
    best = [rows[ranked(rows[:, at])[0], at, :RUNS] for at in range(len(chosen.ids))]
    return outcome_frame(ORACLE, chosen, np.stack(best))

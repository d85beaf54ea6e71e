"""A small world with a known optimum, in place of an engine."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.genome import Space
from hms.scenarios.outcome import COLUMNS

FAMILIES = ("crash", "hang", "latency", "error", "memory_leak", "load_spike", "bad_deploy")
SPACE = Space()


def toy_world(
    policies: Sequence[HealingPolicy], cases: Sequence[float], pairs: np.ndarray
) -> np.ndarray:
    """Downtime: the case's own, plus the distance to an optimum in three settings and one ladder.

    The optimum: breaker.open_s 5, retry.max_attempts 2, detection.error_rate .3, memory
    restarted. Disruption: one second for each step of any ladder.
    """
    rows = np.zeros((len(pairs), len(COLUMNS)))
    for place, (policy_at, case_at) in enumerate(pairs.tolist()):
        policy = policies[policy_at]
        away = (
            float(np.log(policy.value("breaker.open_s") / 5.0)) ** 2
            + (policy.value("retry.max_attempts") - 2) ** 2
            + 20.0 * (policy.value("detection.error_rate") - 0.3) ** 2
        )
        restarts = any(step.act == "restart" for step in policy.recovery.get("memory", ()))
        downtime_s = cases[case_at] + 10.0 * away + (0.0 if restarts else 20.0)
        rows[place, COLUMNS.index("downtime_s")] = downtime_s
        steps = sum(len(ladder) for ladder in policy.recovery.values())
        rows[place, COLUMNS.index("disruption_s")] = float(steps)
    return rows


def wide_world(
    policies: Sequence[HealingPolicy], cases: Sequence[float], pairs: np.ndarray
) -> np.ndarray:
    """Downtime: the mean distance of all genes from the middle of their ranges, in percent."""
    rows = np.zeros((len(pairs), len(COLUMNS)))
    away = [100.0 * float(np.abs(SPACE.encode(policy) - 0.5).mean()) for policy in policies]
    for place, (policy_at, case_at) in enumerate(pairs.tolist()):
        rows[place, COLUMNS.index("downtime_s")] = cases[case_at] + away[policy_at]
    return rows


def dying_world(
    policies: list, cases: list[float], pairs: np.ndarray, marks: str, deaths: int
) -> np.ndarray:
    """Ends its process, `deaths` times in all."""
    died = len(list(Path(marks).iterdir()))
    if died < deaths:
        (Path(marks) / f"{os.getpid()}").touch()
        os._exit(1)
    return toy_world(policies, cases, pairs)

"""The best of all remedies and data planes for one incident, known 12 s after each fault.

The delay stands for what detecting and locating takes at best; it was fixed before anything was
measured with it and is no setting. Of two faults, the remedies that are best for the first are
combined with every one for the second. Nobody acts before the 12 s, twice for one fault, or again
when an illness comes back, so the oracle is no bound that nothing can pass: it says what knowing
fault and place is worth with one remedy a fault.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.objectives import column
from hms.evolution.oracle.remedies import Remedy, remedies
from hms.evolution.oracle.told import Told
from hms.scenarios.compile import CompiledScenario
from hms.scenarios.faults.expand import plain_faults
from hms.scenarios.outcome import COLUMNS
from hms.scenarios.policy_tables import PolicyTables

Floats = NDArray[np.float64]

DELAY_S = 12.0
MOST_FAULTS = 4  # of one incident; those that come later are left alone
KEPT = 4  # remedies of a fault that are combined with those of the next
RUNS = len(COLUMNS)
"""The column after a run's own: how many runs the row is the best of."""

PLANE = ("breaker", "retry", "timeout", "concurrency")


def planes(baselines: Mapping[str, HealingPolicy]) -> dict[str, HealingPolicy]:
    """The data plane of every baseline, without any acts; equal ones once, by the first name."""
    found: dict[str, HealingPolicy] = {}
    known: set[str] = set()
    for name, policy in baselines.items():
        plain = HealingPolicy()
        groups = {**plain.groups, **{group: policy.groups[group] for group in PLANE}}
        plane = HealingPolicy({"name": name}, groups, {}, policy.overrides)
        if plane.sha256 not in known:
            known.add(plane.sha256)
            found[name] = plane
    return found


def best_rows(
    tables: Sequence[PolicyTables],
    compiled: Sequence[CompiledScenario],
    pairs: Sequence[tuple[int, int]],
) -> Floats:
    """For each pair (data plane, scenario) the row of its best remedy.

    Returns:
        Shape (pairs, columns + 1); the last column is `RUNS`.
    """
    rows = np.zeros((len(pairs), len(COLUMNS) + 1))
    for k, (plane, scenario) in enumerate(pairs):
        rows[k] = best_row(tables[plane], compiled[scenario])
    return rows


def best_row(tables: PolicyTables, compiled: CompiledScenario) -> Floats:
    """The row with the lowest downtime, of equals the least disruption; then how many runs."""
    dt = float(compiled.world["dt"][0])
    kept, rows = [Told(compiled, tables)], np.zeros((0, len(COLUMNS)))
    runs = 0
    for fault in plain_faults(compiled.scenario)[:MOST_FAULTS]:
        if fault.start_s + DELAY_S >= compiled.scenario.horizon_s:
            break
        told = [
            twin
            for run in kept
            for twin in _told(run, round((fault.start_s + DELAY_S) / dt), remedies(compiled, fault))
        ]
        rows = np.array([run.copy().finish().row() for run in told])
        kept = [told[at] for at in ranked(rows)[:KEPT]]
        runs += len(rows)
    if runs == 0:
        return np.append(kept[0].finish().row(), 1.0)
    return np.append(rows[ranked(rows)[0]], float(runs))


def ranked(rows: Floats) -> list[int]:
    """Indices of rows by downtime; of equals the least disruption, then the first."""
    order = np.lexsort((rows[:, column("disruption_s")], rows[:, column("downtime_s")]))
    return [int(at) for at in order]


def _told(run: Told, tick: int, options: Sequence[Remedy]) -> Iterator[Told]:
    """Copies of a run at a tick, each told another remedy."""
    run.run_until(tick)
    for remedy in options:
        twin = run.copy()
        twin.order(remedy)
        yield twin

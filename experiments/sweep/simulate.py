"""One cell of a sweep: its failures drawn, run and written down, a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hms.experiments.simulation import priced
from hms.scenarios.outcome import COLUMNS
from hms.scenarios.split import IncidentId

if TYPE_CHECKING:
    from hms.experiments.plan import ExperimentPlan
    from hms.experiments.sweep.cells import Cell
    from hms.scenarios.compile import CompiledScenario
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome
    from hms.scenarios.policy_tables import PolicyTables

SPLIT = "sweep"


def simulate_cell(cell: Cell, plan: ExperimentPlan, seeds: int) -> list[dict[str, Any]]:
    """The cell's rows. All cells meet the same failures, drawn by (family, index) alone."""
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.generate import draw_failures

    tables: PolicyTables | None = None
    found = []
    for number in range(seeds):
        family = cell.families[number % len(cell.families)]
        incident = IncidentId(SPLIT, family, number // len(cell.families))
        scenario = draw_failures(
            cell.scenario, plan.failures, SPLIT, family, incident.index, plan.seed
        )
        if tables is None:
            tables = tables_of(cell.policy, scenario)
        outcome = run_on(cell.engine, compile_scenario(scenario, incident.seed(plan.seed)), tables)
        values = priced(outcome.row()[None, :], plan.prices)[0]
        found.append(
            {
                "cell": cell.index,
                **cell.values,
                "incident": str(incident),
                "family": family,
                "verdict": outcome.verdict,
                **dict(zip(COLUMNS, (float(v) for v in np.asarray(values)), strict=True)),
            }
        )
    return found


def tables_of(policy: str, scenario: Scenario) -> PolicyTables:
    """A policy for a system; `today` is each edge's and component's own settings.

    Raises:
        PolicyError: there is no such policy, or it is wrong.
    """
    from hms.experiments.single_run import policy_named
    from hms.experiments.sweep.cells import TODAY
    from hms.experiments.todays_settings import todays_tables
    from hms.scenarios.policy_tables import tables

    if policy == TODAY:
        return todays_tables(scenario)
    return tables(policy_named(policy, scenario)[1], scenario)


def run_on(engine: str, compiled: CompiledScenario, tables: PolicyTables) -> Outcome:
    """One run on one engine."""
    if engine == "request":
        from hms.experiments.request_run import EVENT_BUDGET
        from hms.scenarios.engines.request.build import Budget
        from hms.scenarios.engines.request.engine import run as run_requests

        return run_requests(compiled, tables, budget=Budget(events=EVENT_BUDGET))
    from hms.scenarios.engines.fluid import run

    return run(compiled, tables)

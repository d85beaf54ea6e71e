"""One incident request by request: what `hms simulate --engine request` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hms.experiments.event_words import read_events
from hms.experiments.single_run import Ran, policy_named

if TYPE_CHECKING:
    from hms.experiments.single_run import Incident

EVENT_BUDGET = 200_000_000
"""About ten seconds; the shipped systems take some hundred thousand events a run."""


def run_requests(
    incident: Incident, policy_name: str, event_budget: int = EVENT_BUDGET, spans: int = 0
) -> Ran:
    """Run it in the `request` engine; its outcome says where a spent budget stopped it.

    Args:
        spans: how many spans of visits and calls the outcome keeps.
    """
    from hms.evolution.baselines import TODAY
    from hms.experiments.todays_settings import todays_tables
    from hms.scenarios.engines.request.build import Budget
    from hms.scenarios.engines.request.engine import run
    from hms.scenarios.policy_tables import tables

    name, policy = policy_named(policy_name, incident.scenario)
    compiled = incident.compiled
    today = name == TODAY  # each edge with its own settings: no policy could say them all
    scenario = incident.scenario
    tabled = todays_tables(scenario) if today else tables(policy, scenario)
    budget = Budget(events=event_budget)
    outcome = run(compiled, tabled, record=True, budget=budget, spans=spans)
    events = tuple(read_events(outcome.events, compiled.names, compiled.edge_names))
    return Ran(name, outcome, events)

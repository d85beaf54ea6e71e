"""The `request` engine's door: run one incident, request by request."""

from __future__ import annotations

from hms.scenarios import event_log
from hms.scenarios.compile import CompiledScenario
from hms.scenarios.engines.request import loop
from hms.scenarios.engines.request.build import Budget, state_of
from hms.scenarios.engines.request.results import RequestOutcome, outcome_of
from hms.scenarios.policy_tables import PolicyTables

EVERYTHING = Budget()


def run(
    compiled: CompiledScenario,
    tables: PolicyTables,
    *,
    record: bool = False,
    budget: Budget = EVERYTHING,
    spans: int = 0,
) -> RequestOutcome:
    """One incident, with compiled decisions; equal inputs give equal outcomes, to the last bit.

    Args:
        record: keep the timeline and the event log.
        budget: where the run stops and the outcome says so.
        spans: how many visits and calls, the first that end, the outcome keeps as spans.
    """
    state = state_of(compiled, tables, budget, record=record, spans=spans)
    loop.run_requests(state)
    outcome = outcome_of(compiled, state)
    outcome.spans = state.spans[: int(state.world["spans_n"][0])]
    if record:
        count = min(int(state.world["events_n"][0]), len(state.events))
        events = [tuple(row.item()) for row in state.events[:count]]
        arrays = [state.world, state.comps, state.replicas, state.edges, state.sketches]
        outcome.events = event_log.lines(events, event_log.digest(arrays, ()))
    return outcome

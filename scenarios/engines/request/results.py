"""From what was counted to the outcome: the measures of both engines, and those of requests."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hms.scenarios.compile import CompiledScenario
from hms.scenarios.engines.request.judged import Judged, Promise, judge
from hms.scenarios.engines.request.pools import (
    TOO_MANY_EVENTS,
    TOO_MANY_PENDING,
    TOO_MANY_REQUESTS,
)
from hms.scenarios.engines.request.records import SPAN
from hms.scenarios.engines.request.sketch import Sketch
from hms.scenarios.engines.request.telemetry import telemetry_of
from hms.scenarios.outcome import ADDED_REPLICA_PRICE, Outcome

Array = npt.NDArray[np.float64]

STOPPED = {
    TOO_MANY_EVENTS: "the event budget is spent",
    TOO_MANY_PENDING: "too many events are pending",
    TOO_MANY_REQUESTS: "too many requests are under way",
}


@dataclass(slots=True)
class RequestOutcome(Outcome):
    """What single requests tell beside the measures that both engines share.

    Attributes:
        stopped: why the run ended before its horizon, "" if it did not; all measures are then
            of the time up to `reached_s`.
        arrived, served, failed, dropped, in_system: clients' requests; dropped ones were refused
            at the door, failed ones answered wrongly or given up.
        present_s: integral of the number of clients' requests under way.
        residence_s: sum of their times in the system, up to the end.
        latencies: by entry, of well-answered requests sent after the warm-up.
        mean_latency_s: of the same, by entry.
        visits, calls: counts by component and by edge, `VISIT_COUNTS` and `CALL_COUNTS`.
        spans: rows of `records.SPAN`, if asked for (span_log.py).
        events: see `Outcome`; `events_done`: what the run computed.
    """

    stopped: str = ""
    reached_s: float = 0.0
    arrived: int = 0
    served: int = 0
    failed: int = 0
    dropped: int = 0
    in_system: int = 0
    present_s: float = 0.0
    residence_s: float = 0.0
    latencies: dict[str, Sketch] = field(default_factory=dict)
    mean_latency_s: dict[str, float] = field(default_factory=dict)
    visits: dict[str, dict[str, float]] = field(default_factory=dict)
    calls: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    events_done: int = 0
    logical_events: int = 0
    spans: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, SPAN))

    def percentile_s(self, q: float) -> float:
        """The q-quantile of all entries' latencies together, 0 < q <= 1; nan of nothing."""
        sketches = list(self.latencies.values())
        whole = sketches[0]
        for other in sketches[1:]:
            whole = whole.merge(other)
        return whole.quantile(q)

    @property
    def amplification(self) -> float:
        """Attempts over first attempts, of all calls."""
        first = sum(counts["first"] for counts in self.calls.values())
        return sum(counts["made"] for counts in self.calls.values()) / first if first else 1.0

    @property
    def breaker_openings(self) -> dict[tuple[str, str], int]:
        """How often each edge's breaker opened, of those that did."""
        return {k: int(c["opened"]) for k, c in self.calls.items() if c["opened"]}


VISIT_COUNTS = (
    "arrived", "served", "failed", "refused", "cancelled", "lost", "present", "area", "residence",
)  # fmt: skip
CALL_COUNTS = ("first", "made", "ok", "bad", "late", "refused", "blocked", "hedged", "opened")


def outcome_of(compiled: CompiledScenario, state: Any) -> RequestOutcome:
    """The outcome of a run that reached its horizon or was stopped."""
    world = {name: state.world[name][0].item() for name in state.world.dtype.names}
    judged = _judged(compiled, state, world)
    reached_s = world["now"]
    mean_rps = max(world["arrived"] / max(reached_s, 1e-12), 1e-12)
    edges = state.edges
    quality = float((edges["degraded"] * edges["n_inv"] * (1.0 - edges["quality"])).sum())
    quality_s, lost_s = quality / mean_rps, world["lost_in_flight"] / mean_rps
    out_s, added_s = world["out_of_service"], world["added_replica"]
    names = compiled.names
    entries = [i for i in range(len(names)) if state.comps["client"][i] == 1]
    latencies = {compiled.edge_names[k][1]: Sketch(state.sketches[k].copy()) for k in entries}
    outcome = RequestOutcome(
        downtime_s=judged.downtime_bad / mean_rps,
        slo_violation_s=judged.slo_violation_s,
        availability=judged.availability,
        time_to_recover_s=judged.time_to_recover_s,
        recovered=judged.recovered,
        disruption_s=out_s + ADDED_REPLICA_PRICE * added_s + quality_s + lost_s,
        out_of_service_s=out_s,
        added_replica_s=added_s,
        quality_loss_s=quality_s,
        lost_in_flight_s=lost_s,
        restarts=world["restarts"],
        offered=judged.offered,
        good=judged.good,
        bad=judged.bad,
        end_availability=judged.end_availability,
        breaches=world["breaches"],
        components=names,
        latencies=latencies,
        mean_latency_s={
            name: float(state.taken[k]) / max(sketch.n, 1)
            for k, (name, sketch) in zip(entries, latencies.items(), strict=True)
        },
    )
    _tell_counts(outcome, compiled, state, world)
    if world["record"]:
        outcome.timeline = _timeline(state)
        seconds = min(math.ceil(world["now"] - 1e-9), len(state.windows))
        outcome.telemetry = telemetry_of(compiled, state, seconds)
    return outcome


def _judged(compiled: CompiledScenario, state: Any, world: dict[str, Any]) -> Judged:
    """The windows up to where the run came, as the scenario promises."""
    row = compiled.world[0]
    seconds = max(1, min(math.ceil(world["now"] - 1e-9), len(state.windows)))
    promise = Promise(
        availability=float(row["availability"]), stable=int(row["stable_windows"]),
        warm_up=int(row["warm_up_windows"]), faulty=int(row["fault_window"]),
        end=min(int(row["end_window"]), seconds - 1),
    )  # fmt: skip
    windows = state.windows[:seconds]
    late = world["window_late"]
    return judge(windows["good"], windows["bad"], windows["offered"], late, promise)


def _tell_counts(
    outcome: RequestOutcome, compiled: CompiledScenario, state: Any, world: dict[str, Any]
) -> None:
    """What was counted of single requests."""
    ended = world["served"] + world["failed"] + world["dropped"]
    outcome.stopped = STOPPED.get(world["stopped"], "")
    outcome.reached_s = world["now"]
    outcome.arrived, outcome.served = world["arrived"], world["served"]
    outcome.failed, outcome.dropped = world["failed"], world["dropped"]
    outcome.in_system = world["arrived"] - ended
    outcome.present_s, outcome.residence_s = world["area"], world["residence"]
    outcome.events_done = world["events"]
    comps, edges = state.comps, state.edges
    for i, name in enumerate(compiled.names):
        if comps["client"][i] == 0:
            outcome.visits[name] = {each: comps[each][i].item() for each in VISIT_COUNTS}
    for k, pair in enumerate(compiled.edge_names):
        outcome.calls[pair] = {each: edges[each][k].item() for each in CALL_COUNTS}
    calls = int(edges["made"].sum())
    answers = int((edges["ok"] + edges["bad"] + edges["late"] + edges["refused"]).sum())
    visits = int(comps["arrived"][comps["client"] == 0].sum())
    outcome.logical_events = visits + 2 * int(comps["drawn"].sum()) + calls + answers


def _timeline(state: Any) -> dict[str, Any]:
    cells = state.component_windows
    return {
        "t_s": np.arange(len(state.windows), dtype=np.float64),
        "offered_rps": state.windows["offered"].copy(),
        "good_rps": state.windows["good"].copy(),
        "bad_rps": state.windows["bad"].copy(),
        "present": cells["present"].copy(),
        "ok_rps": cells["ok"].copy(),
        "bad_out_rps": cells["bad"].copy(),
        "serving": cells["serving"].copy(),
    }

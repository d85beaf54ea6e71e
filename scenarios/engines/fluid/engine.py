"""The `fluid` engine's doors: run one incident, a batch of them, or tick by tick for agents."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.component import Act
from hms.agents.policy.dependency import EdgeGrant, EdgeObservation
from hms.agents.policy.detection import DetectionState, SlotObservation
from hms.agents.policy.guard import GuardState
from hms.agents.policy.outlier import OutlierGrant, OutlierObservation, OutlierState
from hms.agents.policy.parameters import (
    BreakerParameters,
    DetectionParameters,
    GuardParameters,
    RecoveryParameters,
    RetryParameters,
)
from hms.agents.policy.recovery import RecoveryState
from hms.agents.policy.retry import RetryState
from hms.errors import ScenarioError
from hms.scenarios import event_log
from hms.scenarios.compile import CompiledScenario, closure_arrays
from hms.scenarios.engines.fluid import loop as ticks
from hms.scenarios.engines.fluid.equip import equip
from hms.scenarios.engines.fluid.records import (
    COMPONENT_WINDOW,
    EDGE_WINDOW,
    EVENT,
    SLOTS,
    SPLIT,
    WINDOW,
)
from hms.scenarios.engines.fluid.results import outcome_of
from hms.scenarios.outcome import COLUMNS, Outcome
from hms.scenarios.policy_jit import dtype_of
from hms.scenarios.policy_tables import PolicyTables

Array = npt.NDArray[np.float64]
Records = npt.NDArray[np.void]

MOST_SPLITS = 4096

EDGE_STATES = {"breaker": BreakerState, "retry": RetryState, "outlier": OutlierState}
COMPONENT_STATES = {"detection": DetectionState, "recovery": RecoveryState, "guard": GuardState}

CALLER = np.dtype(
    [
        ("observation", dtype_of(EdgeObservation)),
        ("grant", dtype_of(EdgeGrant)),
        ("steady", dtype_of(EdgeObservation)),
        ("outlier_observation", dtype_of(OutlierObservation)),
        ("outlier_grant", dtype_of(OutlierGrant)),
        *[(name, dtype_of(kind)) for name, kind in EDGE_STATES.items()],
        ("breaker_p", dtype_of(BreakerParameters)),
        ("retry_p", dtype_of(RetryParameters)),
    ],
    align=True,
)
"""One edge as its caller sees it: observations, grants, states, parameters."""
AGENT = np.dtype(
    [
        ("act", dtype_of(Act)),
        *[(name, dtype_of(kind)) for name, kind in COMPONENT_STATES.items()],
        ("detection_p", dtype_of(DetectionParameters)),
        ("guard_p", dtype_of(GuardParameters)),
        ("recovery_p", dtype_of(RecoveryParameters)),
    ],
    align=True,
)
"""One component's agent: its act, states and parameters."""


def _zeros(record: Any, count: int) -> Records:
    return np.zeros(count, dtype_of(record))


class _Tables:
    """Closure tables of the scenarios that run in this process, each built once."""

    def __init__(self) -> None:
        self.known: dict[Any, tuple[Array, list[int], list[int], list[int]]] = {}

    def of(self, compiled: CompiledScenario) -> tuple[Array, list[int], list[int], list[int]]:
        key = compiled.closures, compiled.exponents
        if key not in self.known:
            self.known[key] = closure_arrays(compiled)
        return self.known[key]


_TABLES = _Tables()


def _place_tables(compiled: CompiledScenario, components: Records, units: Records) -> Array:
    flat, offsets, cells, powers = _TABLES.of(compiled)
    served = components["client"] == 0
    for i in np.flatnonzero(served):
        which = components["table"][i]
        components["table"][i] = offsets[which]
        components["table_rows"][i] = cells[which]
    used = np.flatnonzero(units["n"] > 0.0)
    units["power_table"][used] = np.take(powers, units["power_table"][used])
    return flat


def state_of(
    compiled: CompiledScenario, tables: PolicyTables, *, fast_forward: bool, record: bool
) -> Any:
    """One run as it stands before its first tick, under its policy."""
    state = arrays_of(compiled, tables, fast_forward=fast_forward, record=record)
    marks = np.where(state.comps["agent"] == 1, tables.detection["memory_share"], 1.0)
    size = equip(state, tables.timeouts, tables.admission, marks)
    return state._replace(rings=np.zeros(size))


def arrays_of(
    compiled: CompiledScenario, tables: PolicyTables, *, fast_forward: bool, record: bool
) -> Any:
    """All arrays of one run but its rings; the policy's settings are not yet in place.

    Raises:
        ScenarioError: the scenario holds what means cannot say.
    """
    if compiled.fluid_cannot:
        raise ScenarioError(list(compiled.fluid_cannot), None)
    components, units = compiled.components.copy(), compiled.units.copy()
    flat = _place_tables(compiled, components, units)
    world = compiled.world.copy()
    world["fast"], world["record"] = int(fast_forward), int(record)
    e, c = len(compiled.edges), len(components)
    seconds = compiled.rates.shape[1] if record else 0
    callers, agents = np.zeros(e, CALLER), np.zeros(c, AGENT)
    callers["breaker_p"], callers["retry_p"] = tables.breaker, tables.retry
    agents["detection_p"], agents["guard_p"] = tables.detection, tables.guard
    agents["recovery_p"] = tables.recovery
    return ticks.State(
        world=world, comps=components, units=units, edges=compiled.edges.copy(),
        incoming=compiled.incoming, rings=np.zeros(0), tables=flat,
        faults=compiled.faults.copy(), rates=compiled.rates, callers=callers, agents=agents,
        slot_observations=_zeros(SlotObservation, c * SLOTS),
        late_observations=_zeros(SlotObservation, compiled.late_rows),
        splits=np.zeros(MOST_SPLITS, SPLIT),
        events=np.zeros(event_log.EVENTS_MAX if record else 0, EVENT),
        windows=np.zeros(seconds, WINDOW),
        component_windows=np.zeros((seconds, c), COMPONENT_WINDOW),
        edge_windows=np.zeros((seconds, e), EDGE_WINDOW),
    )


def run(
    compiled: CompiledScenario,
    tables: PolicyTables,
    *,
    fast_forward: bool = True,
    record: bool = False,
) -> Outcome:
    """One incident, with compiled decisions.

    Args:
        fast_forward: jump over time in which nothing changes.
        record: keep the timeline and the event log.
    """
    state = state_of(compiled, tables, fast_forward=fast_forward, record=record)
    ticks.run_to_end(state)
    outcome = outcome_of(compiled, state)
    if record:
        outcome.events = event_log.lines(events_of(state), digest_of(state))
    return outcome


def run_batch(
    compiled: Sequence[CompiledScenario],
    tables: Sequence[PolicyTables],
    pairs: Sequence[tuple[int, int]],
) -> Array:
    """Rows of `COLUMNS` for (policy index, scenario index) pairs, shape (pairs, columns)."""
    rows = np.zeros((len(pairs), len(COLUMNS)))
    for k, (policy, scenario) in enumerate(pairs):
        rows[k] = run(compiled[scenario], tables[policy]).row()
    return rows


def events_of(state: Any) -> list[event_log.Event]:
    """The events logged, as plain tuples."""
    count = min(int(state.world["events_n"][0]), len(state.events))
    return [tuple(row.item()) for row in state.events[:count]]


def physics_arrays(state: Any) -> list[Records]:
    """What the digest covers of the world, in declared order."""
    return [state.comps, state.units, state.edges, state.rings]


def digest_of(state: Any) -> str:
    """SHA-256 over the world and the agents' states, edges first, in the engine's order."""
    numbers: list[float] = []
    for k in np.flatnonzero(state.edges["agent"] == 1):
        for name in EDGE_STATES:
            _flatten(state.callers[name][k], numbers)
    for i in np.flatnonzero(state.comps["agent"] == 1):
        for name in COMPONENT_STATES:
            _flatten(state.agents[name][i], numbers)
    return event_log.digest(physics_arrays(state), numbers)


def _flatten(record: Any, numbers: list[float]) -> None:
    for name in record.dtype.names:
        value = record[name]
        if isinstance(value, np.void):
            _flatten(value, numbers)
        elif isinstance(value, np.ndarray):
            numbers.extend(float(x) for x in value)
        else:
            numbers.append(float(value))


class Physics:
    """The same world tick by tick, with decisions taken elsewhere (the `actors` engine).

    Each tick: `begin()`; read the observations of the edges in `due_edges()` and, when it returned
    True, of all components' slots; write `edge_grants`, `outlier_grants` and `acts`; `advance()`;
    then `jump_ticks()`, and if that is not 0, move the deciders' states and call `jump(ticks)`.
    """

    def __init__(
        self, compiled: CompiledScenario, tables: PolicyTables, *, fast_forward: bool = True
    ) -> None:
        self.compiled = compiled
        self.state = state_of(compiled, tables, fast_forward=fast_forward, record=True)
        callers, agents = self.state.callers, self.state.agents
        self.edge_observations, self.edge_grants = callers["observation"], callers["grant"]
        self.outlier_observations = callers["outlier_observation"]
        self.outlier_grants = callers["outlier_grant"]
        self.breaker_parameters, self.steady = callers["breaker_p"], callers["steady"]
        self.slot_observations, self.acts = self.state.slot_observations, agents["act"]
        self.agents = np.flatnonzero(self.state.comps["agent"] == 1)

    @property
    def done(self) -> bool:
        """Whether the horizon is reached."""
        world = self.state.world[0]
        return bool(world["computed"] + world["offset"] >= world["ticks"])

    @property
    def clock(self) -> int:
        """Ticks since the start, jumped ones included."""
        world = self.state.world[0]
        return int(world["computed"] + world["offset"])

    def begin(self) -> bool:
        """Start a tick; whether the agents' control period is due."""
        return bool(ticks.begin(self.state))

    def take_splits(self) -> list[tuple[int, int, int]]:
        """(component, slot, new slot) of replicas split since last asked."""
        world = self.state.world[0]
        rows = self.state.splits[: world["splits_n"]]
        world["splits_n"] = 0
        return [(int(c), int(slot), int(new)) for c, slot, new in rows.tolist()]

    def due_edges(self) -> npt.NDArray[np.int64]:
        """Edges whose callers have something to decide in this tick."""
        edges = self.state.edges
        return np.flatnonzero((edges["agent"] == 1) & (edges["due"] == 1))

    def log(self, entity: int, rule: int, before: float, after: float) -> None:
        """Write one event of this tick down."""
        event_log.log_event(self.state, self.clock, entity, rule, before, after)

    def advance(self) -> None:
        """Apply grants and acts, let the world flow for a tick."""
        ticks.advance(self.state)

    def jump_ticks(self) -> int:
        """How many ticks may be passed over now; 0 for none."""
        return int(ticks.ticks_to_jump(self.state))

    def jump(self, jumped: int) -> None:
        """Pass over them."""
        ticks.jump(self.state, jumped)

    def finish(self, numbers: Sequence[float]) -> Outcome:
        """The outcome, with an event log that ends in the digest of the world and `numbers`."""
        outcome = outcome_of(self.compiled, self.state)
        digest = event_log.digest(physics_arrays(self.state), numbers)
        outcome.events = event_log.lines(events_of(self.state), digest)
        return outcome

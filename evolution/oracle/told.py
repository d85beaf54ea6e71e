"""Runs in which acts are ordered from outside, beside what the policy's own agents decide.

The engine needs no door for it: between the decisions of a tick and their effect, an order is
written where an agent's act would stand. Before the first order and after the last one the run is
the engine's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hms.agents.policy.kinds import CUSTOM_ACT, RESTART
from hms.evolution.oracle.remedies import Order, Remedy
from hms.scenarios.compile import CompiledScenario
from hms.scenarios.engines.fluid import engine, loop
from hms.scenarios.engines.fluid.decisions import decide, skip
from hms.scenarios.engines.fluid.results import outcome_of
from hms.scenarios.outcome import Outcome
from hms.scenarios.policy_tables import PolicyTables

_SHARED = ("incoming", "tables", "rates")  # arrays that a run only reads


@dataclass(frozen=True, slots=True)
class _Due:
    tick: int
    order: Order


class Told:
    """One run that waits between two ticks; a copy can be told something else.

    Args:
        tables: the policy under which it runs.
    """

    def __init__(self, compiled: CompiledScenario, tables: PolicyTables) -> None:
        self.compiled = compiled
        self._state: Any = engine.state_of(compiled, tables, fast_forward=True, record=False)
        self._due: list[_Due] = []

    @property
    def clock(self) -> int:
        """Ticks since the start."""
        world = self._state.world[0]
        return int(world["computed"] + world["offset"])

    def copy(self) -> "Told":
        """The same run up to here, with a future of its own."""
        twin = object.__new__(Told)
        twin.compiled = self.compiled
        arrays = {
            name: array.copy()
            for name, array in self._state._asdict().items()
            if name not in _SHARED
        }
        twin._state = self._state._replace(**arrays)
        twin._due = list(self._due)
        return twin

    def order(self, remedy: Remedy) -> None:
        """Have a remedy done from the next control period on."""
        every = int(self._state.world[0]["control_every"])
        first = -(-self.clock // every) * every
        self._due += [_Due(first, order) for order in remedy.orders]

    def run_until(self, tick: int) -> None:
        """On to a tick, or to the next control period after it."""
        every = int(self._state.world[0]["control_every"])
        end = min(-(-tick // every) * every, int(self._state.world[0]["ticks"]))
        while self.clock < end:
            self._tick(end)

    def finish(self) -> Outcome:
        """On to the horizon."""
        ticks = int(self._state.world[0]["ticks"])
        while self._due and self.clock < ticks:
            self._tick(ticks)
        loop.run_to_end(self._state)
        return outcome_of(self.compiled, self._state)

    def _tick(self, end: int) -> None:
        """One tick and the jump after it, no further than to `end` or the next order."""
        state = self._state
        control, tick = loop.begin(state), self.clock
        decide(state, control, tick)
        if control:
            self._give(tick)
        loop.advance(state)
        clock = self.clock
        ends = [end, *(max(each.tick, clock) for each in self._due)]
        ticks = min(int(loop.ticks_to_jump(state)), min(ends) - clock)
        if ticks > 0:
            skip(state, clock, clock + ticks)
            loop.jump(state, ticks)

    def _give(self, tick: int) -> None:
        """Write the orders that are due where the agents' acts stand, one a component."""
        later: list[_Due] = []
        busy: set[int] = set()
        for each in self._due:
            order = each.order
            if each.tick > tick or order.component in busy:
                later.append(each)
                continue
            slot = self._slot(order)
            if slot < 0:
                continue
            busy.add(order.component)
            self._write(order, slot)
            if order.times > 1:
                again = replace(order, times=order.times - 1)
                later.append(_Due(tick + 1, again))
        self._due = later

    def _write(self, order: Order, slot: int) -> None:
        act = self._state.agents["act"][order.component]
        act["kind"], act["slot"] = order.act, slot
        act["amount"], act["target"] = order.amount, order.target

    def _slot(self, order: Order) -> int:
        """The group of replicas that an order is for; -1 when none of them is ill any more."""
        if order.act not in (RESTART, CUSTOM_ACT):
            return 0
        component = self._state.comps[order.component]
        first, last = int(component["u0"]), int(component["u1"])
        for slot, unit in enumerate(self._state.units[first:last]):
            if unit["n"] > 0.0 and _is_ill(unit):
                return slot
        return -1


def _is_ill(unit: Any) -> bool:
    """Struck by a fault that holds it, or down without an order; not one that starts again."""
    if unit["up"] == 0:
        return bool(unit["down_by_act"] == 0)
    return bool(unit["held_by"].any())


def run_told(
    compiled: CompiledScenario, tables: PolicyTables, told: Iterable[tuple[float, Remedy]]
) -> Outcome:
    """One incident in which each remedy is ordered at its time, in seconds, in rising order."""
    run = Told(compiled, tables)
    dt = float(compiled.world["dt"][0])
    for at_s, remedy in told:
        run.run_until(round(at_s / dt))
        run.order(remedy)
    return run.finish()

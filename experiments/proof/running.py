"""Runs orders: here or in Ray tasks, in chunks fixed by plan, rows placed by index.

A task draws its failures for itself and runs every stack on each: what is shipped is small, and
neither how many work nor who is first can change a bit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hms.experiments.plan import Prices
from hms.experiments.proof.breakers import is_breaker, must_open, opened
from hms.experiments.proof.incidents import Order, drawn
from hms.experiments.proof.places import Place
from hms.experiments.proof.safety import KINDS, checked_run
from hms.experiments.proof.stacks import Stack
from hms.experiments.simulation import priced
from hms.scenarios.outcome import COLUMNS

Floats = NDArray[np.float64]

OPENED, MUST_OPEN = "opened", "must_open"
ALL_COLUMNS = (*COLUMNS, OPENED, MUST_OPEN, *KINDS)
FLUID, REQUEST, ORACLE = "fluid", "request", "oracle"
CHUNK = {FLUID: 4, REQUEST: 1, ORACLE: 1}
"""Failures of a task, each with all stacks."""
CHECKED_CHUNK = 24


@dataclass(frozen=True, slots=True)
class Setting:
    """What every task of a proof shares.

    Attributes:
        stacks: the champion first.
    """

    places: tuple[Place, ...]
    stacks: tuple[Stack, ...]

    def prices(self, order: Order) -> Prices:
        """What disruption costs where the order's failure is."""
        return self.places[order.place].prices if order.place >= 0 else Prices()


class Runner(Protocol):
    """Where orders are run."""

    def rows(
        self,
        orders: Sequence[Order],
        stacks: Sequence[int],
        engine: str,
        checked: bool,
        done: Callable[[int], None],
    ) -> Floats:
        """Every stack on every order, shape (orders, stacks, `ALL_COLUMNS`)."""
        ...


def run_orders(
    setting: Setting, orders: Sequence[Order], stacks: Sequence[int], engine: str, checked: bool
) -> Floats:
    """One task.

    Args:
        stacks: indices into the setting's.
        checked: look for breaches of the first of them, the champion (fluid only).
    """
    found = np.zeros((len(orders), len(stacks), len(ALL_COLUMNS)))
    for place, order in enumerate(orders):
        scenario, compiled = drawn(order, setting.places)
        for at, index in enumerate(stacks):
            stack = setting.stacks[index]
            if engine == ORACLE:
                row = _told(setting, scenario, compiled)
            elif engine == REQUEST:
                row = _requests(stack, scenario, compiled)
            else:
                row = _flows(stack, scenario, compiled, checked and at == 0)
            row[: len(COLUMNS)] = priced(row[None, : len(COLUMNS)], setting.prices(order))[0]
            found[place, at] = row
    return found


def _flows(stack: Stack, scenario: Any, compiled: Any, checked: bool) -> Floats:
    from hms.scenarios.engines.fluid import engine

    row = np.zeros(len(ALL_COLUMNS))
    tables = stack.tables(scenario)
    if not checked:
        row[: len(COLUMNS)] = engine.run(compiled, tables).row()
        return row
    outcome, breaches = checked_run(compiled, tables, scenario)
    row[: len(COLUMNS)] = outcome.row()
    row[-len(KINDS) :] = [breaches[kind] for kind in KINDS]
    return row


def _told(setting: Setting, scenario: Any, compiled: Any) -> Floats:
    """The best that knowing fault and place could make of it, over all baselines' data planes."""
    from hms.evolution.oracle.best import best_row, planes, ranked
    from hms.scenarios.policy_tables import tables

    policies = {s.name: s.policy for s in setting.stacks[1:] if s.policy is not None}
    found = [
        best_row(tables(plane, scenario), compiled)[: len(COLUMNS)]
        for plane in planes(policies).values()
    ]
    row = np.zeros(len(ALL_COLUMNS))
    row[: len(COLUMNS)] = found[ranked(np.array(found))[0]]
    return row


def _requests(stack: Stack, scenario: Any, compiled: Any) -> Floats:
    from hms.experiments.request_run import EVENT_BUDGET
    from hms.scenarios.engines.request.build import Budget
    from hms.scenarios.engines.request.engine import run

    row = np.zeros(len(ALL_COLUMNS))
    breaks = is_breaker(stack)
    outcome = run(
        compiled, stack.tables(scenario), record=breaks, budget=Budget(events=EVENT_BUDGET)
    )
    row[: len(COLUMNS)] = outcome.row()
    if breaks and stack.policy is not None:
        row[ALL_COLUMNS.index(OPENED)] = float(opened(outcome.events))
        row[ALL_COLUMNS.index(MUST_OPEN)] = float(must_open(stack.policy, scenario))
    return row


def column(rows: Floats, name: str) -> Floats:
    """One column, shape (orders, stacks)."""
    found: Floats = rows[..., ALL_COLUMNS.index(name)]
    return found


@dataclass(frozen=True, slots=True)
class SerialRunner:
    """Runs orders in this process."""

    setting: Setting

    def rows(
        self,
        orders: Sequence[Order],
        stacks: Sequence[int],
        engine: str,
        checked: bool,
        done: Callable[[int], None],
    ) -> Floats:
        """See `Runner.rows`."""
        parts = []
        for part in _chunks(orders, stacks, engine):
            parts.append(run_orders(self.setting, part, stacks, engine, checked))
            done(sum(len(each) for each in parts) * len(stacks))
        return _joined(parts, stacks)


@dataclass(frozen=True, slots=True)
class RayRunner:
    """Runs orders in Ray tasks; `shared` is the setting in Ray's store."""

    ray: Any
    shared: Any

    def rows(
        self,
        orders: Sequence[Order],
        stacks: Sequence[int],
        engine: str,
        checked: bool,
        done: Callable[[int], None],
    ) -> Floats:
        """See `Runner.rows`."""
        task = self.ray.remote(num_cpus=1)(run_orders)
        chunks = list(_chunks(orders, stacks, engine))
        waiting = [task.remote(self.shared, part, list(stacks), engine, checked) for part in chunks]
        parts: list[Floats] = []
        for reference in waiting:
            parts.append(self.ray.get(reference))
            done(sum(len(each) for each in parts) * len(stacks))
        return _joined(parts, stacks)


def _chunks(
    orders: Sequence[Order], stacks: Sequence[int], engine: str
) -> Iterator[Sequence[Order]]:
    size = CHECKED_CHUNK if len(stacks) == 1 and engine == FLUID else CHUNK[engine]
    for start in range(0, len(orders), size):
        yield orders[start : start + size]


def _joined(parts: list[Floats], stacks: Sequence[int]) -> Floats:
    empty = np.zeros((0, len(stacks), len(ALL_COLUMNS)))
    return np.concatenate(parts) if parts else empty


@contextmanager
def runner(setting: Setting, workers: int, first: Order) -> Iterator[Runner]:
    """Hands for a proof: this process alone for one worker, else Ray's tasks.

    The engines are compiled here first: several processes on an empty cache would each do it.
    """
    if workers == 1:
        yield SerialRunner(setting)
        return
    from hms.agents.mac import cluster
    from hms.experiments.steps.workers import share_machine_code

    share_machine_code()
    run_orders(setting, [first], [0], FLUID, False)
    with redirect_stdout(sys.stderr), cluster.start(workers) as hands:
        yield RayRunner(hands.ray, hands.ray.put(setting))

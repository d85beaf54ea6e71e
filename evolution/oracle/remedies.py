"""What can be done about a known fault at a known place: every act, with typical amounts.

A remedy is a handful of orders given at one moment. Acts that a component does to itself go to
the place of the fault; those that its callers do (answer locally, drop connections, stop
repeating) go to all of them at once. Of a load spike the place is the whole system.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hms.agents.policy.kinds import (
    ADJUST,
    CUSTOM_ACT,
    FALLBACK,
    RECONNECT,
    RESTART,
    SCALE,
    TARGET_LIMIT,
    TARGET_MAX_ATTEMPTS,
    TARGET_QUEUE_LIMIT,
)
from hms.scenarios.compile import CompiledScenario
from hms.scenarios.fault_model import Fault

FALLBACK_S = (60.0, 300.0)
ADDED = (1.0, 3.0)  # replicas; the engine adds no more than twice what there is
LIMITS = (8.0, 24.0)
QUEUE_LIMITS = (8.0,)
ROLL_BACK = 0  # the custom act that engines know
MOST_RESTARTS = 4


@dataclass(frozen=True, slots=True)
class Order:
    """One act of one component.

    Attributes:
        component: its index in the engine's order.
        act: a code of kinds.py.
        amount, target: as in a step of a ladder.
        times: how often, a control period apart; of ill replicas each time another one.
    """

    component: int
    act: int
    amount: float = 0.0
    target: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Remedy:
    """Orders given together; none for doing nothing."""

    name: str
    orders: tuple[Order, ...] = ()


NOTHING = Remedy("nothing")


def remedies(compiled: CompiledScenario, fault: Fault) -> list[Remedy]:
    """All remedies for a fault, doing nothing first."""
    place = {name: i for i, name in enumerate(compiled.names)}
    served = [i for i, c in enumerate(compiled.components) if not c["client"]]
    if fault.edge is not None:
        caller, callee = (place[name] for name in fault.edge)
        own = [i for i in (caller, callee) if i in served]
        found = [each for i in own for each in _of_replicas(compiled, [i])]
        callers = [i for i in [caller] if i in served]
    elif fault.component:
        at = place[fault.component]
        found = _of_replicas(compiled, [at])
        callers = _callers(compiled, at, served)
    else:
        found, callers = _of_replicas(compiled, served), served
    return [NOTHING, *found, *_of_callers(compiled, callers)]


def _callers(compiled: CompiledScenario, callee: int, served: Sequence[int]) -> list[int]:
    edges = compiled.edges
    return sorted({int(e["caller"]) for e in edges if e["callee"] == callee} & set(served))


def _of_replicas(compiled: CompiledScenario, at: Sequence[int]) -> list[Remedy]:
    """What components do to themselves, all of `at` alike."""
    named = compiled.names[at[0]] if len(at) == 1 else "all"
    found = [_all(f"scale {named} by {n:g}", at, SCALE, n) for n in ADDED]
    found += [_all(f"limit {named} to {n:g}", at, ADJUST, n, TARGET_LIMIT) for n in LIMITS]
    found += [
        _all(f"queue of {named} to {n:g}", at, ADJUST, n, TARGET_QUEUE_LIMIT) for n in QUEUE_LIMITS
    ]
    if len(at) == 1:
        found.append(_all(f"restart {named}", at, RESTART, times=MOST_RESTARTS))
        found.append(_all(f"roll back {named}", at, CUSTOM_ACT, target=ROLL_BACK))
    return found


def _of_callers(compiled: CompiledScenario, callers: Sequence[int]) -> Iterator[Remedy]:
    if not callers:
        return
    edges = compiled.edges
    soft = sorted({int(e["caller"]) for e in edges if e["soft"] == 1} & set(callers))
    for duration_s in FALLBACK_S if soft else ():
        yield _all(f"answer locally for {duration_s:g} s", soft, FALLBACK, duration_s)
    yield _all("reconnect", callers, RECONNECT)
    yield _all("no retries", callers, ADJUST, 1.0, TARGET_MAX_ATTEMPTS)


def _all(
    name: str, at: Sequence[int], act: int, amount: float = 0.0, target: int = 0, times: int = 1
) -> Remedy:
    return Remedy(name, tuple(Order(i, act, amount, target, times) for i in at))

"""What a protected call costs while all goes well, and what a dependency takes in memory.

Exactly `create_basic_self_healing("x").guard("db")(f)`: thread-safe, a window of 20 calls, slow
calls and calls in flight watched. Beside it, in turn in one run, what others do: circuitbreaker
(counts failures in a row; no lock, no window), pybreaker (a lock around the call), tenacity
(retries alone), and a decorator that does nothing.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

from hms.experiments.bench.figure import Figure
from hms.experiments.bench.size import Size
from hms.experiments.bench.timing import in_turn

GROUP = "calls"
CALLS = 50_000
MILLION = 1_000_000
SYNC, ASYNC = "protected call, sync", "protected call, async"
PEERS = {"circuitbreaker, sync": SYNC, "circuitbreaker, async": ASYNC}
GOALS = {SYNC: 0.33, ASYNC: 0.48}
DEPENDENCIES = 300
FURTHER = 100
SMALL_ROUNDS = 1  # then a million calls are too many

Call = Callable[[], Any]


def measure(size: Size) -> list[Figure]:
    """CPU time a call, in turn; the least of the rounds. Then bytes a dependency."""
    guards = [guard(), guard()]
    calls: dict[str, Call] = {
        SYNC: guards[0](callee),
        "circuitbreaker, sync": by_circuitbreaker(callee),
        "pybreaker, sync": by_pybreaker(callee),
        "tenacity, sync": by_tenacity(callee),
        "an empty decorator, sync": by_nothing(callee),
    }
    awaited: dict[str, Call] = {
        ASYNC: guards[1](callee_async),
        "circuitbreaker, async": by_circuitbreaker(callee_async),
        "an empty decorator, async": by_nothing_async(callee_async),
    }
    works = {name: _work(call) for name, call in calls.items()}
    works |= {name: _async_work(call) for name, call in awaited.items()}
    taken = in_turn(works, 2 * size.rounds + 1)
    micros = {
        name: [1e6 * each.cpu_s / each.answer for each in found] for name, found in taken.items()
    }
    return [
        *(_figure(name, micros) for name in micros),
        a_million(guards[0] if size.rounds > SMALL_ROUNDS else None, calls[SYNC]),
        *memory(),
    ]


def _figure(name: str, micros: dict[str, list[float]]) -> Figure:
    values = micros[name]
    rival = next((peer for peer, own in PEERS.items() if own == name), "")
    own = SYNC if name.endswith(", sync") else ASYNC
    return Figure(
        GROUP, name, min(values), "µs", clock="cpu", values=tuple(values),
        floor=min(micros[rival]) if rival else None, goal=GOALS.get(name),
        ours=None if name in GOALS else min(micros[own]),
    )  # fmt: skip


def a_million(guarded: Any, call: Call) -> Figure:
    """A million more calls of what was timed; its metrics must say exactly that many."""
    calls = MILLION if guarded is not None else CALLS
    made = guarded if guarded is not None else guard()
    call = call if guarded is not None else made(callee)
    before = made.metrics()
    for _ in range(calls):
        call()
    after = made.metrics()
    counted = after.ok - before.ok
    rest = after.admitted - after.ok - after.in_flight
    if counted != calls or rest != 0:
        raise ValueError(f"{counted} right of {calls} calls, {rest} otherwise")
    return Figure(
        GROUP, "right, of as many calls", float(counted), "", floor=float(calls),
        more_is_better=True, answer=f"{counted:,} ok",
    )  # fmt: skip


def memory() -> list[Figure]:
    """Bytes that a guarded dependency takes, with its decorated function; then each result."""
    usual, larger = _bytes_each(20), _bytes_each(20 + FURTHER)
    return [
        Figure(GROUP, "a guarded dependency", usual, "bytes", floor=3072.0),
        Figure(GROUP, "a further result", (larger - usual) / FURTHER, "bytes", goal=24.0),
    ]


def _bytes_each(window_calls: int) -> float:
    from hms.agents.healing.configuration.adaptation import Adaptation

    healing = instance()
    healing.dependencies.apply(Adaptation({"breaker.window_calls": window_calls}))
    healing.guard("first")(callee)()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = []
    for number in range(DEPENDENCIES):
        held.append(healing.guard(f"dependency {number}")(callee))
        for _ in range(window_calls):
            held[-1]()
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / DEPENDENCIES


def callee() -> int:
    """The least callee there is."""
    return 1


async def callee_async() -> int:
    """The same as a coroutine."""
    return 1


def instance() -> Any:
    """A Basic instance from its id alone."""
    from hms.agents.healing import create_basic_self_healing

    return create_basic_self_healing("x")


def guard() -> Any:
    """What the figure is about."""
    return instance().guard("db")


def by_circuitbreaker(function: Call) -> Call:
    """Its usual settings."""
    from circuitbreaker import CircuitBreaker

    return CircuitBreaker(name=f"bench {function.__name__}")(function)  # type: ignore[no-any-return]


def by_pybreaker(function: Call) -> Call:
    """Its usual settings."""
    from pybreaker import CircuitBreaker

    return CircuitBreaker()(function)


def by_tenacity(function: Call) -> Call:
    """Three attempts."""
    import tenacity

    return tenacity.retry(stop=tenacity.stop_after_attempt(3))(function)


def by_nothing(function: Call) -> Call:
    """A wrapper that passes everything on."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapped


def by_nothing_async(function: Call) -> Call:
    """The same for a coroutine function."""

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapped


def _work(call: Call) -> Callable[[], int]:
    def work() -> int:
        for _ in range(CALLS):
            call()
        return CALLS

    return work


def _async_work(call: Call) -> Callable[[], int]:
    async def calls() -> None:
        for _ in range(CALLS):
            await call()

    def work() -> int:
        asyncio.run(calls())
        return CALLS

    return work

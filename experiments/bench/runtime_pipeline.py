"""What a call through the whole pipeline costs while all goes well.

`create_basic_self_healing("x").guard("db", bulkhead=25, timeout=1.0)(f)` under a policy of three
attempts, so Retry > Bulkhead > Breaker > Timeout. The time-out is the default one of plain
functions, a deadline that the callee and every wait inside can see; one that frees its caller
needs another thread, and stands in a row of its own. Beside them tenacity, which does the
retries alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hms.experiments.bench.figure import Figure
from hms.experiments.bench.size import Size
from hms.experiments.bench.timing import in_turn

GROUP = "pipeline"
CALLS = 20_000
WHOLE = "whole pipeline, sync"
RETRIED = {"retry": {"max_attempts": 3}}


def measure(size: Size) -> list[Figure]:
    """CPU time a call, in turn; the least of the rounds."""
    works: dict[str, Callable[[], int]] = {
        WHOLE: guarded_work(),
        "the same, built by hand": built_work(),
        "another order: Breaker > Retry > Timeout": other_order_work(),
        "an empty decorator": empty_work(),
        "whole pipeline, async": async_work(),
        "a worker's time-out alone": worker_work(),
        "tenacity alone": tenacity_work(),
    }
    floors = {WHOLE: (1.5, 1.0)}
    taken = in_turn(works, 2 * size.rounds + 1)
    micros = {
        name: [1e6 * each.cpu_s / each.answer for each in found] for name, found in taken.items()
    }
    figures = []
    for name, values in micros.items():
        floor, goal = floors.get(name, (None, None))
        peer = None if name != "tenacity alone" else min(micros[WHOLE])
        figures.append(
            Figure(
                GROUP, name, min(values), "µs", clock="cpu", floor=floor, goal=goal, ours=peer,
                values=tuple(values), answer=f"{taken[name][-1].answer} right",
            )
        )
    return figures


def callee(value: int) -> int:
    """The least callee there is."""
    return value


async def callee_async(value: int) -> int:
    """The same as a coroutine."""
    return value


def guard() -> Any:
    """A guard of a Basic instance, with all that a call can pass by default."""
    from hms.agents.healing import AdaptiveConfig, create_basic_self_healing

    healing = create_basic_self_healing("x", store="memory")

    async def configure() -> None:
        await healing.initialize()
        await healing.apply_config(AdaptiveConfig(RETRIED, "bench", 1.0))

    asyncio.run(configure())
    made = healing.guard("db", bulkhead=25, timeout=1.0)
    if made.describe() != "Retry > Bulkhead > Breaker > Timeout":
        raise ValueError(f"the pipeline is {made.describe()}")
    return made


def guarded_work() -> Callable[[], int]:
    """As many calls as `CALLS`; answers how many the breaker counted as right."""
    protected_by = guard()
    protected = protected_by(callee)

    def work() -> int:
        before: int = protected_by.metrics().ok
        for _ in range(CALLS):
            protected(1)
        return int(protected_by.metrics().ok) - before

    return work


def async_work() -> Callable[[], int]:
    """The same calls of a coroutine function, a tenth as many."""
    protected_by = guard()
    protected = protected_by(callee_async)

    async def calls() -> None:
        for _ in range(CALLS // 10):
            await protected(1)

    def work() -> int:
        before: int = protected_by.metrics().ok
        asyncio.run(calls())
        return int(protected_by.metrics().ok) - before

    return work


def parts() -> tuple[Any, Any, Any, Any]:
    """Retry, Bulkhead, Breaker and Timeout, made by hand."""
    import random

    from hms.agents.healing.breaker.breaker import Breaker
    from hms.agents.healing.clock import MonotonicClock
    from hms.agents.healing.pipeline.bulkhead import Bulkhead
    from hms.agents.healing.pipeline.retry import Retry
    from hms.agents.healing.pipeline.timeout import Timeout
    from hms.agents.policy.parameters import BreakerParameters

    breaker = Breaker("db", BreakerParameters(), MonotonicClock(), random.random)
    return Retry(OSError), Bulkhead(25), breaker, Timeout(1.0)


def through(stages: tuple[Any, ...], calls: int = CALLS) -> Callable[[], int]:
    """Calls through these stages; answers how many values came back."""
    from hms.agents.healing.pipeline.pipeline import Pipeline

    protected = Pipeline.of(*stages, name="db")(callee)
    return lambda: sum(protected(1) for _ in range(calls))


def built_work() -> Callable[[], int]:
    """The same stages without an instance around."""
    return through(parts())


def other_order_work() -> Callable[[], int]:
    """An order that is not the default one: stage by stage."""
    retry, _, breaker, timeout = parts()
    return through((breaker, retry, timeout))


def worker_work() -> Callable[[], int]:
    """A time-out that frees its caller."""
    from hms.agents.healing.pipeline.timeout import Timeout

    return through((Timeout(1.0, on="worker"),), CALLS // 20)


def empty_work() -> Callable[[], int]:
    """What no decorator can go below."""

    def protected(*args: Any, **kwargs: Any) -> Any:
        return callee(*args, **kwargs)

    return lambda: sum(protected(1) for _ in range(CALLS))


def tenacity_work() -> Callable[[], int]:
    """Three attempts by tenacity, a tenth as many calls."""
    import tenacity

    protected = tenacity.retry(stop=tenacity.stop_after_attempt(3))(callee)
    return lambda: sum(protected(1) for _ in range(CALLS // 10))

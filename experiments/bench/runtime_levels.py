"""What a level costs, and what it buys: memory and time of an instance, and the same failures.

Memory is what an instance of each level holds (modules, and what all instances share, left out):
fresh, and after an hour of reports, one a second, with ten illnesses of half a minute. Time is a
report's. What a level buys is told by the fluid engine: held-out failures of the demo under the
policy that the level heals by when nobody gives it one (Advanced: the one that it falls back on
when an issue is complex, from the start).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import tracemalloc
from collections.abc import Callable
from typing import Any

from hms.experiments.bench.figure import Figure
from hms.experiments.bench.size import SMALL, Size
from hms.experiments.bench.timing import in_turn

GROUP = "levels"
LEVELS = ("Basic", "Advanced", "Full")
KIB_MOST = {"Basic": 16.0, "Advanced": 64.0, "Full": 256.0}
INSTANCES = 20
REPORTS = 20_000
HOUR_S = 3600
ILL_EVERY_S, ILL_FOR_S = 360, 30
FAILURES = 140  # the held-out set of the small budget


def measure(size: Size) -> list[Figure]:
    """Memory, time, then the failures: all of the held-out set, or as many as are timed."""
    logging.getLogger("hms.healing").setLevel(logging.CRITICAL)  # hundreds of instances fall ill
    figures = [*fresh_and_used()]
    works = {name: report_work(name) for name in LEVELS}
    taken = in_turn(works, 2 * size.rounds + 1)
    for name, found in taken.items():
        nanoseconds = [1e9 * each.cpu_s / REPORTS for each in found]
        figures.append(
            Figure(
                GROUP, f"{name}: a report", min(nanoseconds), "ns", clock="cpu",
                floor=3000.0 if name == "Basic" else None, values=tuple(nanoseconds),
                answer=str(found[-1].answer),
            )
        )
    return [*figures, *bought(size.incidents if size is SMALL else FAILURES)]


def instance(level: str, **settings: Any) -> Any:
    """An initialised instance of a level, kept in memory only."""
    from hms.agents.healing.configuration.config import HealingLevel, UnifiedHealingConfig
    from hms.agents.healing.factory import create_self_healing

    config = UnifiedHealingConfig("x", HealingLevel(level))
    made = create_self_healing(config, store="memory", **settings)
    asyncio.run(made.initialize())
    return made


def fresh_and_used() -> list[Figure]:
    """KiB of an instance of each level."""
    figures = []
    for level in LEVELS:
        kib: dict[str, float] = {}
        for state, use in (("fresh", lambda *given: None), ("after an hour", an_hour)):
            kib[state] = kib_each(level, use)
        figures += [
            Figure(GROUP, f"{level}: {state}", got, "KiB", floor=KIB_MOST[level])
            for state, got in kib.items()
        ]
    return figures


def kib_each(level: str, use: Callable[[Any, Any], None]) -> float:
    """Memory that one more instance takes, once the first has loaded what all share.

    The clock that is moved is one for all: a service's own has nothing to keep.
    """
    from hms.agents.healing.clock import FakeClock

    clock = FakeClock()

    def made() -> Any:
        healing = instance(level, clock=clock)
        use(healing, clock)
        return healing

    kept = [made()]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept += [made() for _ in range(INSTANCES)]
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / INSTANCES / 1024.0


def an_hour(healing: Any, clock: Any) -> None:
    """A report a second; ill now and then, and looked after each second."""
    from hms.agents.healing.interface import HealthMetrics

    async def reports() -> None:
        for second in range(HOUR_S):
            clock.advance(1.0)
            ill = second % ILL_EVERY_S < ILL_FOR_S
            healing.report(
                HealthMetrics(20.0, 200.0, 50.0, 60.0 if ill else 1.0, 100.0 + second % 7)
            )
            await healing.heal()

    asyncio.run(reports())


def report_work(level: str) -> Callable[[], int]:
    """As many reports as `REPORTS` of a component that is well; answers how many were taken."""
    from hms.experiments.bench.runtime_reports import report_of

    healing = instance(level)
    metrics, report = report_of(), healing.report

    def work() -> int:
        return sum(report(metrics) for _ in range(REPORTS))

    return work


def bought(failures: int) -> list[Figure]:
    """Downtime, disruption and failures never ended, of each level on the same failures."""
    from hms.agents.healing.configuration.config import HealingLevel
    from hms.agents.healing.default_policy import default_policy, evolved_policy
    from hms.experiments.bench.demo import load_demo
    from hms.scenarios.engines.fluid import engine
    from hms.scenarios.policy_tables import tables

    demo = load_demo()
    compiled = demo.drawn("held_out", failures).compiled
    figures = []
    for level in LEVELS:
        of = HealingLevel(level)
        policy = default_policy(of) if of is HealingLevel.BASIC else evolved_policy(of)
        tabled = tables(policy, demo.topology)
        outcomes = [engine.run(each, tabled, fast_forward=True) for each in compiled]
        n = float(len(outcomes))
        told = {
            "downtime": (math.fsum(each.downtime_s for each in outcomes) / n, "s"),
            "disruption": (math.fsum(each.disruption_s for each in outcomes) / n, "s"),
            "never ended": (float(sum(not each.recovered for each in outcomes)), ""),
        }
        figures += [
            Figure(GROUP, f"{level}: {what}, {len(outcomes)} failures", got, unit)
            for what, (got, unit) in told.items()
        ]
    return figures

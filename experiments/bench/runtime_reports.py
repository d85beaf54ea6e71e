"""What a report costs: `create_basic_self_healing("x").report(metrics)`, and what it leaves.

The instance judges each report, watches for what is unusual, keeps a history and looks whether
an act is due. Beside it stand the least that anyone could do, the values checked and kept under
a lock, and what services do today, five gauges of the Prometheus client set.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from statistics import median
from typing import Any

from hms.experiments.bench.figure import Figure
from hms.experiments.bench.size import Size
from hms.experiments.bench.timing import in_turn

GROUP = "reports"
CALLS = 20_000
GROWN_AFTER = 100_000


def measure(size: Size) -> list[Figure]:
    """CPU time a report, in turn; then memory after a million (whole) or 200,000 (small)."""
    works = {"report at Basic": instance_work(), "kept under a lock": kept_work(),
             "five gauges set": gauges_work()}  # fmt: skip
    taken = in_turn(works, 2 * size.rounds + 1)
    micros = {
        name: [1e6 * each.cpu_s / CALLS for each in found] for name, found in taken.items()
    }
    least = {name: min(values) for name, values in micros.items()}
    answers = {name: str(found[-1].answer) for name, found in taken.items()}
    ours = least["report at Basic"]
    figures = [
        Figure(
            GROUP, name, least[name], "µs", clock="cpu", values=tuple(values),
            floor=3.0 if name == "report at Basic" else None,
            ours=None if name == "report at Basic" else ours, answer=answers[name],
        )
        for name, values in micros.items()
    ]
    spans = in_turn({"span": spaced_work()}, size.rounds)["span"]
    figures.append(
        Figure(
            GROUP, "a report a second: each ends a span",
            median(1e6 * each.cpu_s / (CALLS // 10) for each in spans), "µs", clock="cpu",
        )
    )
    count = 1_000_000 if size.rounds > 1 else 2 * GROWN_AFTER
    grown = grown_mib(count)
    figures.append(
        Figure(GROUP, f"memory grown, {count:,} reports", max(grown, 0.01), "MiB", floor=5.0)
    )
    return figures


def report_of(**changed: Any) -> Any:
    """A report of a component that is well."""
    from hms.agents.healing.interface import HealthMetrics

    return HealthMetrics(
        **{"cpu_usage_percent": 20.0, "memory_usage_mb": 200.0, "response_time_ms": 50.0,
           "error_rate_percent": 1.0, "throughput_rps": 100.0, **changed}
    )  # fmt: skip


def basic_instance(**settings: Any) -> Any:
    """An initialised instance of level Basic, kept in memory only."""
    from hms.agents.healing.factory import create_basic_self_healing

    healing = create_basic_self_healing("x", **settings)
    asyncio.run(healing.initialize())
    return healing


def instance_work() -> Callable[[], int]:
    """As many reports as `CALLS`; answers how many were accepted."""
    healing = basic_instance()
    metrics, report = report_of(), healing.report

    def work() -> int:
        return sum(report(metrics) for _ in range(CALLS))

    return work


def spaced_work() -> Callable[[], int]:
    """A tenth as many, each a second after the other."""
    from hms.agents.healing.clock import FakeClock

    clock = FakeClock()
    healing = basic_instance(clock=clock)
    metrics, report, advance = report_of(), healing.report, clock.advance

    def work() -> int:
        taken = 0
        for _ in range(CALLS // 10):
            advance(1.0)
            taken += report(metrics)
        return taken

    return work


def kept_work() -> Callable[[], int]:
    """The least: every value finite and not negative, the report kept."""
    lock, metrics = threading.Lock(), report_of()
    kept: list[Any] = [None]

    def report(metrics: Any) -> bool:
        with lock:
            values = (
                metrics.cpu_usage_percent, metrics.memory_usage_mb, metrics.response_time_ms,
                metrics.error_rate_percent, metrics.throughput_rps,
            )
            for value in values:
                if not math.isfinite(value) or value < 0.0:
                    return False
            kept[0] = metrics
            return True

    def work() -> int:
        return sum(report(metrics) for _ in range(CALLS))

    return work


def gauges_work() -> Callable[[], int]:
    """What a service does today: a gauge for each value."""
    from prometheus_client import CollectorRegistry, Gauge

    registry, metrics = CollectorRegistry(), report_of()
    names = (
        "cpu_usage_percent", "memory_usage_mb", "response_time_ms", "error_rate_percent",
        "throughput_rps",
    )
    gauges = [(name, Gauge(name, name, registry=registry)) for name in names]

    def report(metrics: Any) -> bool:
        for name, gauge in gauges:
            gauge.set(getattr(metrics, name))
        return True

    def work() -> int:
        return sum(report(metrics) for _ in range(CALLS))

    return work


def grown_mib(reports: int) -> float:
    """Resident memory after so many reports, beyond that after the first 100,000.

    Twenty reports a second, so that spans, minutes and hours fill; one in 50 names a custom
    metric that was never seen before, one in 500 is ill.
    """
    from hms.agents.healing.clock import FakeClock
    from hms.agents.healing.health.collector import BYTES_PER_MB, ProcessCollector

    clock, collector = FakeClock(), ProcessCollector()
    healing = basic_instance(clock=clock, memory_limit_mb=1000.0)
    well = report_of()
    before_mb = 0.0
    for i in range(reports):
        clock.advance(0.05)
        metrics = well
        if i % 50 == 0:
            metrics = report_of(custom={f"queue {i}": float(i)}, error_rate_percent=i % 500 // 9)
        healing.report(metrics)
        if i == GROWN_AFTER - 1:
            before_mb = collector.sample(0.0)[1]
    return (collector.sample(1.0)[1] - before_mb) * BYTES_PER_MB / 2**20

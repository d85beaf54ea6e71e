"""What only an engine of single requests can tell of a run: latencies, counts, openings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hms.experiments.report.numbers import three_digits
from hms.scenarios.engines.request.results import RequestOutcome
from hms.scenarios.outcome import Outcome

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def request_lines(outcome: Outcome) -> Iterator[str]:
    """Below the verdict: whether the run was cut short, then the figures; of means, nothing."""
    if not isinstance(outcome, RequestOutcome):
        return
    yield ""
    if outcome.stopped:
        yield (
            f"STOPPED at {outcome.reached_s:.1f} s: {outcome.stopped}; all figures are of the time"
            " before (--event-budget N allows more)"
        )
    for entry, sketch in outcome.latencies.items():
        if sketch.n == 0:
            yield f"latency       {entry}: nothing sent after the warm-up was answered well"
            continue
        told = ", ".join(
            f"{name} {three_digits(1e3 * sketch.quantile(q))}" for name, q in QUANTILES.items()
        )
        yield f"latency       {entry}: {told} ms (within 1 %; of {sketch.n} answered well)"
    yield (
        f"requests      {outcome.arrived} arrived, {outcome.served} served,"
        f" {outcome.failed} failed, {outcome.dropped} dropped,"
        f" {outcome.in_system} in the system at the end"
    )
    yield f"calls         {outcome.amplification:.3f} attempts for each call"
    opened = outcome.breaker_openings
    if opened:
        told = ", ".join(f"{a} -> {b} {n}" for (a, b), n in opened.items())
        yield f"openings      {told}"


def request_mapping(outcome: Outcome) -> dict[str, Any]:
    """The same for `--json`, under one key."""
    if not isinstance(outcome, RequestOutcome):
        return {}
    told = {
        "stopped": outcome.stopped,
        "reached_s": outcome.reached_s,
        "latency_s": {
            entry: {name: sketch.quantile(q) for name, q in QUANTILES.items()} if sketch.n else {}
            for entry, sketch in outcome.latencies.items()
        },
        "requests": {
            name: getattr(outcome, name)
            for name in ("arrived", "served", "failed", "dropped", "in_system")
        },
        "amplification": outcome.amplification,
        "openings": {f"{a} -> {b}": n for (a, b), n in outcome.breaker_openings.items()},
        "events_done": outcome.events_done,
    }
    return {"request": told}

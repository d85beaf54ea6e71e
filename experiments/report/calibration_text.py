"""A calibration as text: what was fitted, how sure, from how much, and what error is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hms.experiments.calibration.calibrate import Calibrated
from hms.experiments.calibration.fitted import Station, Value
from hms.experiments.calibration.left_over import Left
from hms.scenarios.model import Component, Range

MANY = 10.0
LARGE = 0.15
"""Error left from which a row is marked: the scenario says something else than the data."""


def lines(done: Calibrated, output: str | None, scenario: str) -> Iterator[str]:
    """The whole answer of `hms calibrate`."""
    found = done.found
    yield f"{done.before.name}: {found.rule}"
    yield ""
    if found.stations:
        yield from _stations(done)
        yield ""
    yield from _edges(done)
    for entry, rate in found.loads.items():
        yield f"load of {entry}: {_spread(rate, 1.0)} requests/s, from {rate.count}"
    for note in found.notes:
        yield f"note: {note}"
    large = [left for left in done.left if abs(left.error) > LARGE]
    if large:
        names = ", ".join(left.name for left in large)
        yield f"* more than {LARGE:.0%} off: {names}. Look at cores, replicas, workers, calls"
    if output is not None:
        yield f"wrote {output}; next: hms simulate {scenario} --overlay {output}"


def _stations(done: Calibrated) -> Iterator[str]:
    left = {each.name: each for each in done.left}
    names = list(done.found.stations)
    width = max(len("component"), *(len(name) for name in names))
    yield (
        f"{'component':<{width}}  service ms [95 %]         was       cv           from"
        "     time in it: data, model, error"
    )
    how: dict[str, None] = {}
    for name, station in done.found.stations.items():
        service = station.service
        told = _spread(service, 1e3) if service else "-"
        count = f"{service.count}" if service else "-"
        cv = f"{station.cv.value:.2f}" if station.cv else "-"
        if service:
            how.setdefault(service.how)
        yield (
            f"{name:<{width}}  {told:<24}  {_was(done.before.components[name]):<8}  {cv:<5}"
            f"  {count:>9}     {_error(left.get(name), station)}"
        )
    for each in how:
        yield f"service times: {each}"


def _error(left: Left | None, station: Station) -> str:
    if left is None:
        used = station.seen_utilisation
        return f"CPU {used:.0%} measured" if used is not None else "not measured"
    mark = " *" if abs(left.error) > LARGE else ""
    times = left.model_s / left.measured_s
    error = f"{left.error:+.1%}" if times < MANY else f"× {times:.0f}"
    return f"{left.measured_s * 1e3:.3g} ms, {left.model_s * 1e3:.3g} ms, {error}{mark}"


def _was(component: Component) -> str:
    """What the scenario said before."""
    value = component.service_time_s
    if isinstance(value, Range):
        return f"{value.low * 1e3:g}-{value.high * 1e3:g}"
    return f"{value * 1e3:g}"


def _edges(done: Calibrated) -> Iterator[str]:
    for (caller, callee), calls in done.found.calls.items():
        network = done.found.network_s.get((caller, callee))
        told = f"; network {_spread(network, 1e3)} ms one way" if network else ""
        yield f"{caller} -> {callee}: {_spread(calls, 1.0)} calls a request{told}"
    if done.found.calls:
        yield ""


def _spread(value: Value, factor: float) -> str:
    """`4.02 [3.90, 4.13]`."""
    low, middle, high = (each * factor for each in (value.low, value.value, value.high))
    return f"{middle:.3g} [{low:.3g}, {high:.3g}]"


def mapping(done: Calibrated, output: str | None) -> dict[str, Any]:
    """What `--json` prints, in seconds and per second."""
    found = done.found
    return {
        "scenario": done.before.name,
        "overlay": output,
        "rule": found.rule,
        "components": {
            name: {
                "service_s": asdict(station.service) if station.service else None,
                "service_cv": asdict(station.cv) if station.cv else None,
                "rate_rps": station.rate_rps,
                "measured_utilisation": station.seen_utilisation,
            }
            for name, station in found.stations.items()
        },
        "calls": {" -> ".join(ends): asdict(value) for ends, value in found.calls.items()},
        "network_s": {" -> ".join(ends): asdict(v) for ends, v in found.network_s.items()},
        "loads": {entry: asdict(value) for entry, value in found.loads.items()},
        "error_left": {
            left.name: {
                "measured_s": left.measured_s, "model_s": left.model_s, "error": left.error
            }
            for left in done.left
        },
        "notes": list(found.notes),
    }  # fmt: skip

"""A calibration as an overlay of the scenario: measured values, each with its source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from hms.experiments.calibration.fitted import Calibration, Value
from hms.scenarios.model import Scenario, Workload
from hms.scenarios.provenance import MEASURED
from hms.scenarios.scenario_yaml import to_yaml

SOURCE = "measured"
LEAST_MS = 0.001
DIGITS = 4


def overlay_mapping(
    scenario: Scenario, found: Calibration, files: Sequence[str]
) -> dict[str, Any]:
    """The overlay in the form of a scenario file."""
    components: dict[str, dict[str, Any]] = {}
    for name, station in found.stations.items():
        fields: dict[str, Any] = {}
        if station.service is not None:
            value = max(LEAST_MS, _digits(station.service.value * 1e3))
            fields["service_time_ms"] = _from(value)
        if station.cv is not None:
            fields["service_cv"] = _from(_digits(station.cv.value))
        if fields:
            components[name] = fields
    edges: dict[str, dict[str, Any]] = {}
    for (caller, callee), calls in found.calls.items():
        edges.setdefault(f"{caller} -> {callee}", {})["calls"] = _measured(calls)
    for (caller, callee), network in found.network_s.items():
        entry = edges.setdefault(f"{caller} -> {callee}", {})
        entry["network_ms"] = _from(_digits(network.value * 1e3))
    data = {
        "schema": "hms.scenario/1",
        "sources": {
            SOURCE: {
                "file": ", ".join(PurePath(file).name for file in files)[:200],
                "rule": found.rule,
                "sure": MEASURED,
            }
        },
        "workload": [
            _load(load, found.loads[load.entry])
            for load in scenario.workload
            if load.entry in found.loads and is_plain(load)
        ],
        "components": components,
        "edges": edges,
    }
    return {key: value for key, value in data.items() if value}


def overlay_text(data: dict[str, Any]) -> str:
    """The overlay as YAML."""
    return to_yaml(data)


def is_plain(load: Workload) -> bool:
    """Whether a mean rate says all of a load: no shape of its own, no loop of users."""
    return load.kind == "constant" and not load.closed


def _load(load: Workload, rate: Value) -> dict[str, Any]:
    """A load at the measured rate."""
    item: dict[str, Any] = {"entry": load.entry, "client": load.client, "kind": "constant"}
    return item | {"rate_rps": _measured(rate)}


def _measured(value: Value) -> dict[str, Any]:
    return _from(_digits(value.value))


def _from(value: float) -> dict[str, Any]:
    return {"is": value, "from": SOURCE}


def _digits(value: float) -> float:
    """Four digits: more would be an accident of the sample."""
    return float(f"{value:.{DIGITS}g}")

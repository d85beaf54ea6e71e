"""What of a scenario is only guessed, and the scenario with other values of it.

A range is drawn from as it stands. Of a single number that was guessed nobody said how far off it
may be: it is taken from half to double, on five levels (a new level of workers or of queue places
costs the engine a table).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hms.scenarios.file_keys import COMPONENT_KEYS, EDGE_KEYS, INTEGER, RATE_KEY, FileKey
from hms.scenarios.model import Component, Edge, Range, Scenario, Workload
from hms.scenarios.provenance import DERIVED, GUESSED, STATED, origin_of

LEVELS = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Times the guess: its values on equal shares of the unit interval."""

IDLE_MEMORY = 0.75
"""Of a memory limit: a process slows above 80 % of it."""

VARIED = (
    "workers", "queue_limit", "service_time_ms", "service_cv", "startup_s", "memory_mb", "calls",
    "network_ms", "timeout_ms", "rate_rps",
)  # fmt: skip
"""File keys of quantities that a guess may be off in; the others are decisions of somebody."""

COMPONENTS, EDGES, LOADS = "components", "edges", "workload"
Holder = Component | Edge | Workload


@dataclass(frozen=True, slots=True)
class Unknown:
    """One guessed quantity.

    Attributes:
        section, name: whose it is: `components` and `cart`, `edges` and `web -> cart`, `workload`
            and the number in the list.
        key: as the scenario file writes it.
        low, high: in the file's unit.
        guess: of a single number, in the model's unit; None for a range.
    """

    section: str
    name: str
    key: str
    low: float
    high: float
    sure: str
    between: Range | None
    guess: float | None
    label: str

    @property
    def spec(self) -> FileKey:
        """Its row in the table of keys."""
        return _keys(self.section)[self.key]

    def at(self, u: float) -> float | int:
        """The value at `u` in [0, 1), in the model's unit."""
        if self.between is not None:
            return self.between.at(u)
        assert self.guess is not None
        value = self.guess * LEVELS[int(u * len(LEVELS))]
        if self.spec.kind == INTEGER:
            return max(1, round(value))
        return float(f"{value:.12g}")


def unknowns(scenario: Scenario) -> list[Unknown]:
    """Every quantity of the scenario that is a range or was guessed, in the file's order."""
    found: list[Unknown] = []
    for section, name, holder, label in _holders(scenario):
        for key, spec in _keys(section).items():
            value = getattr(holder, spec.field) if key in VARIED else None
            if value is None or isinstance(value, str | bool):
                continue
            sure = origin_of(holder, key).sure
            if isinstance(value, Range) and value.high > value.low:
                # a range that somebody stated is still a range
                sure = sure if sure in (STATED, DERIVED, GUESSED) else GUESSED
                low, high = _in_file(value.low, spec), _in_file(value.high, spec)
                found.append(Unknown(section, name, key, low, high, sure, value, None, label))
            elif not isinstance(value, Range) and sure == GUESSED and value > 0:
                between = _room(holder, key, float(value))
                low, high = (value * factor for factor in (LEVELS[0], LEVELS[-1]))
                if between is not None:
                    low, high = between.low, between.high
                low, high = _in_file(low, spec), _in_file(high, spec)
                guess = None if between is not None else float(value)
                found.append(Unknown(section, name, key, low, high, sure, between, guess, label))
    return found


def _room(holder: Holder, key: str, guess: float) -> Range | None:
    """Idle memory lies below where the component would be slow without any load."""
    limit_mb = holder.memory_limit_mb if isinstance(holder, Component) else 0.0
    if key != "memory_mb" or limit_mb <= 0.0:
        return None
    return Range(LEVELS[0] * guess, max(guess, min(LEVELS[-1] * guess, IDLE_MEMORY * limit_mb)))


def with_values(
    scenario: Scenario, chosen: Sequence[Unknown], values: Sequence[float | int]
) -> Scenario:
    """The scenario with values of the chosen quantities, in the model's units."""
    changes: dict[tuple[str, str], dict[str, Any]] = {}
    for unknown, value in zip(chosen, values, strict=True):
        fields = changes.setdefault((unknown.section, unknown.name), {})
        fields[unknown.spec.field] = value

    def changed(section: str, name: str, holder: Any) -> Any:
        fields = changes.get((section, name))
        return replace(holder, **fields) if fields else holder

    return replace(
        scenario,
        workload=tuple(
            changed(LOADS, str(i), load) for i, load in enumerate(scenario.workload)
        ),
        components={n: changed(COMPONENTS, n, c) for n, c in scenario.components.items()},
        edges=tuple(changed(EDGES, edge.name, edge) for edge in scenario.edges),
    )


def _holders(scenario: Scenario) -> list[tuple[str, str, Holder, str]]:
    parts: list[tuple[str, str, Holder, str]] = [
        (COMPONENTS, name, component, name)
        for name, component in scenario.components.items()
        if component.kind != "client"
    ]
    parts += [(EDGES, edge.name, edge, edge.name) for edge in scenario.edges]
    parts += [(LOADS, str(i), load, f"load of {load.entry}")
              for i, load in enumerate(scenario.workload) if not load.closed]  # fmt: skip
    return parts


def _keys(section: str) -> Mapping[str, FileKey]:
    if section == LOADS:
        return {"rate_rps": RATE_KEY}
    return COMPONENT_KEYS if section == COMPONENTS else EDGE_KEYS


def _in_file(value: float, spec: FileKey) -> float:
    """A value in the file's unit."""
    return float(f"{value * (1e3 if spec.milliseconds else 1.0):.6g}")

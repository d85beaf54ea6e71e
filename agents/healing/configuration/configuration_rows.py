"""The configuration as rows of the audit trail: what was in force, packed and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from hms.agents.healing.configuration.adaptation import placed
from hms.agents.healing.configuration.adapted_values import Adaptation
from hms.agents.healing.store.records import ConfigurationRecord
from hms.agents.policy.policy_values import Problem
from hms.errors import ConfigRefused

DOORS = ("local", "supervisor", "operator")
"""From the weakest to the strongest."""

VERSIONS_KEPT = 100
Layers: TypeAlias = "Mapping[str, Adaptation]"


@dataclass(frozen=True, slots=True)
class InForce:
    """Everything that a row had in force.

    Attributes:
        layers: of each door.
        newest_s: of each door, the newest timestamp of each source.
        floor_s: of each door, what sources no longer known must be newer than.
    """

    layers: Layers
    newest_s: Mapping[str, Mapping[str, float]]
    floor_s: Mapping[str, float]

    def packed(self) -> str:
        """As JSON text."""
        layers = {name: layer.to_json() for name, layer in self.layers.items()}
        told = {"layers": layers, "newest_s": self.newest_s, "floor_s": self.floor_s}
        return json.dumps(told, separators=(",", ":"))


def unpacked(row: ConfigurationRecord) -> InForce:
    """What a row had in force.

    Raises:
        ConfigRefused: it is torn, or this version takes a value of it for none.
    """
    problems: list[Problem] = []
    try:
        data = json.loads(row.in_force)
        layers = {
            name: Adaptation.from_json(data["layers"].get(name, {}), problems) for name in DOORS
        }
        found = InForce(layers, dict(data["newest_s"]), dict(data["floor_s"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigRefused([Problem((), f"version {row.version} is torn: {error}")]) from None
    if problems:
        raise ConfigRefused(placed(problems))
    return found


def layers_by_version(rows: Sequence[ConfigurationRecord]) -> dict[int, Layers]:
    """The layers of every version that can still be read; 0 is the policy alone."""
    found: dict[int, Layers] = {0: {}}
    for row in rows[-VERSIONS_KEPT + 1 :]:
        try:
            found[row.version] = unpacked(row).layers
        except ConfigRefused:
            continue  # nobody can go back to it; the newest is checked apart
    return found


def seconds_of(timestamp: Any) -> float:
    """A timestamp as the audit trail keeps it; 0 for what is none."""
    try:
        seconds = float(timestamp)
    except (TypeError, ValueError):
        return 0.0
    return seconds if abs(seconds) < 1e300 else 0.0  # also of NaN


def text_of(parameters: Any) -> str:
    """What was asked for as the audit trail keeps it, whatever it was."""
    try:
        return json.dumps(parameters, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(parameters)

"""A policy as the runtime's own configuration: the file itself, and what it means where.

Everything is exact. `policy.yaml` is what a service loads, its hash is its identity;
`components.yaml` shows the values that hold for each component and each of its calls once the
overrides are applied, to be read and reviewed, not to be loaded.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import step_table, table
from hms.agents.policy.policy_values import ROWS, write_paths
from hms.experiments.export.loss import Ledger
from hms.scenarios.model import Scenario
from hms.scenarios.where import component_where, edge_where

TARGET = "hms"


def export(
    policy: HealingPolicy, scenario: Scenario | None, log: Ledger
) -> dict[str, dict[str, Any]]:
    """The policy, and with a topology also what holds at each component, by file name."""
    for row in table():
        log.exact(row.path, row.path, written(row.path, policy), written(row.path, policy))
    for row in step_table():
        ladders = ", ".join(policy.recovery) or "no ladders"
        log.exact(row.path, f"recovery.<issue>.{row.path.split('.')[1]}", ladders, ladders)
    files = {"policy": policy.to_mapping()}
    if scenario is not None:
        files["components"] = resolved(policy, scenario)
    return files


def written(path: str, policy: HealingPolicy) -> Any:
    """A value as the policy file has it."""
    return write_paths({path: policy.value(path)}).get(path)


def resolved(policy: HealingPolicy, scenario: Scenario) -> dict[str, Any]:
    """What holds for each component that has an agent, and on each edge that it calls."""
    components: dict[str, Any] = {}
    for name, component in scenario.components.items():
        if component.kind == "client":
            continue
        at = policy.for_component(component_where(component))
        settings: dict[str, Any] = {
            group: _values(group, getattr(at, group))
            for group in ("concurrency", "detection", "guard", "health", "verification")
        }
        calls = [edge for edge in scenario.edges if edge.caller == name]
        for edge in calls:
            on = policy.for_edge(edge_where(edge, scenario.components[edge.callee]))
            settings.setdefault("calls", {})[edge.callee] = {
                group: _values(group, getattr(on, group))
                for group in ("breaker", "retry", "timeout")
            }
        components[name] = settings
    ladders = policy.to_mapping().get("recovery", {})
    return {
        "policy_sha256": policy.sha256,
        "scenario": scenario.name,
        "recovery": ladders,
        "components": components,
    }


def _values(group: str, record: Any) -> dict[str, Any]:
    """One group as the policy file would write it."""
    held = {
        f"{group}.{each.name}": getattr(record, each.name)
        for each in dataclasses.fields(record)
        if f"{group}.{each.name}" in ROWS
    }
    return {path.split(".")[1]: value for path, value in write_paths(held).items()}

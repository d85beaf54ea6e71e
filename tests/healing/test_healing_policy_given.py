"""A policy that was evolved and exported, in the runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hms.agents.healing import (
    create_basic_self_healing,
    create_full_self_healing,
    read_policy,
)
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.documents import dump_yaml
from hms.errors import PolicyError

POLICY = {
    "schema": "hms.policy/1",
    "breaker": {"failure_rate": 0.18, "minimum_calls": 5},
    "recovery": {"errors": [{"act": "restart", "patience_s": 12.0}]},
}


@pytest.mark.parametrize("create", [create_basic_self_healing, create_full_self_healing])
@pytest.mark.parametrize("write", [dump_yaml, json.dumps])
def test_a_file_is_a_policy_at_every_level(
    create: Callable[..., StandaloneSelfHealing], write: Callable[[object], str], tmp_path: Path
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(write(POLICY))
    for given in (file, str(file), read_policy(file)):
        each = create("cart", policy=given, store="memory")
        assert each.guard("db").breaker.parameters.failure_rate == 0.18
        assert each.ladder.has_steps(1)


def test_a_file_with_mistakes_is_refused_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("schema: hms.policy/1\nbreaker:\n  failure_rat: 0.18\n")
    with pytest.raises(PolicyError, match=r"policy\.yaml:3.*failure_rat"):
        create_basic_self_healing("cart", policy=file)
    with pytest.raises(PolicyError, match="no such file"):
        create_basic_self_healing("cart", policy=tmp_path / "gone.yaml")

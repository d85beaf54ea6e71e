"""Under HMS_CHECK=1 a simulation stops on a broken rule, and names seed, tick and component."""

from __future__ import annotations

from typing import Any

import pytest
from shop_faults import struck

from hms.agents.healing.virtual_agent import VirtualAgent
from hms.agents.mac.virtual_time import replay
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import InvariantBroken
from hms.scenarios.compile import compile_scenario
from hms.scenarios.model import Scenario

PLANTED = [
    ("phase", "breaker of"), ("budget", "retry budget of"), ("ejected", "replicas of"),
    ("issue", "what is detected"), ("ladder", "the ladder"), ("guard", "the guard"),
]  # fmt: skip


def planted(agent: VirtualAgent, rule: str) -> None:
    """Break one rule of an agent that has an outgoing edge."""
    if rule == "phase":
        agent.edges[0].breaker.phase = 9
    elif rule == "budget":
        agent.edges[0].retry.spent = 1e9
    elif rule == "ejected":
        agent.edges[0].outlier.times[0] = -1.0
    elif rule == "issue":
        agent.detection.changes[3] = 99.0
    elif rule == "ladder":
        agent.recovery.position[1] = -1.0
    else:
        agent.guard.held = 99


@pytest.mark.parametrize(("rule", "where"), PLANTED)
def test_a_simulation_stops_and_says_where(
    monkeypatch: pytest.MonkeyPatch, shop: Scenario, policies: dict[str, HealingPolicy],
    rule: str, where: str,
) -> None:
    scenario = struck(shop, "hang")
    monkeypatch.setenv("HMS_CHECK", "1")
    step = VirtualAgent.step_component
    periods: list[str] = []

    def planting(agent: VirtualAgent, *given: Any) -> Any:
        if agent.edges:
            periods.append(agent.component_id)
            if len(periods) >= 9:
                planted(agent, rule)
        return step(agent, *given)

    monkeypatch.setattr(VirtualAgent, "step_component", planting)
    name = "istio-rule" if rule == "ejected" else "eager"
    with pytest.raises(InvariantBroken) as broken:
        replay(compile_scenario(scenario, seed=7), policies[name], scenario)
    assert broken.value.rule == rule
    assert broken.value.component in periods[8:]
    assert broken.value.where.startswith(where)
    assert broken.value.run.startswith("seed 7, tick ")
    assert f"component `{broken.value.component}`, {broken.value.run}, at " in str(broken.value)
    make, given = broken.value.__reduce__()  # as it comes back from another process
    assert str(make(*given)) == str(broken.value)


def test_without_it_nothing_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, shop: Scenario, policies: dict[str, HealingPolicy]
) -> None:
    monkeypatch.delenv("HMS_CHECK", raising=False)
    monkeypatch.setattr("hms.agents.healing.invariants.VirtualCheck", None)
    scenario = struck(shop, "hang")
    _, events = replay(compile_scenario(scenario, seed=7), policies["eager"], scenario)
    assert events

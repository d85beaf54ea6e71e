"""Real agents decide as the compiled engine does: equal event logs, byte for byte.

The log's last line is a digest of all physics and decision states, so that equal logs mean
equal worlds and equal minds, not only equal acts.
"""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from shop_faults import FAULTS, struck

from hms.agents.mac.cluster import start
from hms.agents.mac.host import start_hosts, stop_hosts
from hms.agents.mac.virtual_time import describe, replay
from hms.agents.policy.healing_policy import HealingPolicy
from hms.scenarios.compile import CompiledScenario, compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.model import Scenario
from hms.scenarios.policy_tables import tables

Policies = dict[str, HealingPolicy]

SINGLE = [(name, kind) for name in ("eager", "ladder", "polly", "envoy-small", "istio-rule")
          for kind in FAULTS]
PAIRS = [("eager", f"{a}+{b}") for a, b in itertools.combinations(FAULTS, 2)][::4]
CASES = [(name, kinds, seed) for seed, (name, kinds) in enumerate(SINGLE + PAIRS)]


def compiled_of(shop: Scenario, kinds: str, seed: int) -> tuple[Scenario, CompiledScenario]:
    scenario = struck(shop, *kinds.split("+"))
    return scenario, compile_scenario(scenario, seed=seed)


def logged(
    compiled: CompiledScenario, policy: HealingPolicy, scenario: Scenario, fast_forward: bool = True
) -> list[str]:
    """The event log of the compiled run."""
    found = run(compiled, tables(policy, scenario), fast_forward=fast_forward, record=True)
    return found.events


def test_there_are_more_than_fifty_cases_and_their_decisions_are_of_every_kind(
    shop: Scenario, policies: Policies
) -> None:
    rules: Counter[str] = Counter()
    for name, kinds, seed in CASES:
        scenario, compiled = compiled_of(shop, kinds, seed)
        rules.update(line.split()[2] for line in logged(compiled, policies[name], scenario)[:-1])
    assert len(CASES) >= 50
    assert set(rules) == {"phase", "ejected", "issue", "act", "escalated", "undone"}


@pytest.mark.parametrize(("name", "kinds", "seed"), CASES)
def test_agents_in_process_log_the_same_bytes_as_the_compiled_run(
    shop: Scenario, policies: Policies, name: str, kinds: str, seed: int
) -> None:
    scenario, compiled = compiled_of(shop, kinds, seed)
    outcome, events = replay(compiled, policies[name], scenario)
    reference = run(compiled, tables(policies[name], scenario), record=True)
    assert events == reference.events
    assert outcome.row().tolist() == reference.row().tolist()


@pytest.mark.parametrize("kinds", ["hang", "error+load_spike"])
def test_so_they_do_without_jumps(shop: Scenario, policies: Policies, kinds: str) -> None:
    scenario, compiled = compiled_of(shop, kinds, 5)
    _, events = replay(compiled, policies["eager"], scenario, fast_forward=False)
    assert events == logged(compiled, policies["eager"], scenario, fast_forward=False)


@pytest.mark.parametrize("hosts", [2, 3, 5, 8])
def test_the_number_of_hosts_changes_nothing(
    shop: Scenario, policies: Policies, hosts: int
) -> None:
    scenario, compiled = compiled_of(shop, "partition", 11)
    _, alone = replay(compiled, policies["eager"], scenario)
    _, shared = replay(compiled, policies["eager"], scenario, hosts)
    assert shared == alone


def test_another_policy_another_seed_another_log(shop: Scenario, policies: Policies) -> None:
    scenario, compiled = compiled_of(shop, "error", 1)
    _, log = replay(compiled, policies["eager"], scenario)
    changed = policies["eager"].with_values({"breaker.open_s": 1.3})
    _, other_policy = replay(compiled, changed, scenario)
    _, other_seed = replay(compile_scenario(scenario, seed=2), policies["eager"], scenario)
    assert len({log[-1], other_policy[-1], other_seed[-1]}) == 3


def test_progress_is_told_in_virtual_time(shop: Scenario, policies: Policies) -> None:
    scenario, compiled = compiled_of(shop, "error", 1)
    told: list[float] = []
    replay(compiled, policies["eager"], scenario, progress=told.append)
    assert told[0] == 0.0
    assert told == sorted(told)
    assert 50.0 <= told[-1] < scenario.horizon_s  # it may end with a jump


def test_every_component_but_the_client_has_an_agent_at_its_own_level(shop: Scenario) -> None:
    agents = describe(shop)
    levels = {agent.component: agent.level for agent in agents}
    assert levels == {
        "front": "full", "cart": "advanced", "price": "basic", "ads": "full", "store": "full"
    }
    edges = {agent.component: [edge.callee for edge in agent.edges] for agent in agents}
    assert edges["front"] == ["ads", "cart", "price"]
    assert edges["store"] == []


@pytest.mark.slow
@pytest.mark.parametrize(("hosts", "kinds"), [(5, "hang"), (2, "error+load_spike")])
def test_agents_on_ray_log_the_same_bytes_and_their_hosts_stay_light(
    shop: Scenario, policies: Policies, hosts: int, kinds: str
) -> None:
    scenario, compiled = compiled_of(shop, kinds, 3)
    with start(2) as cluster:
        handles = start_hosts(cluster.ray, hosts)
        _, first = replay(compiled, policies["eager"], scenario, handles)
        _, again = replay(compiled, policies["eager"], scenario, handles)
        imported = set(cluster.ray.get(handles[0].imported.remote(), timeout=60))
        stop_hosts(cluster.ray, handles)
    assert first == again == logged(compiled, policies["eager"], scenario)
    # Ray itself imports numpy with the first argument it reads; nothing of ours does
    assert not imported & {"numba", "networkx", "pandas"}

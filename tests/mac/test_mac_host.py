"""A host steps many agents in one call, and imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hms.agents.mac.agent import AgentDescription, AgentInput
from hms.agents.mac.host import AgentHost, call_all
from hms.errors import PolicyError

POLICY = {"schema": "hms.policy/1"}
NAMES = ("front", "cart", "store")
AGENTS = [
    AgentDescription(index, name, "service", "normal", "full", ())
    for index, name in enumerate(NAMES)
]
SEEN = AgentInput([], [], None, 0.0)


def test_it_steps_the_agents_it_is_asked_for_in_that_order() -> None:
    host = AgentHost()
    assert host.place(AGENTS, POLICY) == 3
    assert len(host.step(0, 0.0, 0.1, [(2, SEEN), (0, SEEN)])) == 2
    assert sorted(host.states()) == [0, 1, 2]


def test_placing_again_gives_fresh_agents() -> None:
    host = AgentHost()
    host.place(AGENTS, POLICY)
    host.step(5, 0.5, 0.1, [(0, SEEN)])
    host.place(AGENTS[:1], POLICY)
    host.step(0, 0.0, 0.1, [(0, SEEN)])
    assert sorted(host.states()) == [0]


def test_a_wrong_policy_is_refused_with_its_mistakes() -> None:
    with pytest.raises(PolicyError, match="out of range"):
        AgentHost().place(AGENTS, {**POLICY, "breaker": {"open_s": -1.0}})


def test_a_barrier_gives_results_in_the_order_of_the_hosts() -> None:
    hosts = [AgentHost(), AgentHost()]
    placed = call_all(hosts, "place", [(AGENTS[:1], POLICY), (AGENTS[1:], POLICY)])
    assert placed == [1, 2]


def test_the_module_imports_neither_ray_nor_numba_nor_numpy() -> None:
    script = (
        "import sys, hms.agents.mac.host\n"
        "from hms.agents.mac.agent import AgentDescription\n"
        "from hms.agents.mac.host import AgentHost\n"
        "AgentHost().place([AgentDescription(0, 'a', 'service', 'normal', 'full', ())],\n"
        "                  {'schema': 'hms.policy/1'})\n"
        "print(sorted({'ray', 'numba', 'numpy', 'networkx', 'yaml'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

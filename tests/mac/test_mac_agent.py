"""One agent, fed by hand: it decides what the policy's functions decide, and says what changed."""

from __future__ import annotations

from typing import Any

import pytest

from hms.agents.healing.virtual_agent import row
from hms.agents.mac.agent import (
    NOTHING_SEEN,
    AgentDescription,
    AgentInput,
    CalleeSplit,
    EdgeDescription,
    EdgeInput,
    Jump,
    MacAgent,
    Split,
)
from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.dependency import (
    EdgeGrant,
    EdgeObservation,
    skip_dependency,
    step_dependency,
)
from hms.agents.policy.detection import SlotObservation
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.kinds import ACT_NAMES, ISSUE_NAMES
from hms.agents.policy.outlier import OutlierObservation
from hms.agents.policy.retry import RetryState

DT_S = 0.1
STORE = {"kind": "store", "criticality": "normal", "level": "full", "edge": "hard",
         "protocol": "tcp"}
TO_STORE = EdgeDescription(7, "store", STORE)
CART = AgentDescription(2, "cart", "service", "normal", "full", (TO_STORE,))
POLICY: dict[str, Any] = {
    "schema": "hms.policy/1",
    "breaker": {"consecutive_failures": 3, "failure_rate": "off", "slow_call_rate": "off",
                "open_s": 1.0, "jitter_share": 0.0},
    "detection": {"error_rate": 0.2, "confirm_s": 1.0},
    "recovery": {"errors": [{"act": "restart", "patience_s": 5.0}]},
}
WELL = SlotObservation(replicas=3.0, up=True, arrivals_rps=50.0, answered_rps=50.0,
                       response_s=0.02, own_response_s=0.01)
ILL = SlotObservation(replicas=3.0, up=True, arrivals_rps=50.0, answered_rps=50.0,
                      error_share=0.6, own_error_share=0.6, response_s=0.02, own_response_s=0.01)


def policy(**groups: Any) -> HealingPolicy:
    found, problems = HealingPolicy.parse({**POLICY, **groups})
    assert found is not None, problems
    return found


@pytest.fixture
def agent() -> MacAgent:
    return MacAgent(CART, policy())


def seen(calls: float = 0.0, failed: float = 0.0) -> AgentInput:
    """A tick in which so many calls to the store came back."""
    observed = row(EdgeObservation(calls=calls, failed=failed, successes=calls - failed))
    return AgentInput([], [EdgeInput(0, observed, 0.5, None, 0.0)], None, 0.0)


def looked(slot: SlotObservation) -> AgentInput:
    """The end of a control period in which the own replicas looked so."""
    slots = [row(slot)] + [row(SlotObservation())] * 3
    return AgentInput([], [], slots, 0.5)


def test_it_grants_what_the_policys_function_grants(agent: MacAgent) -> None:
    edge = policy().for_edge(STORE)
    breaker, retry, grant = BreakerState(), RetryState(), EdgeGrant()
    for tick, (calls, failed) in enumerate([(3, 0), (4, 1), (2, 2), (3, 3), (0, 0)] * 4):
        answer = agent.step(tick, tick * DT_S, DT_S, seen(calls, failed))
        observed = EdgeObservation(calls=calls, failed=failed, successes=calls - failed)
        step_dependency(
            breaker, retry, edge.breaker, edge.retry, observed, grant, tick * DT_S, DT_S, 0.5
        )
        assert answer.grants == [(0, row(grant))]
    numbers, _ = agent.state()
    assert numbers[: len(flat(row(breaker)))] == flat(row(breaker))


def flat(value: Any) -> list[float]:
    if isinstance(value, tuple | list):
        return [number for each in value for number in flat(each)]
    return [float(value)]


def test_a_changed_phase_is_an_event_of_the_edge(agent: MacAgent) -> None:
    opened = agent.step(0, 0.0, DT_S, seen(3, 3))
    assert opened.edge_events == [(7, "phase", 0.0, 1.0)]
    assert agent.step(1, DT_S, DT_S, seen()).edge_events == []
    probing = agent.step(10, 10 * DT_S, DT_S, seen())
    assert probing.edge_events == [(7, "phase", 1.0, 2.0)]


def test_a_found_illness_and_an_act_are_events_of_the_component(agent: MacAgent) -> None:
    assert agent.step(0, 0.0, DT_S, looked(WELL)).own_events == []
    assert agent.step(10, 1.0, DT_S, looked(ILL)).own_events == []
    answer = agent.step(20, 2.0, DT_S, looked(ILL))
    errors, restart = ISSUE_NAMES.index("errors"), ACT_NAMES.index("restart")
    assert answer.own_events == [
        (2 * 4, "issue", 0.0, float(errors)), (2 * 4, "act", float(errors), float(restart))
    ]
    assert answer.act is not None
    assert answer.act[0] == restart


def test_an_illness_no_step_helped_is_escalated_once(agent: MacAgent) -> None:
    told = []
    for second in range(30):
        answer = agent.step(second * 10, float(second), DT_S, looked(ILL))
        told += [event for event in answer.own_events if event[1] == "escalated"]
    assert told == [(2, "escalated", 0.0, float(ISSUE_NAMES.index("errors")))]


def test_a_message_that_comes_twice_leads_to_one_act(agent: MacAgent) -> None:
    agent.step(10, 1.0, DT_S, looked(ILL))
    first = agent.step(20, 2.0, DT_S, looked(ILL))
    state = agent.state()
    assert first.act is not None
    assert agent.step(20, 2.0, DT_S, looked(ILL)) is first
    assert agent.state() == state


def test_time_never_goes_back(agent: MacAgent) -> None:
    agent.step(20, 2.0, DT_S, seen())
    with pytest.raises(ValueError, match="cart: tick 19 after 20"):
        agent.step(19, 1.9, DT_S, seen())


def test_a_tick_with_nothing_to_decide_changes_no_state(agent: MacAgent) -> None:
    agent.step(0, 0.0, DT_S, seen(3, 1))
    state = agent.state()
    answer = agent.step(1, DT_S, DT_S, NOTHING_SEEN)
    assert (answer.grants, answer.act, agent.state()) == ([], None, state)


def test_a_jump_moves_the_edges_as_the_policys_function_does(agent: MacAgent) -> None:
    steady = EdgeObservation(calls=5.0, successes=5.0)
    edge = policy().for_edge(STORE)
    breaker, retry, grant = BreakerState(), RetryState(), EdgeGrant()
    first = EdgeObservation(calls=3.0, failed=1.0, successes=2.0)
    step_dependency(breaker, retry, edge.breaker, edge.retry, first, grant, 0.0, DT_S, 0.5)
    skip_dependency(breaker, retry, edge.breaker, edge.retry, steady, 1.0, 9.0, DT_S)
    agent.step(0, 0.0, DT_S, seen(3, 1))
    agent.step(90, 9.0, DT_S, NOTHING_SEEN._replace(happened=[Jump(1.0, 9.0, [row(steady)])]))
    assert agent.decisions.edges[0].breaker == breaker
    assert agent.decisions.edges[0].retry == retry


def test_a_split_group_inherits_what_was_known(agent: MacAgent) -> None:
    agent.step(10, 1.0, DT_S, looked(ILL))
    agent.step(20, 2.0, DT_S, looked(ILL))
    split = NOTHING_SEEN._replace(happened=[Split(0, 1)])
    agent.step(21, 2.1, DT_S, split)
    assert agent.decisions.detection.issue[1] == agent.decisions.detection.issue[0] != 0.0


def test_ejected_replicas_are_an_event_and_a_split_callee_keeps_its_history() -> None:
    breaker = {**POLICY["breaker"], "scope": "replica", "ejected_share_max": 0.5}
    each = MacAgent(CART, policy(breaker=breaker))
    outlier = row(OutlierObservation([1.0, 2.0, 0.0, 0.0], [3.0, 3.0, 0.0, 0.0],
                                     [3.0, 0.0, 0.0, 0.0]))
    edge = EdgeInput(0, row(EdgeObservation(calls=6.0, failed=3.0)), 0.5, outlier, 0.5)
    answer = each.step(0, 0.0, DT_S, AgentInput([], [edge], None, 0.0))
    assert answer.edge_events == [(7, "ejected", 0.0, 1.0)]
    assert answer.outlier_grants[0][1][0] == [0.0, 1.0, 1.0, 1.0]
    each.step(1, DT_S, DT_S, NOTHING_SEEN._replace(happened=[CalleeSplit(0, 0, 2)]))
    assert each.decisions.edges[0].outlier.ejected[2] == 1.0


def test_an_agent_whose_instance_may_not_act_sees_and_does_nothing() -> None:
    each = MacAgent(CART, policy())
    each.decisions.acts = False
    each.step(10, 1.0, DT_S, looked(ILL))
    answer = each.step(20, 2.0, DT_S, looked(ILL))
    assert answer.act is not None
    assert (answer.act[0], answer.own_events) == (0, [])

"""The lab behind the runtime's port: a model of the incidents, a search, a comparison."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hms.agents.healing.interface import ISSUE_KINDS
from hms.agents.healing.learning.incidents import Incident, IncidentAct
from hms.agents.healing.learning.optimizer import Budget, ProcessOptimizer
from hms.agents.policy.healing_policy import HealingPolicy
from hms.experiments.optimizer import (
    FAMILIES,
    LabOptimizer,
    drawn_cases,
    fault_of,
    model_of,
    only_what_was_seen,
    read_question,
)
from hms.scenarios.engines.fluid import engine


def incident(issue: str, number: int = 1, **more: object) -> Incident:
    worst = {"error_rate_percent": 60.0, "throughput_rps": 40.0}
    given = {"symptoms": (issue,), "severity": 2, "ended_s": 45.0, "worst": worst, **more}
    return Incident(number, issue, 0.0, **given)  # type: ignore[arg-type]


def test_every_kind_of_issue_has_a_failure_in_the_model() -> None:
    assert set(FAMILIES) == set(ISSUE_KINDS)


@pytest.mark.parametrize("issue", ISSUE_KINDS)
def test_the_model_fails_as_the_component_did(issue: str) -> None:
    topology = model_of([incident(issue)])
    (case, family), *_ = drawn_cases(topology, [incident(issue)], 3, "test")
    assert family == FAMILIES[issue]
    assert engine is not None
    assert case.compiled is not None


def test_cases_differ_and_are_the_same_again() -> None:
    topology = model_of([incident("errors")])
    twice = [drawn_cases(topology, [incident("errors")], 4, "x") for _ in range(2)]
    draws = [[case.compiled.faults.tobytes() for case, _ in cases] for cases in twice]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 4


def test_what_a_restart_helped_against_only_a_restart_ends() -> None:
    act = IncidentAct(3.0, "restart", "Restarted", "effective")
    helped = fault_of(incident("errors", acts=(act,)), "error", lambda purpose: 0.5)
    by_itself = fault_of(incident("errors"), "error", lambda purpose: 0.5)
    assert (helped.until, by_itself.until) == ("restart", "")
    assert by_itself.duration_s == 45.0


def test_ladders_that_nothing_has_tried_stay_as_they_are() -> None:
    data = {"schema": "hms.policy/1", "recovery": {
        kind: [{"act": "restart"}] for kind in ("errors", "slow")
    }}
    found, problems = HealingPolicy.parse(data)
    assert found is not None, problems
    mixed = only_what_was_seen(HealingPolicy(), found, {"errors"})
    assert list(mixed.recovery) == ["errors"]
    assert mixed.groups == HealingPolicy().groups


def test_a_question_is_read_as_it_was_asked() -> None:
    asked = [incident("errors", acts=(IncidentAct(1.0, "a", "", "failed"),))]
    text = json.dumps({
        "incidents": [each.to_json() for each in asked], "policy": {"schema": "hms.policy/1"},
        "budget": {"cpu_s": 5.0, "incidents": 10},
    })
    assert read_question(text) == (asked, HealingPolicy(), Budget(5.0, 10))


def test_without_incidents_there_is_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="no incidents"):
        LabOptimizer().propose([], HealingPolicy(), Budget(5.0, 10))


@pytest.mark.slow
def test_a_process_of_its_own_finds_ladders_that_end_hangs_sooner() -> None:
    incidents = [incident("unresponsive", number + 1) for number in range(3)]
    budget = Budget(cpu_s=300.0, incidents=600)
    proposal = ProcessOptimizer().propose(incidents, HealingPolicy(), budget)
    assert proposal is not None
    assert list(proposal.policy.recovery) == ["unresponsive"]
    assert proposal.evidence["high_s"] < 0.0
    assert proposal.evidence["proposed_down_s"] < proposal.evidence["held_down_s"]


@pytest.mark.slow
def test_the_system_ends_it_when_its_processor_time_is_spent() -> None:
    script = (
        "from hms.experiments.optimizer import limit_processor_time\n"
        "limit_processor_time(1.0)\n"
        "while True: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert done.returncode != 0

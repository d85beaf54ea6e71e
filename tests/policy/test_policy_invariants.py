"""Each broken rule is seen by its number."""

import math

import pytest

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.detection import DetectionState
from hms.agents.policy.guard import GuardState
from hms.agents.policy.health import HealthState
from hms.agents.policy.invariants import (
    BUDGET,
    EJECTED,
    FLOW,
    GUARD,
    HEALTH,
    ISSUE,
    LADDER,
    OPENING,
    PERMITS,
    PHASE,
    REPEATED,
    RULE_NAMES,
    SWITCH,
    TALLY,
    TIME,
    VERSION,
    WHOLE,
    WINDOW,
    act_rule,
    breaker_rule,
    detection_rule,
    flow_rule,
    guard_rule,
    health_rule,
    ladder_rule,
    outlier_rule,
    retry_rule,
    tally_rule,
    time_rule,
    version_rule,
)
from hms.agents.policy.kinds import CLOSED, HALF_OPEN, OPEN
from hms.agents.policy.outlier import OutlierObservation, OutlierState
from hms.agents.policy.parameters import BreakerParameters, GuardParameters, RetryParameters
from hms.agents.policy.recovery import RecoveryState
from hms.agents.policy.retry import RetryState
from hms.agents.policy.window import WindowState

P = BreakerParameters()

BREAKERS = [
    ({}, WHOLE),
    ({"phase": 6}, PHASE),
    ({"phase": -1}, PHASE),
    ({"phase": HALF_OPEN, "admitted": 3.0, "done": 3.0, "failed": 3.0}, WHOLE),
    ({"phase": HALF_OPEN, "admitted": 4.0}, PERMITS),
    ({"phase": HALF_OPEN, "admitted": 3.0, "done": 1.0, "failed": 2.0}, PERMITS),
    ({"phase": HALF_OPEN, "admitted": 3.0, "done": 1.0, "slow": 2.0}, PERMITS),
    ({"phase": CLOSED, "admitted": 4.0}, WHOLE),
    ({"window": WindowState(total=-1.0)}, WINDOW),
    ({"window": WindowState(total=math.nan)}, WINDOW),
    ({"window": WindowState(total=2.0, failed=3.0)}, WINDOW),
    ({"window": WindowState(total=2.0, slow=3.0)}, WINDOW),
    ({"window": WindowState(calls=[0.0] * 15 + [-1.0])}, WINDOW),
    ({"window": WindowState(fails=[math.nan] + [0.0] * 15)}, WINDOW),
    ({"phase": OPEN, "opened_at_s": 5.0, "due_s": 5.0}, WHOLE),
    ({"phase": OPEN, "opened_at_s": 5.0, "due_s": 4.0}, OPENING),
    ({"phase": CLOSED, "opened_at_s": 5.0, "due_s": 4.0}, WHOLE),
]


@pytest.mark.parametrize(("state", "rule"), BREAKERS)
def test_a_breaker_is_checked(state, rule):
    assert breaker_rule(BreakerState(**state), P, 16, 0.0) == rule


def test_a_reconfigured_breaker_may_hold_the_permits_it_gave():
    s = BreakerState(phase=HALF_OPEN, admitted=5.0)
    assert breaker_rule(s, P, 16, 5.0) == WHOLE


@pytest.mark.parametrize(
    ("spent", "rule"), [(0.0, WHOLE), (10_000.0, WHOLE), (10_001.0, BUDGET), (-1.0, BUDGET)]
)
def test_a_budget_is_checked(spent, rule):
    assert retry_rule(RetryState(spent=spent), RetryParameters()) == rule


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        ({}, WHOLE),
        ({"position": [3.0] * 9}, WHOLE),
        ({"position": [4.0] * 9}, LADDER),
        ({"position": [-1.0] * 9}, LADDER),
        ({"repeats": [math.nan] * 27}, LADDER),
        ({"repeats": [101.0] * 27}, LADDER),
        ({"issue": 9}, LADDER),
        ({"step": 3}, LADDER),
    ],
)
def test_a_ladder_is_checked(state, rule):
    assert ladder_rule(RecoveryState(**state)) == rule


@pytest.mark.parametrize("state", [{"held": 11}, {"held": -1}, {"at": -1}])
def test_a_guards_ring_is_checked(state):
    assert guard_rule(GuardState(**state), GuardParameters()) == GUARD


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        ({"waiting": True, "due_s": 5.0, "limit_s": 5.0}, WHOLE),
        ({"waiting": True, "due_s": 6.0, "limit_s": 5.0}, LADDER),
        ({"waiting": False, "due_s": 6.0, "limit_s": 5.0}, WHOLE),
    ],
)
def test_an_act_is_judged_within_its_longest_wait(state, rule):
    assert ladder_rule(RecoveryState(**state)) == rule


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        ({}, WHOLE),
        ({"issue": [8.0, 0.0, 0.0, 0.0]}, WHOLE),
        ({"issue": [0.0, 0.0, 0.0, 9.0]}, ISSUE),
        ({"issue": [math.nan, 0.0, 0.0, 0.0]}, ISSUE),
        ({"suspect": [0.0, -1.0, 0.0, 0.0]}, ISSUE),
        ({"changes": [0.0, 0.0, 9.0, 0.0]}, ISSUE),
        ({"change_at": [0.0, 0.0, 8.0, 0.0]}, ISSUE),
    ],
)
def test_what_an_agent_believes_is_checked(state, rule):
    assert detection_rule(DetectionState(**state)) == rule


@pytest.mark.parametrize(
    ("ejected", "times", "replicas", "rule"),
    [
        ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0], WHOLE),
        ([2.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0], EJECTED),
        ([0.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0], EJECTED),
        ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [math.nan, 1.0, 0.0, 0.0], EJECTED),
    ],
)
def test_no_more_replicas_are_out_than_there_are(ejected, times, replicas, rule):
    s = OutlierState(ejected=ejected, times=times)
    assert outlier_rule(s, OutlierObservation(replicas=replicas)) == rule


@pytest.mark.parametrize(
    ("counts", "rule"),
    [
        ((7.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0), WHOLE),
        ((8.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0), TALLY),
        ((0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0), TALLY),
        ((math.nan, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0), TALLY),
    ],
)
def test_f2_every_call_let_in_is_accounted_for(counts, rule):
    assert tally_rule(*counts) == rule


def test_time_does_not_go_back_and_versions_rise():
    assert (time_rule(5.0, 5.0), time_rule(5.0, 4.999)) == (WHOLE, TIME)
    assert time_rule(0.0, math.nan) == TIME
    assert (version_rule(1, 2), version_rule(2, 2), version_rule(3, 2)) == (WHOLE, VERSION, VERSION)


@pytest.mark.parametrize(
    ("flow", "rule"),
    [
        ((10.0, 6.0, 1.0, 1.0, 2.0), WHOLE),
        ((1e9, 1e9 + 1.0, 0.0, 0.0, 0.0), WHOLE),
        ((10.0, 6.0, 1.0, 1.0, 1.0), FLOW),
        ((10.0, 12.0, -1.0, -1.0, 0.0), FLOW),
        ((10.0, math.nan, 1.0, 1.0, 1.0), FLOW),
        ((math.inf, math.inf, 0.0, 0.0, 0.0), FLOW),
    ],
)
def test_what_arrived_is_somewhere(flow, rule):
    assert flow_rule(*flow) == rule


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        ({}, WHOLE),
        ({"state": 3, "meeting": [3.0] * 4, "reports": 1000}, WHOLE),
        ({"state": 4}, HEALTH),
        ({"state": -1}, HEALTH),
        ({"reports": -1}, HEALTH),
        ({"reports": 1001}, HEALTH),
        ({"meeting": [0.0, math.nan, 0.0, 0.0]}, HEALTH),
        ({"meeting": [0.0, 1001.0, 0.0, 0.0]}, HEALTH),
        ({"below": [0.0, 0.0, 0.0, -1.0]}, HEALTH),
        ({"usual_s": math.nan}, HEALTH),
        ({"usual_s": math.inf}, HEALTH),
        ({"gap_s": -1.0}, HEALTH),
        ({"learned": -1}, HEALTH),
    ],
)
def test_what_is_known_of_a_components_health_is_checked(state, rule):
    assert health_rule(HealthState(**state)) == rule


@pytest.mark.parametrize(
    ("acts_of_key", "looked_s", "began_s", "rule"),
    [
        (1, 5.0, 5.0, WHOLE),
        (1, 5.0, 6.0, WHOLE),
        (1, 5.0, 6.01, SWITCH),
        (1, math.nan, 6.0, SWITCH),
        (2, 5.0, 5.0, REPEATED),
    ],
)
def test_an_act_is_done_once_under_a_key_with_a_look_at_the_switch(
    acts_of_key, looked_s, began_s, rule
):
    assert act_rule(acts_of_key, looked_s, began_s) == rule


def test_every_rule_has_a_name():
    assert RULE_NAMES[SWITCH] == "switch"
    assert len(set(RULE_NAMES)) == SWITCH + 1

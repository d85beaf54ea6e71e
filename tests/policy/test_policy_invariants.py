"""Each broken rule is seen by its number."""

import math

import pytest

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.guard import GuardState
from hms.agents.policy.invariants import (
    BUDGET,
    GUARD,
    LADDER,
    OPENING,
    PERMITS,
    PHASE,
    WHOLE,
    WINDOW,
    breaker_rule,
    guard_rule,
    ladder_rule,
    retry_rule,
)
from hms.agents.policy.kinds import CLOSED, HALF_OPEN, OPEN
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

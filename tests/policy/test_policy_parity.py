"""Interpreted and compiled, the same steps leave the same bits.

Random steps of each agent and edge, run over dataclasses and over numba records; after each
batch every word of every state must be equal, floats by value and sign of zero included.
"""

import random
from dataclasses import replace

import numpy as np
import pytest
from machine_code import compiled, record_of
from twins import Twin, both, draw

from hms.agents.policy.breaker import (
    BreakerState,
    give_back_probe,
    is_slow,
    lose_era,
    may_pass,
    open_for,
    reconfigure,
    record,
    record_probe,
    remaining_s,
    set_mode,
)
from hms.agents.policy.component import Act, step_component
from hms.agents.policy.dependency import (
    EdgeGrant,
    EdgeObservation,
    skip_dependency,
    step_dependency,
)
from hms.agents.policy.detection import DetectionState, SlotObservation, copy_slot
from hms.agents.policy.guard import GuardState
from hms.agents.policy.healing_policy import Step, recovery_arrays
from hms.agents.policy.invariants import (
    act_rule,
    breaker_rule,
    detection_rule,
    flow_rule,
    guard_rule,
    ladder_rule,
    outlier_rule,
    retry_rule,
    tally_rule,
    time_rule,
    version_rule,
)
from hms.agents.policy.outlier import (
    OutlierGrant,
    OutlierObservation,
    OutlierState,
    split_outlier,
    step_outlier,
)
from hms.agents.policy.parameters import (
    BreakerParameters,
    DetectionParameters,
    GuardParameters,
    RetryParameters,
    VerificationParameters,
)
from hms.agents.policy.recovery import RecoveryState
from hms.agents.policy.retry import (
    RetryState,
    backoff_s,
    give_back,
    may_retry,
    mean_backoff_s,
    take,
)
from hms.agents.policy.supervision import (
    SupervisionParameters,
    after_end,
    must_kill,
    nth_to_stop,
)

SLOTS = 16


def breaker_of(random_: random.Random) -> BreakerParameters:
    p = draw(random_, "breaker", BreakerParameters)
    return replace(
        p, enabled=random_.random() < 0.9, scope=0, open_s=random_.uniform(0.1, 5.0),
        half_open_lease_s=random_.uniform(0.2, 3.0), minimum_calls=random_.randint(1, 10),
    )


def whole(random_: random.Random, most: int) -> tuple[float, float, float]:
    calls = random_.randint(0, most)
    share = random_.choice([0.0, 0.0, 0.2, 0.6, 1.0])
    failed = sum(random_.random() < share for _ in range(calls))
    slow = sum(random_.random() < share / 2 for _ in range(calls))
    return float(calls), float(failed), float(slow)


@pytest.mark.parametrize("seed", range(4))
def test_single_calls_through_a_breaker(seed):
    random_ = random.Random(seed)
    for _ in range(10):
        now_s, s = random_.uniform(0.0, 1e4), Twin(BreakerState())
        old, p = Twin(breaker_of(random_)), Twin(breaker_of(random_))
        for step in range(500):
            now_s += random_.choice([0.0, 0.01, 0.3, random_.uniform(0.0, 4.0)])
            u, flying = random_.random(), random_.choice([0.0, 0.0, 3.0])
            answer = both(may_pass, s, p, SLOTS, now_s, flying, u)
            calls, failed, slow = whole(random_, 3)
            if answer == 1:
                both(record, s, p, SLOTS, now_s, calls, failed, slow, u)
            elif answer == 2:
                act = random_.choice([give_back_probe, record_probe, record_probe, None])
                if act is record_probe:
                    both(act, s, p, SLOTS, now_s, failed > 0.0, slow > 0.0, u)
                elif act is not None:
                    both(act, s)
            by_hand(random_, s, old, p, now_s, step)
            both(remaining_s, s, now_s)
            both(is_slow, p, u * 3.0)
        assert both(breaker_rule, s, p, SLOTS, 100.0) == 0
        s.check()


def by_hand(random_, s, old, p, now_s, step):
    if step % 97 == 0:
        both(set_mode, s, SLOTS, random_.randint(3, 5), now_s)
    elif step % 97 == 9:
        both(set_mode, s, SLOTS, 0, now_s)
    elif step % 89 == 0:
        both(open_for, s, now_s, random_.uniform(0.0, 5.0))
    elif step % 83 == 0:
        both(reconfigure, s, old, p, SLOTS, now_s)
    elif step % 79 == 0:
        both(lose_era, s, now_s)


@pytest.mark.parametrize("seed", range(4))
def test_an_edge_tick_by_tick_with_jumps(seed):
    random_ = random.Random(100 + seed)
    for _ in range(10):
        b, r, g = Twin(BreakerState()), Twin(RetryState()), Twin(EdgeGrant())
        bp = Twin(breaker_of(random_))
        rp = Twin(draw(random_, "retry", RetryParameters))
        now_s, o = 0.0, Twin(EdgeObservation())
        for _ in range(500):
            now_s += 0.1
            calls, failed, slow = whole(random_, 8)
            started = min(random_.uniform(0.0, 2.0), max(g.plain.permits, 0.0))
            o.pour(EdgeObservation(
                calls, failed, slow, started, calls * random_.random(),
                min(random_.random(), max(g.plain.tokens, 0.0)), calls, random_.random(),
            ))
            both(step_dependency, b, r, bp, rp, o, g, now_s, 0.1, random_.random())
            if random_.random() < 0.02:
                later_s = now_s + random_.uniform(0.1, 30.0)
                o.pour(EdgeObservation(calls=3.0, slow=random_.random(), successes=3.0))
                both(skip_dependency, b, r, bp, rp, o, now_s, later_s, 0.1)
                now_s = later_s
            assert both(retry_rule, r, rp) == 0
        for each in (b, r, g):
            each.check()


@pytest.mark.parametrize("seed", range(3))
def test_replicas_behind_an_edge(seed):
    random_ = random.Random(200 + seed)
    for _ in range(5):
        p = replace(
            draw(random_, "breaker", BreakerParameters), scope=1, sweep_s=1.0,
            consecutive_failures=random_.choice([0, 3, 5]), open_s=1.0, minimum_calls=4,
        )
        s, g, bp = Twin(OutlierState()), Twin(OutlierGrant()), Twin(p)
        o = Twin(OutlierObservation())
        replicas = [3.0, 1.0, 1.0, 0.0]
        for tick in range(600):
            seen = [whole(random_, 6) for _ in range(4)]
            o.pour(OutlierObservation(
                list(replicas), [each[0] for each in seen], [each[1] for each in seen]
            ))
            both(step_outlier, s, bp, o, g, tick * 0.1, 0.1, random_.random())
            if g.plain.split >= 0 and replicas[3] == 0.0:
                both(split_outlier, s, g.plain.split, 3)
                replicas[g.plain.split] -= 1.0
                replicas[3] = 1.0
            assert both(outlier_rule, s, o) == 0
        s.check()
        g.check()


LADDER = [
    Step("reconnect", patience_s=2.0, delay_first_s=1.0),
    Step("restart", patience_s=4.0, cool_down_s=9.0, delay_reset_s=12.0),
    Step("scale", replicas=2, patience_s=3.0),
]
UNDONE = [
    Step("adjust", target="concurrency.limit", value=9.0, patience_s=4.0),
    Step("fallback", patience_s=2.0),
    Step("restart", patience_s=2.0),
]


def slot_of(random_: random.Random) -> SlotObservation:
    if random_.random() < 0.1:
        return SlotObservation(replicas=1.0, starting=random_.random() < 0.5)
    ill = random_.random() < 0.4
    share = random_.choice([0.0, 0.15, 0.5, 1.0]) if ill else 0.0
    return SlotObservation(
        random_.choice([1.0, 2.0]), random_.random() < 0.95, False,
        random_.choice([0.0, 10.0]), random_.uniform(0.0, 10.0), share, share * random_.random(),
        random_.uniform(0.01, 0.2) * (1.0 + 9.0 * share), random_.uniform(0.01, 0.2),
        random_.random(), share, random_.random(), random_.choice([0.0, 0.0, 5.0]),
        random_.random() < 0.05,
    )


@pytest.mark.parametrize("seed", range(3))
def test_an_agent_period_by_period(seed):
    random_ = random.Random(300 + seed)
    for bound in (True, False):
        d, r, g, a = (Twin(each()) for each in (DetectionState, RecoveryState, GuardState, Act))
        dp = Twin(draw(random_, "detection", DetectionParameters))
        gp = Twin(replace(draw(random_, "guard", GuardParameters), bound=bound))
        issues = ("errors", "slow", "saturated", "memory", "unresponsive", "dependency")
        verification = draw(random_, "verification", VerificationParameters)
        ladders = dict.fromkeys(issues, LADDER) | dict.fromkeys(("slow", "flapping"), UNDONE)
        rp = Twin(recovery_arrays(ladders, verification))
        now_s, slots = 0.0, [slot_of(random_) for _ in range(4)]
        for _ in range(800):
            now_s += random_.choice([1.0, 1.0, 7.0])
            slots = [slot_of(random_) if random_.random() < 0.2 else each for each in slots]
            seen = np.concatenate([record_of(each) for each in slots])
            u = random_.random()
            step_component(
                d.plain, r.plain, g.plain, dp.plain, gp.plain, rp.plain, slots, a.plain, now_s, u
            )
            compiled(step_component)(
                d.row, r.row, g.row, dp.row, gp.row, rp.row, seen, a.row, now_s, u
            )
            a.check()
            assert both(guard_rule, g, gp) == both(ladder_rule, r) == 0
            assert both(detection_rule, d) == 0
        both(copy_slot, d, 1, 2)
        for each in (d, r, g):
            each.check()


def test_a_callers_retries():
    random_ = random.Random(400)
    for _ in range(40):
        r, p = Twin(RetryState()), Twin(draw(random_, "retry", RetryParameters))
        now_s = 0.0
        for attempt in range(1, 60):
            now_s += random_.random()
            if both(take, r, p, now_s) and random_.random() < 0.1:
                both(give_back, r)
            both(may_retry, p, random_.randint(1, 6), random_.randint(0, 5))
            both(backoff_s, p, attempt, random_.random(), random_.random())
            both(mean_backoff_s, p, attempt % 7)
        r.check()


def test_children_of_a_supervisor():
    random_ = random.Random(500)
    for _ in range(30):
        g = Twin(GuardState())
        p = Twin(SupervisionParameters(random_.randint(0, 9), random_.uniform(0.5, 60.0)))
        now_s = 0.0
        for _ in range(60):
            now_s += random_.choice([0.0, random_.random(), 20.0])
            both(after_end, g, p, random_.randint(0, 2), random_.random() < 0.7, now_s)
            both(must_kill, p, now_s, now_s + random_.uniform(0.0, 9.0))
            both(nth_to_stop, 9, random_.randint(0, 8))
        g.check()


def test_sums_and_versions():
    random_ = random.Random(600)
    for _ in range(300):
        parts = [random_.choice([0.0, 1.0, 2.5, float("nan"), -1.0]) for _ in range(6)]
        both(tally_rule, random_.choice([sum(parts), 3.0]), *parts)
        both(flow_rule, random_.choice([sum(parts[:4]), 1e18]), *parts[:4])
        both(time_rule, parts[0], parts[1])
        both(version_rule, random_.randint(0, 3), random_.randint(0, 3))
        both(act_rule, random_.randint(0, 2), parts[0], parts[1])

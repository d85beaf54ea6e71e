"""Ejection of replicas, as the real Envoy was seen to do it (docs/export.md, section 3)."""

import pytest

from hms.agents.policy.kinds import FOREVER_S, GROWTH_LINEAR, SCOPE_REPLICA
from hms.agents.policy.outlier import (
    OutlierGrant,
    OutlierObservation,
    OutlierState,
    split_outlier,
    step_outlier,
)
from hms.agents.policy.parameters import BreakerParameters

ENVOY = {
    "scope": SCOPE_REPLICA, "failure_rate": 2.0, "slow_call_rate": 2.0, "consecutive_failures": 5,
    "open_s": 30.0, "open_max_s": 300.0, "open_growth": GROWTH_LINEAR, "jitter_share": 0.0,
    "ejected_share_max": 0.1, "panic_share": 0.5, "sweep_s": 10.0,
}


class Replicas:
    """An edge with up to four groups of replicas behind it."""

    def __init__(self, *replicas: float, **changed: object) -> None:
        self.s, self.g = OutlierState(), OutlierGrant()
        self.p = BreakerParameters(**{**ENVOY, **changed})
        self.replicas = [*replicas, 0.0, 0.0, 0.0, 0.0][:4]

    def step(self, now_s: float, calls: list[float], failed: list[float]) -> list[float]:
        o = OutlierObservation(
            list(self.replicas), [*calls, 0.0, 0.0, 0.0][:4], [*failed, 0.0, 0.0, 0.0][:4]
        )
        step_outlier(self.s, self.p, o, self.g, now_s, 0.1, 0.0)
        return self.g.share

    def split(self, slot: int, new: int) -> None:
        self.replicas[slot] -= 1.0
        self.replicas[new] = 1.0
        split_outlier(self.s, slot, new)


def test_ten_percent_of_three_replicas_is_none():
    r = Replicas(1.0, 1.0, 1.0)
    for k in range(30):
        assert r.step(0.1 * k, [1.0, 1.0, 1.0], [1.0, 0.0, 0.0])[0] == 1.0


def test_always_eject_one_ejects_one_after_five_failures():
    r = Replicas(1.0, 1.0, 1.0, always_eject_one=True)
    for k in range(4):
        assert r.step(0.1 * k, [1.0, 1.0, 1.0], [1.0, 1.0, 0.0]) == [1.0] * 4
    assert r.step(0.4, [1.0, 1.0, 1.0], [1.0, 1.0, 0.0]) == [0.0, 1.0, 1.0, 1.0]


def test_the_share_limit_counts_the_replica_to_be_ejected():
    r = Replicas(1.0, 1.0, 1.0, ejected_share_max=2 / 3)
    assert r.step(1.0, [5.0, 5.0, 5.0], [5.0, 5.0, 5.0]) == [1.0] * 4  # 1 of 3 in: panic
    assert r.s.ejected == [1.0, 1.0, 0.0, 0.0]
    calm = Replicas(1.0, 1.0, 1.0, ejected_share_max=0.5)
    assert calm.step(1.0, [5.0, 5.0, 5.0], [5.0, 5.0, 5.0]) == [0.0, 1.0, 1.0, 1.0]


def test_panic_uses_all_replicas_again_but_forgets_no_ejection():
    r = Replicas(1.0, ejected_share_max=1.0)
    assert r.step(1.0, [5.0], [5.0])[0] == 1.0
    assert r.s.ejected[0] == 1.0
    without = Replicas(1.0, ejected_share_max=1.0, panic_share=0.0)
    assert without.step(1.0, [5.0], [5.0])[0] == 0.0


def test_a_refused_ejection_must_be_earned_anew():
    r = Replicas(1.0, 1.0)
    r.step(0.0, [5.0, 5.0], [5.0, 0.0])
    assert r.s.row[0] == 0.0


def test_out_times_grow_by_a_step_and_end_at_sweeps():
    """Base 2, cap 5, sweep .5: Envoy was seen to eject for 2.4, 4.4, 5.0, 5.0 s."""
    r = Replicas(1.0, 1.0, always_eject_one=True, open_s=2.0, open_max_s=5.0, sweep_s=0.5)
    spans, out_since_s, k = [], -1.0, 0
    while len(spans) < 4:
        now_s = k * 0.1
        share = r.step(now_s, [5.0, 5.0], [5.0, 0.0])[0]  # five failures each tick it is in
        if share == 0.0 and out_since_s < 0.0:
            out_since_s = now_s
        elif share == 1.0 and out_since_s >= 0.0:
            spans.append(now_s - out_since_s)
            out_since_s = -1.0
        k += 1
    assert spans == pytest.approx([2.4, 4.4, 5.0, 5.0], abs=0.6)


def test_one_step_back_for_each_sweep_in():
    r = Replicas(1.0, 1.0)
    r.s.times[0] = 3.0
    r.step(0.0, [1.0, 1.0], [0.0, 0.0])
    assert r.s.times[0] == 2.0
    r.step(25.0, [1.0, 1.0], [0.0, 0.0])  # after a jump over two sweeps
    assert r.s.times[0] == 0.0


def test_one_of_several_alike_is_split_off_first():
    r = Replicas(3.0, 1.0, always_eject_one=True)
    assert r.step(0.1, [18.0, 5.0], [18.0, 0.0]) == [1.0] * 4
    assert r.g.split == 0
    r.split(0, 2)
    assert r.step(0.2, [0.0, 0.0], [0.0, 0.0]) == [1.0, 1.0, 0.0, 1.0]
    assert r.g.split == -1
    assert r.step(0.3, [12.0, 5.0], [12.0, 0.0]) == [1.0, 1.0, 0.0, 1.0]
    assert r.g.split == -1


def test_a_whole_slot_goes_where_the_limit_lets_it():
    r = Replicas(2.0, 8.0, ejected_share_max=0.2)
    assert r.step(0.1, [10.0, 8.0], [10.0, 0.0])[0] == 0.0
    assert r.g.split == -1


def test_the_failure_rate_is_judged_at_sweeps():
    r = Replicas(
        1.0, 1.0, always_eject_one=True, failure_rate=0.5, consecutive_failures=0,
        minimum_calls=10, sweep_s=10.0,
    )
    r.step(0.0, [0.0, 0.0], [0.0, 0.0])
    for k in range(1, 6):
        assert r.step(float(k), [2.0, 2.0], [1.0, 0.0])[0] == 1.0
    assert r.g.wake_s == 10.0
    assert r.step(10.0, [0.0, 0.0], [0.0, 0.0])[0] == 0.0


def test_nothing_out_and_nothing_failed_never_wakes():
    r = Replicas(1.0, 1.0)
    r.step(3.0, [5.0, 5.0], [0.0, 0.0])
    assert r.g.wake_s == FOREVER_S


def test_for_an_edge_breaker_all_replicas_are_in():
    r = Replicas(1.0, scope=0, always_eject_one=True)
    assert r.step(0.0, [50.0], [50.0]) == [1.0] * 4
    assert r.g.split == -1


def test_a_slot_without_replicas_remembers_nothing():
    r = Replicas(1.0, 1.0, always_eject_one=True)
    r.step(0.0, [5.0, 5.0], [5.0, 0.0])
    r.replicas[0] = 0.0
    assert r.step(0.1, [0.0, 5.0], [0.0, 0.0])[0] == 1.0
    assert r.s.ejected[0] == 0.0

"""One edge in virtual time: what a tick's amounts do, what is granted, and jumps."""

import pytest

from hms.agents.policy.breaker import BreakerState, set_mode
from hms.agents.policy.dependency import (
    EdgeGrant,
    EdgeObservation,
    calm_s,
    skip_dependency,
    step_dependency,
)
from hms.agents.policy.kinds import (
    BUDGET_IN_FLIGHT,
    BUDGET_NONE,
    CLOSED,
    FORCED_OPEN,
    FOREVER_S,
    HALF_OPEN,
    OPEN,
    SCOPE_REPLICA,
    WINDOW_TIME,
)
from hms.agents.policy.parameters import BreakerParameters, RetryParameters
from hms.agents.policy.retry import RetryState

TICK_S = 0.1


class Edge:
    """One edge, stepped by hand."""

    def __init__(self, breaker: BreakerParameters, retry: RetryParameters | None = None) -> None:
        self.b, self.r = BreakerState(), RetryState()
        self.bp, self.rp = breaker, retry or RetryParameters()
        self.g = EdgeGrant()
        self.now_s = 0.0

    def tick(self, u: float = 0.0, **seen: float) -> EdgeGrant:
        self.now_s += TICK_S
        o = EdgeObservation(**seen)
        step_dependency(self.b, self.r, self.bp, self.rp, o, self.g, self.now_s, TICK_S, u)
        return self.g

    def until(self, now_s: float) -> EdgeGrant:
        while self.now_s + TICK_S < now_s + 1e-9:
            self.tick()
        return self.g


def tripping(**changed: float) -> Edge:
    chosen = {"window_calls": 20, "minimum_calls": 10, "open_s": 5.0, "jitter_share": 0.0}
    return Edge(BreakerParameters(**{**chosen, **changed}))


def opened(**changed: float) -> Edge:
    e = tripping(**changed)
    e.tick(calls=10.0, failed=10.0, started=10.0)
    assert e.g.phase == OPEN
    return e


def test_closed_admits_all():
    g = tripping().tick(calls=5.0, started=5.0)
    assert (g.share, g.permits, g.phase, g.era, g.wake_s) == (1.0, -1.0, CLOSED, 0, FOREVER_S)


def test_open_admits_none_until_it_is_due():
    e = opened()
    assert (e.g.share, e.g.permits, e.g.era) == (0.0, 0.0, 1)
    assert e.g.wake_s == pytest.approx(5.1)
    assert e.until(5.0).phase == OPEN
    g = e.until(5.1)
    assert (g.phase, g.share, g.permits, g.era) == (HALF_OPEN, 1.0, 3.0, 2)
    assert g.wake_s == FOREVER_S


def test_probes_that_started_take_permits():
    e = opened()
    e.until(5.1)
    assert e.tick(started=1.4).permits == pytest.approx(1.6)
    assert e.g.wake_s == pytest.approx(5.2 + 10.0)
    assert e.tick(started=1.6).permits == pytest.approx(0.0)


def test_probes_come_back_one_by_one_and_decide_as_soon_as_sure():
    e = opened()
    e.until(5.1)
    e.tick(started=3.0)
    assert e.tick(calls=1.0).phase == HALF_OPEN
    assert e.tick(calls=1.0).phase == CLOSED
    assert e.b.opened_in_row == 0
    failing = opened()
    failing.until(5.1)
    failing.tick(started=3.0)
    assert failing.tick(calls=1.0, failed=1.0).phase == HALF_OPEN
    assert failing.tick(calls=1.0, failed=1.0).phase == OPEN
    assert failing.g.wake_s == pytest.approx(failing.now_s + 10.0)  # open_multiplier 2


def test_failures_among_a_ticks_probes_are_spread_evenly():
    """Of three, one failed: the second. Success, failure, success closes at 34 %, not before."""
    e = opened(failure_rate=0.5, half_open_calls=3)
    e.until(5.1)
    e.tick(started=3.0)
    e.tick(calls=3.0, failed=1.0)
    assert e.g.phase == CLOSED
    two = opened(failure_rate=0.5, half_open_calls=3)
    two.until(5.1)
    two.tick(started=3.0)
    two.tick(calls=3.0, failed=2.0)
    assert two.g.phase == OPEN


def test_results_beyond_the_verdict_count_nowhere():
    e = opened(half_open_calls=2)
    e.until(5.1)
    e.tick(started=2.0, calls=10.0)
    assert e.g.phase == CLOSED
    assert e.b.window.total == 0.0


def test_probes_that_never_report_have_failed_at_the_end_of_their_lease():
    e = opened()
    e.until(5.1)
    e.tick(started=2.0)
    assert e.until(5.2 + 9.9).phase == HALF_OPEN
    assert e.tick().phase == OPEN


def test_one_lost_probe_of_three_does_not_wedge_it():
    e = opened(half_open_calls=3, failure_rate=1.0)
    e.until(5.1)
    e.tick(started=1.0)
    g = e.until(5.2 + 10.0)
    assert (g.phase, g.permits) == (HALF_OPEN, 2.0)
    e.tick(started=1.0)
    assert e.tick(calls=1.0).phase == CLOSED  # 3 of 3 failures can no longer come


def test_a_part_of_a_probe_that_is_lost_is_a_whole_failure():
    e = opened(half_open_calls=1)
    e.until(5.1)
    e.tick(started=0.4)
    assert e.until(5.2 + 10.0).phase == OPEN


def test_jitter_is_drawn_when_it_opens():
    e = tripping(jitter_share=0.5)
    e.tick(u=0.5, calls=10.0, failed=10.0)
    assert e.g.wake_s == pytest.approx(0.1 + 5.0 * 0.75)


@pytest.mark.parametrize("off", [{"enabled": False}, {"scope": SCOPE_REPLICA}])
def test_without_a_breaker_on_the_edge_all_pass(off):
    e = tripping(**off)
    g = e.tick(calls=100.0, failed=100.0)
    assert (g.share, g.permits, g.phase) == (1.0, -1.0, CLOSED)
    assert e.b.window.total == 0.0


def test_forced_open_admits_none_and_never_wakes():
    e = tripping()
    set_mode(e.b, 16, FORCED_OPEN, 0.0)
    g = e.tick()
    assert (g.share, g.permits, g.wake_s) == (0.0, 0.0, FOREVER_S)


def test_tokens_are_whole_and_start_full():
    e = Edge(BreakerParameters(), RetryParameters(budget_max=10.0, budget_ratio=0.1))
    assert e.tick().tokens == 10.0
    assert e.tick(retries=9.5).tokens == 0.0
    assert e.tick(successes=4.0).tokens == 0.0
    assert e.tick(successes=1.0).tokens == 1.0


def test_a_ticks_deposits_come_after_its_retries():
    e = Edge(BreakerParameters(), RetryParameters(budget_max=10.0, budget_ratio=0.1))
    assert e.tick(retries=2.0, successes=20.0).tokens == 10.0


def test_budgets_of_other_kinds():
    free = Edge(BreakerParameters(), RetryParameters(budget_kind=BUDGET_NONE))
    assert free.tick(retries=99.0).tokens == -1.0
    share = Edge(BreakerParameters(), RetryParameters(budget_kind=BUDGET_IN_FLIGHT))
    assert share.tick(active=100.0, retries_active=12.0).tokens == 8.0


def test_it_wakes_when_time_brings_the_next_token():
    e = Edge(BreakerParameters(), RetryParameters(budget_min_rps=0.5))
    e.r.spent = 9_500.0
    e.r.refilled_s = 0.1
    g = e.tick()
    assert g.tokens == 0.0
    assert g.wake_s == pytest.approx(0.1 + 1.0)
    assert calm_s(e.b, e.r, e.bp, e.rp, 0.1) == g.wake_s


@pytest.mark.parametrize("kind", [0, WINDOW_TIME])
def test_a_jump_leaves_what_ticks_would_have_left(kind):
    shape = {"window_kind": kind, "window_s": 10.0, "window_calls": 50}
    retry = RetryParameters(budget_ratio=0.1, budget_max=50.0)
    ticked = Edge(BreakerParameters(**shape), retry)
    jumped = Edge(BreakerParameters(**shape), retry)
    for e in (ticked, jumped):
        e.tick(calls=10.0, failed=3.0, retries=30.0)
    o = EdgeObservation(calls=4.0, successes=4.0, slow=1.0)
    for _ in range(300):
        ticked.tick(calls=4.0, successes=4.0, slow=1.0)
    skip_dependency(jumped.b, jumped.r, jumped.bp, retry, o, 0.1, 30.1, TICK_S)
    one_slice = 10.0 / 16 * 40
    for name in ("total", "failed", "slow"):
        left, right = getattr(jumped.b.window, name), getattr(ticked.b.window, name)
        assert left == pytest.approx(right, abs=one_slice if kind else 1e-6)
    assert jumped.r.spent == pytest.approx(ticked.r.spent)
    assert jumped.b.phase == ticked.b.phase == CLOSED


def test_a_jump_over_a_failure_free_flow_ends_a_row():
    e = Edge(BreakerParameters(consecutive_failures=5, failure_rate=2.0))
    e.tick(calls=4.0, failed=4.0)
    skip_dependency(e.b, e.r, e.bp, e.rp, EdgeObservation(calls=1.0), 0.1, 5.0, TICK_S)
    e.now_s = 5.0
    assert e.tick(calls=4.0, failed=4.0).phase == CLOSED

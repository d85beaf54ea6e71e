"""The breaker that threads share, beside its cases (tests/healing/cases)."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable

import pytest

from hms.agents.healing.breaker.breaker import Breaker, Permit
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.clock import FakeClock
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen

Build = Callable[..., Breaker]


def call(
    breaker: Breaker, outcome: str, clock: FakeClock | None = None, takes_s: float = 0.0
) -> None:
    permit = breaker.admit()
    if clock is not None:
        clock.advance(takes_s)
    if outcome == "S":
        breaker.succeeded(permit)
    elif outcome == "F":
        breaker.failed(permit, ValueError("no"))
    else:
        breaker.ignored(permit)


def calls(breaker: Breaker, outcomes: str) -> None:
    for outcome in outcomes:
        call(breaker, outcome)


@pytest.mark.parametrize("mode", [Breaker.disable, Breaker.metrics_only])
def test_disabled_and_metrics_only_let_all_in(
    breaker: Build, mode: Callable[[Breaker], None]
) -> None:
    each = breaker()
    mode(each)
    calls(each, "F" * 100)
    assert each.metrics().refused == 0


def test_a_window_of_another_kind_starts_empty(breaker: Build) -> None:
    each = breaker(failure_rate=1.0)
    calls(each, "FFFS")
    each.reconfigure(BreakerParameters(window_kind=1, failure_rate=1.0))
    assert each.metrics().calls_in_window == 0.0
    calls(each, "FS")
    assert each.metrics().calls_in_window == 2.0


def test_reported_calls_count_like_single_ones(breaker: Build) -> None:
    single, batch = breaker(), breaker()
    calls(single, "SSSFF")
    assert batch.report_calls(ok=3, failed=2, slow=0) == "closed"
    assert batch.metrics().failed_in_window == single.metrics().failed_in_window
    calls(single, "F")
    assert batch.report_calls(ok=0, failed=1, slow=0) == single.phase == "open"
    assert batch.report_calls(ok=7, failed=0, slow=0) == "open"
    assert batch.metrics().late == 7


@pytest.mark.parametrize(("ok", "failed", "slow"), [(-1, 0, 0), (0, -1, 0), (1, 1, 3)])
def test_impossible_counts_are_refused(breaker: Build, ok: int, failed: int, slow: int) -> None:
    with pytest.raises(ValueError, match="not counts of calls"):
        breaker().report_calls(ok, failed, slow)


def test_f2_h4_under_threads_every_admitted_call_is_accounted_for(
    breaker: Build, clock: FakeClock
) -> None:
    """8 threads at a switch interval of 1 µs; half-open never has more than its probes out."""
    each = breaker(window_calls=20, half_open_calls=3, open_s=1e-3)
    probes_out: set[int] = set()
    most_probes = 0
    lock = threading.Lock()

    def one(outcome: int) -> None:
        nonlocal most_probes
        try:
            permit = each.admit()
        except BreakerOpen:
            clock.advance(1e-3)
            return
        if permit.probe:
            with lock:
                probes_out.add(id(permit))
                same_era = len(probes_out)
                most_probes = max(most_probes, same_era)
        finish(permit, outcome)

    def finish(permit: Permit, outcome: int) -> None:
        if permit.probe:
            with lock:
                probes_out.discard(id(permit))
        if outcome == 0:
            each.failed(permit)
        elif outcome == 1:
            each.ignored(permit)
        else:
            each.succeeded(permit)

    def work(seed: int) -> None:
        for number in range(1500):
            one((number * 7 + seed) % 5 % 3)

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval_s)
    counted = each.metrics()
    assert counted.opened > 10
    assert most_probes <= 3
    assert counted.in_flight == 0
    assert counted.admitted + counted.refused == 8 * 1500
    assert counted.admitted == (
        counted.ok + counted.failed + counted.ignored + counted.cancelled + counted.late
    )


def test_the_rate_is_over_results_not_over_started_calls(breaker: Build) -> None:
    each = breaker(window_calls=20, minimum_calls=1, failure_rate=1.0)
    for _ in range(9):
        each.admit()
    call(each, "F")
    assert each.phase == "open"
    assert "100.0 % of 1 " in each.explain()


def test_a_build_without_a_global_lock_takes_the_breakers(
    breaker: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    each = breaker()
    assert not each.lock_free
    calls(each, "S" * 50)
    assert each.metrics().ok == 50
    assert next(each.era.count) == 0
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: True, raising=False)
    assert breaker().lock_free


def test_the_mean_response_time_rests_on_calls_chosen_by_their_start(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker()
    for takes_s in (0.2, 0.4, 0.6):
        clock.advance(0.1)
        call(each, "S", clock, takes_s)
    counted = each.metrics()
    assert counted.response_samples == 3
    assert counted.response_s_sum == pytest.approx(1.2)
    for _ in range(100):
        call(each, "S")
    assert each.metrics().response_samples <= 4


def test_a_guard_left_in_another_context_ends_its_call(breaker: Build) -> None:
    guard = Guard(breaker())
    contextvars.copy_context().run(guard.__enter__)
    guard.__exit__(None, None, None)
    assert (guard.metrics().ok, guard.metrics().in_flight) == (1, 0)

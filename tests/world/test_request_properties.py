"""What the request engine owes itself: books that balance, one seed one run, a clear stop."""

import numpy as np
import pytest
from request_worlds import edge, queue, ran, seeds, station, world
from small_shop import FAULTS

from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run as run_fluid
from hms.scenarios.engines.request import Budget
from hms.scenarios.engines.request.judged import Promise, judge
from hms.scenarios.policy_tables import tables

SYSTEMS = {
    "healthy": (),
    **{name: (fault,) for name, fault in FAULTS.items()},
}


def with_faults(shop, faults):
    from dataclasses import replace

    return replace(shop, faults=tuple(faults))


@pytest.mark.parametrize("name", SYSTEMS)
def test_books_balance(shop, ladder, name):
    o = ran(with_faults(shop, SYSTEMS[name]), 3, ladder)
    assert o.arrived == o.served + o.failed + o.dropped + o.in_system
    assert o.present_s == pytest.approx(o.residence_s, rel=1e-9)
    for visits in o.visits.values():
        ended = ("served", "failed", "refused", "cancelled", "lost", "present")
        assert visits["arrived"] == sum(visits[each] for each in ended)
        assert visits["area"] == pytest.approx(visits["residence"], rel=1e-9, abs=1e-6)


def test_one_seed_gives_one_run_and_another_seed_another(shop, ladder):
    ill = with_faults(shop, [FAULTS["crash"], FAULTS["latency"]])
    one, same, other = (ran(ill, seed, ladder, record=True) for seed in (5, 5, 6))
    assert one.events == same.events
    assert np.array_equal(one.row(), same.row())
    assert one.arrived != other.arrived


def test_the_order_of_a_file_changes_nothing(shop, ladder):
    from dataclasses import replace

    turned = replace(
        shop, components=dict(reversed(shop.components.items())), edges=shop.edges[::-1]
    )
    assert ran(shop, 2, ladder, record=True).events == ran(turned, 2, ladder, record=True).events


def test_policies_meet_the_same_arrivals(shop, ladder):
    ill = with_faults(shop, [FAULTS["hang"]])
    assert ran(ill, 4).arrived == ran(ill, 4, ladder).arrived


@pytest.mark.parametrize(
    ("budget", "why"),
    [(Budget(events=5_000), "event budget"), (Budget(requests=64), "too many requests")],
)
def test_a_spent_budget_says_so_and_where(budget, why):
    drowning = queue(3.0, horizon_s=60.0)
    o = ran(drowning, budget=budget)
    assert why in o.stopped
    assert 0.0 < o.reached_s < 60.0
    assert o.arrived == o.served + o.failed + o.dropped + o.in_system
    assert not ran(queue(0.5, horizon_s=30.0)).stopped


def test_more_cores_never_do_worse():
    runs = [ran(queue(0.9 / cores, cores, horizon_s=60.0), 1) for cores in (1, 2, 4)]
    waits = [o.mean_latency_s["server"] for o in runs]
    assert waits == sorted(waits, reverse=True)


def test_merged_sketches_are_the_sketch_of_all():
    one, two = (o.latencies["server"] for o in seeds(queue(0.7, horizon_s=30.0), 2))
    both = one.merge(two)
    assert both.n == one.n + two.n
    low, high = sorted((one.quantile(0.99), two.quantile(0.99)))
    assert low <= both.quantile(0.99) <= high


def test_a_sketch_is_off_by_less_than_it_says():
    from hms.scenarios.engines.request.sketch import BUCKETS, OFFSET, RELATIVE_ERROR, SHIFT, Sketch

    rng = np.random.default_rng(1)
    times = rng.lognormal(-3.0, 2.0, 5_000)
    at = np.clip((times.view(np.int64) >> SHIFT) - OFFSET, 0, BUCKETS - 1)
    sketch = Sketch(np.bincount(at, minlength=BUCKETS))
    ordered = np.sort(times)
    for q in (0.01, 0.5, 0.95, 0.99, 1.0):
        exact = ordered[int(np.ceil(q * len(ordered))) - 1]
        assert abs(sketch.quantile(q) - exact) <= RELATIVE_ERROR * exact * (1.0 + 1e-12)


@pytest.mark.parametrize("name", ["healthy", "crash", "hang of all", "latency"])
def test_both_engines_judge_windows_alike(shop, ladder, name):
    """The fluid engine judges seconds as they pass; `judge` gives the same of the same seconds."""
    ill = with_faults(shop, SYSTEMS[name])
    compiled = compile_scenario(ill)
    o = run_fluid(compiled, tables(ladder, ill), fast_forward=False, record=True)
    row = compiled.world[0]
    promise = Promise(
        float(row["availability"]), int(row["stable_windows"]), int(row["warm_up_windows"]),
        int(row["fault_window"]), int(row["end_window"]),
    )  # fmt: skip
    line = o.timeline
    late = o.bad - line["bad_rps"][promise.warm_up :].sum()
    judged = judge(line["good_rps"], line["bad_rps"], line["offered_rps"], late, promise)
    alike = ("slo_violation_s", "availability", "time_to_recover_s", "recovered")
    for each in (*alike, "end_availability"):
        assert getattr(judged, each) == pytest.approx(getattr(o, each), abs=1e-9), each
    mean_rps = line["offered_rps"].mean()
    assert judged.downtime_bad / mean_rps == pytest.approx(o.downtime_s, abs=1e-6)


def test_what_is_given_up_is_still_done_unless_it_is_cancelled():
    def system(cancel):
        client = edge("client", "front", timeout_s=0.05, cancel_on_timeout=cancel)
        return world((station("front"),), (client,), 150.0, 30.0)

    done, cancelled = ran(system(False)), ran(system(True))
    assert done.visits["front"]["cancelled"] == 0
    assert cancelled.visits["front"]["cancelled"] > 0
    assert cancelled.served > 5 * done.served


def test_a_deadline_that_travels_saves_the_work_that_nobody_waits_for():
    def system(passes):
        waits = {"timeout_s": 0.05, "passes_deadline": passes}
        parts = (station("front", cores=100, service_time_s=0.001), station("back"))
        edges = (edge("client", "front", **waits), edge("front", "back", passes_deadline=passes))
        return world(parts, edges, 150.0, 30.0)

    blind, knowing = ran(system(False)), ran(system(True))
    assert blind.visits["back"]["cancelled"] == 0
    assert knowing.visits["back"]["cancelled"] > 0
    assert knowing.calls["front", "back"]["late"] > 0  # they wait no longer than their caller
    assert knowing.served > 5 * blind.served

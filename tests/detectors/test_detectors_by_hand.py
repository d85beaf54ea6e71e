"""Each detector on series written by hand, where the answer can be read off."""

import numpy as np
import pytest
from series import NAMES, RATE_RPS, SECONDS, fails_from, well

from hms.scenarios.detectors.collapse import collapse_probability, probability
from hms.scenarios.detectors.examination import Promise, examine
from hms.scenarios.detectors.timing import measure_times

PROMISED = Promise(availability=0.95, stable_for_s=5.0)


def test_a_well_system_has_no_cause_no_cascade_and_hurts_nobody():
    found = examine(well(), PROMISED)
    assert (found.cause, found.cascade, found.metastable, found.times) == (None, None, None, None)
    assert found.blast.components == () and found.blast.entries == ()


@pytest.mark.parametrize("name", NAMES[1:])
def test_errors_name_who_made_them_and_the_cascade_climbs_to_the_entry(name):
    found = examine(fails_from(well(), name, 20, 0.5), PROMISED)
    assert (found.cause.kind, found.cause.name, found.cause.since_s) == ("component", name, 20)
    assert found.cause.signs == ("errors",)
    assert found.cascade.depth == NAMES.index(name) - 1
    assert {hit.component for hit in found.cascade.hits} == set(NAMES[1 : NAMES.index(name) + 1])


def test_the_blast_radius_counts_who_failed_how_long_and_how_much():
    seen = fails_from(well(), "cart", 20, 0.5)
    blast = examine(seen, PROMISED).blast
    assert {row.name for row in blast.components} == {"front", "cart"}
    assert blast.share == pytest.approx(2 / 3)
    (entry,) = blast.entries
    assert (entry.name, entry.since_s, entry.for_s) == ("front", 20, 40)
    assert entry.failed == pytest.approx(0.5 * RATE_RPS * 40)
    assert entry.outage_s == pytest.approx(20.0)


def test_calls_that_never_arrive_are_the_roads_fault_not_the_callees():
    seen = well()
    seen.edges.lost[20:, 1] = seen.edges.late[20:, 1] = RATE_RPS
    seen.edges.ok[20:, 1] = seen.edges.call_time_s[20:, 1] = 0.0
    seen.edges.in_flight[20:, 1] = 2.0 * RATE_RPS
    cause = examine(seen, PROMISED).cause
    assert (cause.kind, cause.name, cause.since_s) == ("edge", "front -> cart", 20)
    assert "lost" in cause.signs


def test_more_load_explains_who_then_queues():
    seen = well()
    seen.edges.calls[20:, 0] = seen.components.arrivals[20:, 1] = 3.0 * RATE_RPS
    seen.components.refused[20:, 1] = RATE_RPS
    seen.components.failed[20:, 1] = 0.0
    cause = examine(seen, PROMISED).cause
    assert (cause.kind, cause.name, cause.since_s) == ("load", "front", 20)


def test_a_replica_that_is_gone_is_seen_by_its_platform():
    seen = well()
    seen.components.ready[30:, 3] = 2.0
    cause = examine(seen, PROMISED).cause
    assert (cause.name, cause.since_s, cause.signs) == ("store", 30, ("gone",))


def collapsed(trigger_visible):
    """The store stalls at 20 s for 10 s; retries then keep its queue too long for anybody."""
    seen = well()
    for i in (1, 2, 3):
        seen.components.present[20:, i] = 500.0
    seen.edges.calls[20:, 2] = seen.components.arrivals[20:, 3] = 2.0 * RATE_RPS
    seen.edges.retries[20:, 2] = RATE_RPS
    seen.edges.late[20:, 2] = 2.0 * RATE_RPS
    seen.edges.ok[20:] = seen.edges.good[20:] = 0.0
    seen.edges.given_up[20:] = RATE_RPS
    seen.edges.in_flight[20:] = 400.0
    seen.edges.call_time_s[20:] = 0.0
    seen.components.worked[20:30, 3] = 0.0
    seen.components.worked[30:, 3] = 0.0 if trigger_visible else 2.0 * RATE_RPS
    seen.components.ok[30:, 3] = seen.components.worked[30:, 3]
    seen.components.busy_s[20:, 3] = 0.02 * seen.components.worked[20:, 3]
    return seen


def test_down_at_full_work_without_a_trigger_is_metastable():
    found = examine(collapsed(trigger_visible=False), PROMISED)
    assert found.cause.name == "store"
    assert found.metastable.goodput_share == 0.0
    assert found.metastable.sustained_by == ("retries", "backlog")
    assert found.metastable.amplification == pytest.approx(2.0)


def test_down_with_the_trigger_still_there_is_not_metastable():
    assert examine(collapsed(trigger_visible=True), PROMISED).metastable is None


def test_who_knows_when_the_trigger_ended_may_say_so():
    seen = collapsed(trigger_visible=True)
    assert examine(seen, PROMISED, trigger_ended_s=30.0).metastable is not None
    assert examine(seen, PROMISED, trigger_ended_s=55.0).metastable is None


def test_a_queue_that_drains_is_on_its_way_back():
    seen = collapsed(trigger_visible=False)
    for i in (1, 2, 3):
        seen.components.present[30:, i] = np.linspace(900.0, 450.0, SECONDS - 30)
    assert examine(seen, PROMISED).metastable is None


def test_times_count_from_the_first_down_second():
    down = np.zeros(60, dtype=bool)
    down[20:30] = down[32] = True
    times = measure_times(down, 10, stable_for_s=5.0, noticed_s=[4.0, 23.5])
    assert (times.down_at_s, times.detect_s) == (20, 3.5)
    assert (times.mitigate_s, times.recover_s) == (10.0, 13.0)


def test_never_noticed_never_back():
    down = np.ones(60, dtype=bool)
    times = measure_times(down, 10, stable_for_s=5.0)
    assert (times.detect_s, times.mitigate_s, times.recover_s) == (None, None, None)
    assert measure_times(~down, 10, 5.0) is None


@pytest.mark.parametrize(
    ("hits", "runs", "low", "high"),
    [
        (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (10, 20, 0.2993, 0.7007),
        (1, 10, 0.0179, 0.4042),
    ],
)  # fmt: skip
def test_the_interval_is_wilsons(hits, runs, low, high):
    """Newcombe (1998), Statistics in Medicine 17: the score interval without correction."""
    found = probability(hits, runs)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_a_collapse_is_a_verdict_of_collapsed():
    found = collapse_probability(["collapsed"] * 3 + ["recovered"] * 16 + ["degraded"])
    assert (found.share, found.runs) == (0.15, 20)
    with pytest.raises(ValueError, match="0 of 0"):
        collapse_probability([])

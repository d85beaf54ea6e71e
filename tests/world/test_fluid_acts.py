"""What each act does to the world, and what it costs. docs/world.md, "Actions on the world"."""

import dataclasses

import pytest
from small_shop import FAULTS, policy_of

from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.engines.fluid.engine import state_of
from hms.scenarios.engines.fluid.loop import run_to_end
from hms.scenarios.event_log import RULE_UNDONE
from hms.scenarios.policy_tables import tables

OFF = {"enabled": False}
NOTHING = policy_of(breaker=OFF)


def outcome(shop, name, policy, **changes):
    fault = dataclasses.replace(FAULTS[name], **changes)
    parts = {
        n: dataclasses.replace(c, readiness=None, liveness=None)
        for n, c in shop.components.items()
    }
    scenario = dataclasses.replace(shop, faults=(fault,), components=parts)
    return run(compile_scenario(scenario, 1), tables(policy, scenario), record=True)


def with_ladder(issue, *steps, **groups):
    return policy_of(breaker=OFF, recovery={issue: list(steps)}, **groups)


def serving(result, name):
    return result.timeline["serving"][:, result.components.index(name)]


def test_a_restart_cures_a_hang_and_costs_the_start_up_time(shop):
    ill = outcome(shop, "hang", NOTHING)
    healed = outcome(
        shop, "hang", with_ladder("unresponsive", {"act": "restart", "patience_s": 20.0})
    )
    assert healed.downtime_s < 0.5 * ill.downtime_s
    assert healed.recovered and not ill.recovered
    assert healed.restarts == 1
    assert healed.out_of_service_s == pytest.approx(8.0, abs=0.2)
    assert serving(healed, "basket")[-1] == 3


def test_a_roll_back_cures_a_bad_deploy_and_a_restart_does_not(shop):
    restart = with_ladder("errors", {"act": "restart", "patience_s": 20.0})
    back = with_ladder("errors", {"act": "custom", "name": "roll_back", "patience_s": 20.0})
    assert outcome(shop, "bad_deploy", restart).verdict == "collapsed"
    assert outcome(shop, "bad_deploy", back).verdict == "recovered"


def test_more_replicas_serve_a_spike_after_their_start_and_cost_until_the_end(shop):
    scale = with_ladder("slow", {"act": "scale", "replicas": 2, "patience_s": 30.0})
    crowded = {"parameters": {"factor": 6.0}, "duration_s": 60.0}
    without = outcome(shop, "load_spike", NOTHING, **crowded)
    scaled = outcome(shop, "load_spike", scale, **crowded)
    assert scaled.downtime_s < without.downtime_s
    assert scaled.added_replica_s > 0.0
    assert scaled.disruption_s >= 0.1 * scaled.added_replica_s
    assert serving(scaled, "front")[-1] > 3


def test_reconnecting_ends_stale_connections_once_the_cause_is_gone(shop):
    """The partition lasts from 30 to 50 s; only the third try, after 50 s, can help."""
    step = {"act": "reconnect", "patience_s": 10.0}
    again = with_ladder("dependency", step, step, step)
    stale = outcome(shop, "partition", NOTHING)
    fresh = outcome(shop, "partition", again)
    assert fresh.downtime_s < stale.downtime_s - 5.0
    assert fresh.restarts == 0


def test_a_fallback_answers_a_soft_call_at_the_price_of_quality(shop):
    local = with_ladder("dependency", {"act": "fallback", "patience_s": 5.0, "duration_s": 60.0})
    slow = {"parameters": {"factor": 60.0}}
    waiting = outcome(shop, "slow", NOTHING, **slow)
    served = outcome(shop, "slow", local, **slow)
    assert served.downtime_s < waiting.downtime_s
    assert served.quality_loss_s > 0.0


def test_an_adjusted_limit_is_in_force(shop):
    limit = with_ladder(
        "slow", {"act": "adjust", "set": {"concurrency.limit": 4}, "patience_s": 5.0}
    )
    changed = outcome(shop, "slow", limit)
    place = changed.components.index("stock")
    free = outcome(shop, "slow", NOTHING)
    assert changed.timeline["present"][40:60, place].max() > 0.0
    assert changed.events != free.events
    assert any(" act " in line for line in changed.events)


def test_doing_nothing_costs_nothing(shop):
    idle = outcome(shop, "error", NOTHING)
    assert idle.disruption_s == pytest.approx(idle.quality_loss_s + idle.lost_in_flight_s)
    assert idle.restarts == 0


KEPT = {"verification": {"undo": False}}
HELPLESS = {"duration_s": 200.0}  # nothing below helps against wrong answers


def undone(result):
    return [line.split() for line in result.events if " undone " in line]


def test_replicas_that_did_not_help_go_again_and_are_paid_until_then(shop):
    scale = {"act": "scale", "replicas": 2, "patience_s": 20.0}
    taken = outcome(shop, "error", with_ladder("errors", scale), **HELPLESS)
    kept = outcome(shop, "error", with_ladder("errors", scale, **KEPT), **HELPLESS)
    assert len(undone(taken)) == 1 and undone(kept) == []
    assert taken.added_replica_s == pytest.approx(2 * 20.0, abs=0.5)
    assert kept.added_replica_s > 3 * taken.added_replica_s
    assert serving(taken, "basket").max() == 5
    assert serving(taken, "basket")[-1] == 3
    assert serving(kept, "basket")[-1] == 5


def test_replicas_taken_back_before_they_started_never_serve(shop):
    scale = {"act": "scale", "replicas": 2, "patience_s": 3.0}
    taken = outcome(shop, "error", with_ladder("errors", scale), **HELPLESS)
    assert len(undone(taken)) == 1
    assert serving(taken, "basket").max() == 3
    assert taken.added_replica_s == pytest.approx(2 * 3.0, abs=0.5)


def settings_at_the_end(shop, policy):
    """Attempts of each edge, workers and room of each unit, when the run is over."""
    scenario = dataclasses.replace(
        shop, faults=(dataclasses.replace(FAULTS["error"], replicas=0, **HELPLESS),)
    )
    state = state_of(
        compile_scenario(scenario, 1), tables(policy, scenario), fast_forward=True, record=True
    )
    run_to_end(state)
    undos = int((state.events["rule"] == RULE_UNDONE).sum())
    found = state.edges["retries"], state.units["workers"], state.units["k"], state.comps["limit"]
    return undos, [each.tolist() for each in found]


@pytest.mark.parametrize(
    "set_", [{"concurrency.limit": 2}, {"concurrency.queue_limit": 3}, {"retry.max_attempts": 1}]
)
def test_a_setting_that_did_not_help_is_as_it_was(shop, set_):
    adjust = {"act": "adjust", "set": set_, "patience_s": 5.0}
    groups = {"retry": {"max_attempts": 3}, "concurrency": {"limit": 30, "queue_limit": 40}}
    never = settings_at_the_end(shop, policy_of(breaker=OFF, **groups))
    taken = settings_at_the_end(shop, with_ladder("errors", adjust, **groups))
    kept = settings_at_the_end(shop, with_ladder("errors", adjust, **groups, **KEPT))
    assert (never[0], taken[0], kept[0]) == (0, 1, 0)
    assert taken[1] == never[1]
    assert kept[1] != never[1]


def test_a_fallback_that_did_not_help_ends(shop):
    """front answers stock's calls itself, but its own errors stay."""
    local = {"act": "fallback", "patience_s": 5.0, "duration_s": 120.0}
    ill = {"component": "front", "replicas": 0, **HELPLESS}
    taken = outcome(shop, "error", with_ladder("errors", local), **ill)
    kept = outcome(shop, "error", with_ladder("errors", local, **KEPT), **ill)
    assert len(undone(taken)) == 1
    assert 0.0 < taken.quality_loss_s < 0.2 * kept.quality_loss_s

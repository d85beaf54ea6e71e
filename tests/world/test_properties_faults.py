"""Each kind of fault: it is seen while it lasts, and gone after unless only an act ends it."""

import dataclasses
import math

import pytest
from every_fault import KINDS, fault_of
from small_shop import policy_of

from hms.agents.policy.kinds import CUSTOM_ACT, RESTART
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import Physics, run
from hms.scenarios.engines.fluid.decisions import decide
from hms.scenarios.fault_kinds import FAULT_KINDS
from hms.scenarios.model import Fault
from hms.scenarios.policy_tables import tables

PLATFORM = policy_of(breaker={"enabled": False})
DURING = slice(31, 50)
END = slice(110, 120)
GRADED = [kind for kind in KINDS if FAULT_KINDS[kind].graded and kind != "memory_leak"]
"""Of a leak only the time of the crash changes."""


def outcome(shop, *faults, **options):
    scenario = dataclasses.replace(shop, faults=faults, horizon_s=120.0)
    return run(compile_scenario(scenario, 1), tables(PLATFORM, scenario), **options)


def without_probes(shop, *, restarts="kubernetes"):
    """Nothing but an act, or time, ends what strikes these replicas."""
    parts = {
        name: dataclasses.replace(part, readiness=None, liveness=None, self_restart=restarts)
        for name, part in shop.components.items()
    }
    return dataclasses.replace(shop, components=parts)


def good_share(result, seconds):
    timeline = result.timeline
    return timeline["good_rps"][seconds].sum() / timeline["offered_rps"][seconds].sum()


def test_the_table_leaves_out_no_kind():
    assert {*KINDS, "cache_flush", "flapping_probe", "bad_deploy"} == set(FAULT_KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_seen_while_it_lasts_and_gone_after(shop, kind):
    result = outcome(without_probes(shop), fault_of(kind), record=True)
    assert good_share(result, slice(20, 30)) > 0.999
    assert good_share(result, DURING) < 0.96
    assert good_share(result, END) > 0.999
    assert result.downtime_s > 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_jump_gives_what_the_full_run_gives_under_it(shop, kind):
    fast = outcome(shop, fault_of(kind))
    full = outcome(shop, fault_of(kind), fast_forward=False)
    assert fast.downtime_s == pytest.approx(full.downtime_s, abs=0.05, rel=0.002)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if FAULT_KINDS[kind].may_last])
def test_without_an_end_it_stays(shop, kind):
    system = without_probes(shop, restarts="none")
    lasting = fault_of(kind, duration_s=math.inf)
    assert good_share(outcome(system, lasting, record=True), END) < 0.96


@pytest.mark.parametrize("kind", GRADED)
def test_a_ramp_does_less_and_a_share_of_it_less_still(shop, kind):
    system = without_probes(shop)
    full = outcome(system, fault_of(kind)).downtime_s
    growing = outcome(system, fault_of(kind, ramp_s=15.0)).downtime_s
    faint = outcome(system, fault_of(kind, magnitude=0.02)).downtime_s
    assert faint < growing < full


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("load_spike", "loss")])
def test_two_of_one_kind_the_later_holds(shop, kind):
    """The end of the first, at 50 s, does not end the second, which lasts to 70 s."""
    system = without_probes(shop)
    later = fault_of(kind, start_s=40.0, duration_s=30.0)
    result = outcome(system, fault_of(kind), later, record=True)
    assert good_share(result, slice(52, 68)) < 0.96
    assert good_share(result, slice(115, 120)) > 0.999


def test_an_act_or_time_ends_it_whichever_is_first(shop):
    restart = policy_of(
        breaker={"enabled": False}, recovery={"errors": [{"act": "restart", "patience_s": 20.0}]}
    )
    both = fault_of("error", until="restart", duration_s=60.0)
    scenario = dataclasses.replace(without_probes(shop), faults=(both,))
    alone = run(compile_scenario(scenario, 1), tables(PLATFORM, scenario), record=True)
    healed = run(compile_scenario(scenario, 1), tables(restart, scenario), record=True)
    assert good_share(alone, slice(60, 85)) < 0.8
    assert good_share(alone, END) > 0.999
    assert healed.downtime_s < alone.downtime_s


@pytest.mark.parametrize("kind", ["crash_loop", "misconfiguration"])
@pytest.mark.parametrize(("act", "cured"), [(CUSTOM_ACT, True), (RESTART, False)])
def test_a_roll_back_ends_what_no_restart_does(shop, kind, act, cured):
    """The act is ordered of every replica at 60 s, by nobody's decision."""
    ill = fault_of(kind, until="roll_back", duration_s=math.inf)
    scenario = dataclasses.replace(without_probes(shop), faults=(ill,))
    physics = Physics(compile_scenario(scenario, 1), tables(PLATFORM, scenario), fast_forward=False)
    place = physics.compiled.names.index("basket")
    while not physics.done:
        decide(physics.state, physics.begin(), physics.clock)
        if physics.clock == 600:
            physics.acts[place]["kind"], physics.acts[place]["target"] = act, 0
        physics.advance()
    result = physics.finish([])
    assert (good_share(result, END) > 0.999) == cured


def test_lying_probes_take_well_replicas_out_and_leave_ill_ones_in(shop):
    def struck(kind, **parameters):
        lies = {"false_share": 0.0, "missed_share": 0.0, **parameters}
        lies = Fault("flapping_probe", component="basket", start_s=20.0, duration_s=90.0,
                     parameters=lies)  # fmt: skip
        return outcome(shop, lies, *([fault_of(kind)] if kind else []))

    assert struck(None, false_share=0.7).restarts > 0
    assert struck(None).restarts == 0
    hung = struck("hang", missed_share=1.0)
    assert hung.restarts == 0 < struck("hang").restarts
    assert hung.downtime_s > struck("hang").downtime_s


def test_a_gray_failure_passes_its_probes(shop):
    crowded = {"parameters": {"slow_factor": 200.0, "error_share": 0.0}}
    slow = {"parameters": {"factor": 200.0}}
    assert outcome(shop, fault_of("gray", **crowded)).restarts == 0
    assert outcome(shop, fault_of("slow", **slow)).restarts > 0

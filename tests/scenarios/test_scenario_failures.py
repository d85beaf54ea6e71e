"""Drawn failures: keyed, disjoint, the same in every process, and worth healing."""

import math
import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenario_places import LIBRARY, ROOT

from hms.errors import ScenarioError
from hms.scenarios.families import FAMILIES
from hms.scenarios.fault_kinds import FAULT_KINDS
from hms.scenarios.generate import FailurePlan, draw_failures, list_incidents, untargetable
from hms.scenarios.load import load_scenario, save_scenario
from hms.scenarios.model import Range
from hms.scenarios.split import IncidentId, SplitSizes, keyed_uniform
from hms.scenarios.topology import reachable

SECTION = {
    "start_s": {"between": [45, 90]},
    "at_once": {1: 0.7, 2: 0.3},
    "families": ["crash", "hang", "latency", "error", "memory_leak", "load_spike", "bad_deploy"],
    "never_trained": ["slow", "partition"],
}
SMALL = SplitSizes(train=98, validation=56, held_out=140, held_out_never_trained=40)


@pytest.fixture(scope="module")
def boutique():
    """Online Boutique on three replicas."""
    files = [LIBRARY / "online-boutique.yaml", LIBRARY / "three-replicas.overlay.yaml"]
    return load_scenario(files[0], files[1:])


@pytest.fixture(scope="module")
def plan():
    """The demo's failures."""
    parsed, problems = FailurePlan.parse(SECTION)
    assert not problems
    return parsed


@pytest.fixture(scope="module")
def drawn(boutique, plan):
    """Every incident of the small budget, drawn."""
    return {
        incident: draw_failures(
            boutique, plan, incident.split, incident.family, incident.index, "20261124"
        )
        for incident in list_incidents(plan, SMALL)
    }


def test_a_plan_is_read_as_the_experiment_file_says(plan):
    assert plan.start_s == Range(45.0, 90.0)
    assert plan.at_once == {1: 0.7, 2: 0.3}
    assert plan.never_trained == ("slow", "partition")
    assert plan.quantities == "drawn"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"familys": []}, "unknown key `familys`"),
        ({"families": ["crahs"]}, "unknown family of faults `crahs`"),
        ({"families": ["capacity"]}, "unknown family of faults `capacity`"),
        ({"families": ["crash", "crash"]}, "`crash` is there twice"),
        ({"families": []}, "no families"),
        ({"never_trained": ["crash"]}, "`crash` is trained too"),
        ({"at_once": {1: 0.7}}, "shares sum to 0.7"),
        ({"at_once": {3: 1.0}}, "3 faults at once"),
        ({"at_once": [1]}, "`at_once` is a list of 1"),
        ({"start_s": {"between": [90, 45]}}, "runs from 90 down to 45"),
        ({"start_s": None}, "`start_s` is missing"),
        ({"start_s": -1}, "`start_s` is -1"),
    ],
)
def test_a_mistake_in_a_plan_is_told(section, told):
    parsed, problems = FailurePlan.parse(SECTION | section)
    assert parsed is None
    assert told in "; ".join(problem.what for problem in problems)


def test_unknown_quantities_are_refused():
    parsed, problems = FailurePlan.parse(SECTION, "draw")
    assert parsed is None
    assert problems[0].nearest == "drawn"


def test_sets_are_disjoint_and_families_take_turns(plan):
    incidents = list_incidents(plan, SMALL)
    assert len(incidents) == len(set(incidents)) == 98 + 56 + 140 + 40
    counts = Counter((i.split, i.family) for i in incidents)
    assert {counts["train", family] for family in plan.families} == {14}
    assert {counts["held_out", family] for family in plan.families} == {20}
    assert {counts["held_out_never_trained", family] for family in plan.never_trained} == {20}
    seen = {i.family for i in incidents if i.split != "held_out_never_trained"}
    assert not seen & set(plan.never_trained)


def test_no_two_incidents_share_a_seed(plan):
    seeds = [incident.seed("20261124") for incident in list_incidents(plan, SMALL)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_larger_set_keeps_the_incidents_of_a_smaller_one(plan):
    larger = SplitSizes(train=200, validation=56, held_out=140, held_out_never_trained=40)
    assert set(list_incidents(plan, SMALL)) < set(list_incidents(plan, larger))


def test_a_family_in_both_lists_or_an_empty_list_is_refused():
    from hms.scenarios.split import list_incidents as of_names

    with pytest.raises(ValueError, match="trained and never trained"):
        of_names(["crash"], ["crash"], SMALL)
    with pytest.raises(ValueError, match="no family"):
        of_names(["crash"], [], SMALL)


@given(st.text(max_size=5), st.integers(0, 2**40), st.text(max_size=5))
def test_keyed_numbers_lie_in_the_unit_interval_and_separate_purposes(seed, index, purpose):
    incident = IncidentId("train", "crash", index)
    if "\x1f" in seed + purpose:
        with pytest.raises(ValueError, match="separator"):
            keyed_uniform(seed, incident, purpose)
        return
    u = keyed_uniform(seed, incident, purpose)
    assert 0.0 <= u < 1.0
    assert u == keyed_uniform(seed, incident, purpose)
    assert u != keyed_uniform(seed, incident, purpose + "x")
    assert u != keyed_uniform(seed + "x", incident, purpose)


def test_keyed_numbers_are_the_ones_they_have_always_been():
    # a golden value: an edit of the key would silently redraw every published incident
    u = keyed_uniform("20261124", IncidentId("train", "crash", 0), "first start")
    assert u == 0.5169651260662805


def test_a_drawn_incident_is_concrete_and_starts_as_planned(drawn):
    for incident, scenario in drawn.items():
        assert list(scenario.ranges()) == []
        assert scenario.faults[0].kind == incident.family
        for fault in scenario.faults:
            assert 45.0 <= fault.start_s <= 90.0


def test_faults_strike_only_what_the_load_reaches_and_never_a_client(drawn, boutique):
    reached = reachable(boutique)
    for scenario in drawn.values():
        for fault in scenario.faults:
            if fault.edge is not None:
                assert set(fault.edge) <= reached
            else:
                assert fault.component in reached
                assert fault.replicas <= scenario.components[fault.component].replicas


def test_every_component_is_struck_sometime(drawn, boutique):
    struck = {fault.component for scenario in drawn.values() for fault in scenario.faults}
    assert reachable(boutique) <= struck


def test_two_faults_come_in_their_share_from_two_families_on_two_targets(drawn, plan):
    both = [s.faults for s in drawn.values() if len(s.faults) == 2]
    assert 0.2 < len(both) / len(drawn) < 0.4
    for first, second in both:
        assert first.kind != second.kind
        assert second.kind in plan.families
        assert first.component is None or first.component != second.component
        assert first.edge is None or first.edge != second.edge


def test_faults_end_well_before_the_horizon_or_by_an_act(drawn):
    for scenario in drawn.values():
        for fault in scenario.faults:
            if fault.until:
                assert fault.until in FAULT_KINDS[fault.kind].ends
                assert math.isinf(fault.duration_s)
            else:
                assert fault.start_s + fault.duration_s < scenario.horizon_s - 60.0


def test_magnitudes_lie_in_their_table(drawn):
    for scenario in drawn.values():
        for fault in scenario.faults:
            kind = FAULT_KINDS[fault.kind]
            assert set(fault.parameters) == {spec.field for spec in kind.parameters}
            for name, between in FAMILIES[fault.kind].magnitudes.items():
                neutral = {"error_share": 0.0, "slow_factor": 1.0}.get(name)
                value = fault.parameters[name]
                assert between.low <= value <= between.high or value == neutral


def test_a_leak_reaches_the_limit_within_two_minutes(drawn):
    for scenario in drawn.values():
        for fault in scenario.faults:
            if fault.kind == "memory_leak":
                component = scenario.components[fault.component]
                free_mb = component.memory_limit_mb - component.memory_mb
                assert 29.9 <= free_mb / fault.parameters["mb_per_s"] <= 120.1


def test_a_bad_version_is_bad_in_some_way(drawn):
    kinds = Counter()
    for scenario in drawn.values():
        for fault in scenario.faults:
            if fault.kind == "bad_deploy":
                errs = fault.parameters["error_share"] > 0.0
                slow = fault.parameters["slow_factor"] > 1.0
                kinds[errs, slow] += 1
    assert kinds[False, False] == 0
    assert len(kinds) == 3


def test_one_two_or_all_replicas_are_struck(drawn):
    counts = Counter(
        fault.replicas
        for scenario in drawn.values()
        for fault in scenario.faults
        if fault.edge is None and fault.kind != "load_spike" and fault.component != "redis-cart"
    )
    assert set(counts) == {1, 2, 3}
    assert counts[1] > counts[2]


def test_a_drawn_incident_can_be_saved_and_loads_back_equal(drawn, tmp_path):
    for incident in list(drawn)[::40]:
        save_scenario(drawn[incident], tmp_path / "incident.yaml")
        assert load_scenario(tmp_path / "incident.yaml") == drawn[incident]


def test_midpoint_quantities_are_the_middle_of_every_range(boutique):
    plan, _ = FailurePlan.parse(SECTION, "midpoint")
    scenario = draw_failures(boutique, plan, "train", "crash", 0, "s")
    assert scenario.components == boutique.midpoint().components
    assert scenario.workload == boutique.midpoint().workload


def test_neither_names_order_nor_another_quantity_moves_a_draw(shop_text, write, plan):
    lines = shop_text.splitlines(True)
    stock = next(i for i, line in enumerate(lines) if line.startswith("  stock:"))
    lines[stock], lines[stock + 1] = lines[stock + 1], lines[stock]
    here = load_scenario(write(shop_text))
    moved = load_scenario(write("".join(lines), "moved.yaml"))
    for index in range(20):
        args = (plan, "train", "latency", index, "s")
        assert draw_failures(here, *args) == draw_failures(moved, *args)


def test_a_family_without_a_target_is_told(shop_text, write, plan):
    text = shop_text.replace("memory_mb: 64, memory_limit_mb: 128, ", "")
    scenario = load_scenario(write(text))
    (problem,) = untargetable(scenario, plan)
    assert "nothing in `shop` can suffer a memory_leak fault" in problem.what
    assert "memory_limit_mb" in problem.expected
    with pytest.raises(ScenarioError, match="memory_leak"):
        draw_failures(scenario, plan, "train", "memory_leak", 0, "s")


def test_another_process_with_another_hash_seed_draws_the_same():
    program = (
        "from hms.scenarios.generate import FailurePlan, draw_failures\n"
        "from hms.scenarios.load import load_scenario\n"
        f"s = load_scenario({str(LIBRARY / 'online-boutique.yaml')!r})\n"
        f"p, _ = FailurePlan.parse({SECTION!r})\n"
        "for family in (*p.families, *p.never_trained):\n"
        "    for index in range(4):\n"
        "        d = draw_failures(s, p, 'train', family, index, 'x')\n"
        "        print(d.faults, d.workload, sorted(map(repr, d.components.values())))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "4242")
    }
    assert len(outputs) == 1
    assert "bad_deploy" in outputs.pop()

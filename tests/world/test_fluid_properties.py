"""What must hold in every run of the fluid engine, whatever fails and whoever heals."""

import dataclasses

import numpy as np
import pytest
from numba import typeof
from small_shop import FAULTS, policy_of

from hms.scenarios.code_generation import bitcode_of, object_of
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.engines.fluid.engine import state_of
from hms.scenarios.engines.fluid.loop import run_to_end
from hms.scenarios.engines.fluid.units import split_unit
from hms.scenarios.machine_code import Door
from hms.scenarios.model import Fault
from hms.scenarios.object_code import MachineCode
from hms.scenarios.policy_tables import tables

PLATFORM = policy_of(breaker={"enabled": False})


def failing(scenario, *names):
    return dataclasses.replace(scenario, faults=tuple(FAULTS[name] for name in names))


def outcome(scenario, policy, seed=1, **options):
    compiled = compile_scenario(scenario, seed, options.pop("tick_s", 0.1))
    return run(compiled, tables(policy, scenario), **options)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("healed", [True, False])
def test_a_jump_gives_what_the_full_run_gives(shop, ladder, name, healed):
    scenario = failing(shop, name)
    policy = ladder if healed else PLATFORM
    fast = outcome(scenario, policy)
    full = outcome(scenario, policy, fast_forward=False)
    assert fast.downtime_s == pytest.approx(full.downtime_s, abs=0.3, rel=0.01)
    assert fast.disruption_s == pytest.approx(full.disruption_s, abs=0.3, rel=0.01)
    assert fast.verdict == full.verdict


def test_a_budget_that_empties_slowly_empties_in_jumps_too(shop):
    """10 % of errors want .111 retries a request, a tenth of a token comes back for a success."""
    retry = {"max_attempts": 4, "base_s": 0.0, "jitter_kind": "none", "retry_on": ["error"]}
    retry |= {"budget_kind": "tokens", "budget_ratio": 0.1, "budget_max": 40}
    policy = policy_of(breaker={"enabled": False}, retry=retry)
    errors = Fault("error", component="basket", start_s=30.0, parameters={"share": 0.1})
    scenario = dataclasses.replace(shop, faults=(errors,))
    fast = outcome(scenario, policy)
    full = outcome(scenario, policy, fast_forward=False)
    assert fast.bad > 1.0
    assert fast.bad == pytest.approx(full.bad, rel=0.01)


def test_a_calm_system_is_jumped_over(shop):
    state = state_of(
        compile_scenario(shop), tables(PLATFORM, shop), fast_forward=True, record=False
    )
    run_to_end(state)
    assert state.world["jumped"][0] > 0.8 * state.world["ticks"][0]


@pytest.mark.parametrize("name", FAULTS)
def test_requests_are_conserved(shop, ladder, name):
    """Admitted = departed + present in every unit; what waits on callees is held by edges."""
    scenario = failing(shop, name)
    state = state_of(
        compile_scenario(scenario), tables(ladder, scenario), fast_forward=False, record=False
    )
    run_to_end(state)
    units = state.units[state.units["n"] > 0]
    present = units["queued"] + units["waiting"]
    balance = units["admitted"] - units["departed"] - present
    assert np.abs(balance).max() < 1e-6
    for field in ("queued", "waiting", "admitted", "error_share", "age", "variance"):
        assert np.isfinite(units[field]).all() and (units[field] >= -1e-9).all(), field


@pytest.mark.parametrize("name", ["hang", "error", "partition", "bad_deploy"])
def test_the_order_of_names_and_edges_in_the_file_changes_nothing(shop, ladder, name):
    scenario = failing(shop, name)
    turned = dataclasses.replace(
        scenario,
        components=dict(reversed(scenario.components.items())),
        edges=tuple(reversed(scenario.edges)),
    )
    assert (outcome(scenario, ladder).row() == outcome(turned, ladder).row()).all()


@pytest.mark.parametrize("name", ["crash", "latency", "slow", "load_spike"])
def test_halving_the_tick_converges(shop, name):
    scenario = failing(shop, name)
    coarse, middle, fine = (
        outcome(scenario, PLATFORM, tick_s=tick).availability for tick in (0.1, 0.05, 0.025)
    )
    assert abs(middle - fine) <= max(0.003, abs(coarse - fine))


def test_more_capacity_never_does_worse_on_one_component(shop):
    alone = dataclasses.replace(
        shop, edges=shop.edges[:1],
        components={name: shop.components[name] for name in ("client", "front")},
    )
    downtimes = []
    for cores in (1, 2, 4):
        front = dataclasses.replace(alone.components["front"], cores=float(cores))
        parts = {**alone.components, "front": front}
        crowded = dataclasses.replace(
            alone, components=parts,
            workload=(dataclasses.replace(alone.workload[0], rate_rps=700.0),),
        )
        downtimes.append(outcome(crowded, PLATFORM).downtime_s)
    assert downtimes[0] >= downtimes[1] >= downtimes[2] == 0.0
    assert downtimes[0] > 0.0


def test_splitting_replicas_of_one_state_changes_nothing_but_the_books(shop):
    state = state_of(
        compile_scenario(shop), tables(PLATFORM, shop), fast_forward=False, record=False
    )
    compiled = compile_scenario(shop)
    place = compiled.names.index("basket")
    first = int(state.comps["u0"][place])
    before = state.units[first].copy()
    split_caller = Door(split_one_off, "void(state, i8, i8)")
    half = bitcode_of([split_caller], (), typeof(state))
    split_caller.open(MachineCode(object_of([half], [split_caller])))
    split_caller(state, place, first)
    pair = state.units[[first, first + 1]]
    for field in ("n", "queued", "waiting", "admitted"):
        assert pair[field].sum() == pytest.approx(before[field])
    assert pair["n"].tolist() == [2.0, 1.0]
    assert (pair["age"] == before["age"]).all()


def split_one_off(state, place, unit):
    """Split one replica off, as an act does."""
    split_unit(
        state.comps[place], unit, 1.0, state.units, state.edges, state.incoming, state.rings
    )


def test_the_same_seed_gives_the_same_events_and_another_seed_does_not(shop, ladder):
    scenario = failing(shop, "error")
    first = outcome(scenario, ladder, seed=1, record=True).events
    again = outcome(scenario, ladder, seed=1, record=True).events
    other = outcome(scenario, ladder, seed=2, record=True).events
    assert first == again
    assert first[-1] != other[-1]

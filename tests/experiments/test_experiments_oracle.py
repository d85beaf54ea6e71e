"""The oracle: told fault and place 12 s after the start, it takes the best act and data plane."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution import baselines
from hms.evolution.objectives import column
from hms.evolution.oracle.best import DELAY_S, RUNS, best_row, best_rows, planes, ranked
from hms.evolution.oracle.gap import gap_closed
from hms.evolution.oracle.remedies import NOTHING, Remedy, remedies
from hms.evolution.oracle.told import Told, run_told
from hms.scenarios.compile import CompiledScenario, compile_scenario
from hms.scenarios.engines.fluid import engine
from hms.scenarios.fault_model import Fault
from hms.scenarios.load import load_scenario
from hms.scenarios.policy_tables import PolicyTables, tables

SHOP = load_scenario(Path(__file__).parent / "corner-shop.yaml").midpoint()
HANG = Fault("hang", "cart", replicas=1, start_s=40.0, until="restart")
CUT = Fault("partition", edge=("cart", "prices"), start_s=40.0, duration_s=30.0)
SPIKE = Fault("load_spike", start_s=40.0, duration_s=30.0, parameters={"factor": 3.0})
DOWNTIME = column("downtime_s")


def shop(*faults: Fault) -> CompiledScenario:
    return compile_scenario(replace(SHOP, faults=faults), seed=7)


def under(name: str) -> PolicyTables:
    return tables(baselines.load(name).policy, SHOP)


def remedy(compiled: CompiledScenario, name: str, fault: Fault = HANG) -> Remedy:
    return next(each for each in remedies(compiled, fault) if each.name == name)


def test_a_run_that_is_told_nothing_is_the_engines_own() -> None:
    hung = shop(HANG)
    for name in ("platform", "ladder"):
        settings = under(name)
        told = run_told(hung, settings, []).row()
        assert (told == engine.run(hung, settings).row()).all()


def test_a_copy_of_a_waiting_run_has_a_future_of_its_own() -> None:
    run = Told(shop(HANG), under("platform"))
    run.run_until(520)
    told = run.copy()
    told.order(remedy(run.compiled, "restart cart"))
    assert told.finish().restarts == 1.0
    assert run.finish().restarts == 0.0


def test_a_hang_that_is_restarted_in_time_is_down_less() -> None:
    hung = shop(HANG)
    restart = remedy(hung, "restart cart")
    left, late, early = (
        run_told(hung, under("platform"), told)
        for told in ([], [(80.0, restart)], [(40.0 + DELAY_S, restart)])
    )
    assert early.downtime_s < late.downtime_s < left.downtime_s
    assert early.restarts == late.restarts == 1.0, "the replica that hangs, and no other"
    assert early.out_of_service_s == pytest.approx(5.0, abs=0.2)


def test_the_oracle_is_told_twelve_seconds_after_the_start() -> None:
    assert DELAY_S == 12.0
    hung, settings = shop(HANG), under("platform")
    rows = [
        run_told(hung, settings, [(52.0, each)]).row()[DOWNTIME] for each in remedies(hung, HANG)
    ]
    found = best_row(settings, hung)
    assert found[DOWNTIME] == min(rows)
    assert found[RUNS] == len(rows)


def test_the_best_is_no_worse_than_any_data_plane_left_alone() -> None:
    for faults in ((HANG,), (CUT,), (SPIKE,), (HANG, replace(CUT, start_s=50.0))):
        broken = shop(*faults)
        for name in ("platform", "polly"):
            plane = planes({name: baselines.load(name).policy})[name]
            alone = engine.run(broken, tables(plane, SHOP)).row()[DOWNTIME]
            best = best_rows([tables(plane, SHOP)], [broken], [(0, 0)])
            assert best[0, DOWNTIME] <= alone + 1e-3, (faults, name)


def test_remedies_are_acts_of_the_place_and_of_its_callers() -> None:
    hung = shop(HANG)
    place = {name: at for at, name in enumerate(hung.names)}
    first, *others = remedies(hung, HANG)
    assert first == NOTHING
    acting = {each.name: {order.component for order in each.orders} for each in others}
    assert acting["restart cart"] == acting["scale cart by 3"] == {place["cart"]}
    assert acting["reconnect"] == acting["no retries"] == {place["front"]}
    everywhere = {place[name] for name in ("front", "cart", "prices")}
    assert {o.component for o in remedy(hung, "scale all by 1", SPIKE).orders} == everywhere


def test_data_planes_carry_no_acts_and_are_there_once() -> None:
    every = {name: baselines.load(name).policy for name in baselines.names()}
    found = planes(every)
    assert "restart-at-once" not in found and "otp" not in found, "their data plane is platform's"
    assert {"platform", "envoy", "ladder"} <= set(found)
    assert all(policy.recovery == {} for policy in found.values())
    for group in ("breaker", "retry", "timeout", "concurrency"):
        assert found["ladder"].groups[group] == every["ladder"].groups[group]
    assert isinstance(found["ladder"], HealingPolicy)


def test_of_equal_downtimes_the_least_disruption_wins() -> None:
    rows = np.zeros((3, RUNS))
    rows[:, DOWNTIME] = (2.0, 1.0, 1.0)
    rows[:, column("disruption_s")] = (0.0, 5.0, 4.0)
    assert ranked(rows) == [2, 1, 0]


@pytest.mark.parametrize(
    ("baseline_s", "champion_s", "oracle_s", "share"),
    [(43.0, 33.0, 24.0, 10 / 19), (40.0, 40.0, 20.0, 0.0), (40.0, 45.0, 30.0, -0.5)],
)
def test_the_share_of_the_gap(
    baseline_s: float, champion_s: float, oracle_s: float, share: float
) -> None:
    assert gap_closed(baseline_s, champion_s, oracle_s) == pytest.approx(share)


def test_there_is_no_share_of_no_gap() -> None:
    assert gap_closed(20.0, 18.0, 20.0) is None

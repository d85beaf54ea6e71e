"""Finalists meet single requests too; the report says whether both engines rank them alike."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hms.evolution import baselines
from hms.evolution.backends import SerialBackend
from hms.evolution.objectives import column
from hms.evolution.proof.engines import Ranks
from hms.experiments.plan import Prices
from hms.experiments.plan_file import load_plan
from hms.experiments.simulation import Case, simulate_pairs, simulate_requests
from hms.experiments.steps.second_opinion import both_engines, opinion, spread
from hms.scenarios.compile import compile_scenario
from hms.scenarios.generate import draw_failures
from hms.scenarios.load import load_scenario

HERE = Path(__file__).resolve().parent
STACKS = {name: baselines.load(name).policy for name in ("platform", "ladder", "restart-at-once")}


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    plan = load_plan(HERE / "tiny.yaml")
    shop = load_scenario(HERE / "corner-shop.yaml")
    found = []
    for index in range(4):
        drawn = draw_failures(shop, plan.failures, "validation", "hang", index, "7")
        found.append(Case(compile_scenario(drawn, index), shop))
    return found


def test_both_engines_meet_the_same_failures(cases: list[Case]) -> None:
    means = SerialBackend({"validation": cases}, simulate_pairs(Prices()))
    requests = SerialBackend({"validation": cases}, simulate_requests(Prices()))
    down = means.evaluate(list(STACKS.values()), range(4), "validation")[:, :, column("downtime_s")]
    frame = pd.DataFrame({"stack": np.repeat(list(STACKS), 4), "downtime_s": down.ravel()})
    found = both_engines(frame, STACKS, requests, [0, 3], "ladder", "platform")
    assert found.scenarios == 2
    assert found.fluid_s["ladder"] == pytest.approx(down[1, [0, 3]].mean())
    assert set(found.request_s) == set(STACKS)
    assert all(seconds >= 0.0 for seconds in found.request_s.values())


def test_the_sentence_holds_for_either_outcome() -> None:
    means = {"finalist-01": 10.0, "ladder": 14.0}
    requests = {"finalist-01": 11.0, "ladder": 16.5}
    alike = opinion(Ranks(1.0, means, requests, "finalist-01", "ladder", 24))
    assert "on 24 of these failures, the finalists and ladder rank as" in alike
    assert "gains 5.5 s of downtime on ladder, 4.0 s by means" in alike
    requests["finalist-01"] = 17.0
    other = opinion(Ranks(-1.0, means, requests, "finalist-01", "ladder", 24))
    assert "do not rank" in other and "gains -0.5 s" in other


@pytest.mark.parametrize(("count", "wanted"), [(56, 24), (112, 24), (10, 10), (1, 1)])
def test_the_failures_are_spread_over_the_set(count: int, wanted: int) -> None:
    places = spread(count)
    assert len(places) == wanted and places == sorted(set(places))
    assert places[0] == 0 and places[-1] == count - 1

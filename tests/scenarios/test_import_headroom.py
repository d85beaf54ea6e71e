"""The rate of an import leaves nearly all draws below their capacity."""

from dataclasses import replace

import numpy as np
import pytest
from scenario_places import LIBRARY

from hms.scenarios.importers.headroom import DRAWS, FULL, full_rps, uniforms
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Range, Scenario
from hms.scenarios.topology import middle, utilisation


def at_midpoint(name: str) -> Scenario:
    return load_scenario(LIBRARY / f"{name}.yaml").midpoint()


@pytest.mark.parametrize("name", ["online-boutique", "sock-shop", "bookinfo"])
def test_without_ranges_every_draw_bears_what_utilisation_says(name):
    scenario = at_midpoint(name)
    offered = sum(middle(load.rate_rps) for load in scenario.workload)
    expected = FULL * offered / max(utilisation(scenario).values())
    assert full_rps(scenario) == pytest.approx(np.full(DRAWS, expected))


def test_draws_are_even_between_the_bounds_and_keyed_by_what_they_are_for():
    u = uniforms("web calls")
    assert np.array_equal(u, uniforms("web calls"))
    assert not np.array_equal(u, uniforms("cart calls"))
    assert (u >= 0.0).all()
    assert (u < 1.0).all()
    assert u.mean() == pytest.approx(0.5, abs=4 * 0.289 / DRAWS**0.5)


def test_the_order_of_the_file_changes_no_draw():
    scenario = load_scenario(LIBRARY / "sock-shop.yaml")

    turned = replace(scenario, edges=scenario.edges[::-1])
    assert full_rps(turned) == pytest.approx(full_rps(scenario))


def test_ranges_make_some_draws_bear_less():
    scenario = load_scenario(LIBRARY / "opentelemetry-demo.yaml")
    bears = full_rps(scenario)
    rate = scenario.workload[0].rate_rps
    assert isinstance(rate, Range)
    overloaded = rate.low + (rate.high - rate.low) * uniforms("rate") > bears
    assert 0.0 < overloaded.mean() <= 0.026  # one in forty, the rate in two digits

"""The prices of the experiment file are what disruption costs, in search and comparison alike."""

from pathlib import Path

import numpy as np
import pytest

from hms.evolution.baselines import load
from hms.experiments.plan import Prices
from hms.experiments.simulation import PRICED, Case, priced, simulate_pairs
from hms.scenarios.compile import compile_scenario
from hms.scenarios.load import load_scenario
from hms.scenarios.outcome import COLUMNS

HERE = Path(__file__).resolve().parent
DISRUPTION = COLUMNS.index("disruption_s")


def rows_at(prices: Prices) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A hang of the corner shop under the ladder, which restarts."""
    shop = load_scenario(HERE / "corner-shop.yaml", [HERE / "hang.overlay.yaml"]).midpoint()
    case = Case(compile_scenario(shop, seed=1), shop)
    return simulate_pairs(prices)([load("ladder").policy], [case], np.zeros((1, 2), np.int64))


def test_each_part_is_paid_at_its_own_price() -> None:
    row = np.zeros((1, len(COLUMNS)))
    for part, seconds in zip(PRICED.values(), (1.0, 10.0, 100.0, 1000.0), strict=True):
        row[0, COLUMNS.index(part)] = seconds
    prices = Prices(out_of_service=2.0, added_replica=3.0, quality_loss=5.0, lost_in_flight=7.0)
    assert priced(row, prices)[0, DISRUPTION] == 2.0 + 30.0 + 500.0 + 7000.0


def test_the_usual_prices_are_those_of_the_engine() -> None:
    row = rows_at(Prices())
    parts = {name: row[0, COLUMNS.index(part)] for name, part in PRICED.items()}
    assert parts["out_of_service"] > 0.0
    expected = sum(getattr(Prices(), name) * seconds for name, seconds in parts.items())
    assert row[0, DISRUPTION] == pytest.approx(expected)


def test_a_dearer_second_out_of_service_is_what_the_search_sees() -> None:
    usual, dear = rows_at(Prices()), rows_at(Prices(out_of_service=10.0))
    extra = 9.0 * usual[0, COLUMNS.index("out_of_service_s")]
    assert dear[0, DISRUPTION] - usual[0, DISRUPTION] == pytest.approx(extra)
    others = [at for at in range(len(COLUMNS)) if at != DISRUPTION]
    assert dear[0, others].tolist() == usual[0, others].tolist()

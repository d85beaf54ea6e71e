"""A budget is a number of incidents, and one that can compare nothing is wrong input."""

from pathlib import Path

import pytest

from hms.errors import InputError
from hms.experiments.plan_file import load_plan
from hms.experiments.run import chosen_budget

DEMO = Path(__file__).resolve().parents[2] / "experiments" / "library" / "online-boutique.yaml"


@pytest.mark.parametrize("wanted", ["1", "5"])
def test_a_budget_that_compares_nothing_is_refused_before_anything_starts(wanted: str) -> None:
    with pytest.raises(InputError, match="cannot compare two genomes") as refused:
        chosen_budget(load_plan(DEMO), wanted)
    assert refused.value.exit_code == 2


def test_a_small_budget_is_taken() -> None:
    assert chosen_budget(load_plan(DEMO), "60").incidents == 60

"""Single requests as a second judge: they find the same faults worth mending."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from planted import PLANTED, SOUND, planted

from hms.errors import ScenarioError
from hms.experiments.check.review import review
from hms.experiments.check.subject import read_system
from hms.experiments.cli.check import command

JUDGED = (
    ("ejection-rounds-to-zero", 0.95, 1.05),
    ("single-replica", 0.7, 1.4),
    ("probe-cannot-see-hang", 0.9, 1.1),
    ("retry-multiplication", 0.0, 1.0),  # at the edge of collapse a storm of means ends sooner
)


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "least", "most"), JUDGED)
def test_single_requests_see_the_same_cost(
    rule: str, least: float, most: float, tmp_path: Path
) -> None:
    plant = next(each for each in PLANTED if each.rule == rule)
    system, _ = read_system([str(planted(plant, tmp_path)[0])])
    costs = {}
    for engine in ("fluid", "request"):
        found = review(system, draws=6, engine=engine)
        finding = next(each for each in found.findings if each.rule == rule)
        assert finding.cost is not None
        assert finding.cost.saved.low > 0.0, engine
        costs[engine] = finding.cost.saved.mean
    assert least < costs["fluid"] / costs["request"] < most, costs


def test_what_only_means_keep_cannot_be_asked_of_single_requests() -> None:
    told = CliRunner().invoke(
        command,
        [str(SOUND), "--policy", "today", "--engine", "request",
         "--expect", "retry_amplification_below=2"],
    )  # fmt: skip
    assert isinstance(told.exception, ScenarioError)
    assert "--engine fluid" in str(told.exception)

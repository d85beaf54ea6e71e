"""Objectives from columns, and the area a front dominates."""

import numpy as np
import pytest

from hms.evolution.objectives import OBJECTIVES, column, hypervolume, objective_values
from hms.scenarios.outcome import COLUMNS


def test_objectives_are_means_and_the_worst_tenth() -> None:
    rows = np.zeros((2, 20, len(COLUMNS)))
    rows[0, :, column("downtime_s")] = np.arange(20)
    rows[1, :, column("downtime_s")] = 7.0
    rows[:, :, column("disruption_s")] = [[2.0], [3.0]]
    found = objective_values(rows, ["downtime_s", "cvar_s", "disruption_s"])
    assert found.tolist() == [[9.5, 18.5, 2.0], [7.0, 7.0, 3.0]]


def test_every_objective_reads_a_column_that_a_run_reports() -> None:
    for objective in OBJECTIVES.values():
        assert objective.column in COLUMNS
    with pytest.raises(KeyError, match="no column"):
        column("uptime_s")


def test_hypervolume_is_the_area_under_the_staircase() -> None:
    points = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [2.5, 2.5], [9.0, 0.5]])
    reference = np.array([4.0, 4.0])
    assert hypervolume(points, reference) == pytest.approx(3.0 + 2.0 * 1.0 + 1.0)
    assert hypervolume(points[::-1], reference) == hypervolume(points, reference)
    assert hypervolume(np.array([[5.0, 5.0]]), reference) == 0.0


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_hypervolume_agrees_with_counting_random_points(objectives: int) -> None:
    rng = np.random.default_rng(1)
    points, reference = rng.random((12, objectives)), np.ones(objectives)
    darts = rng.random((200_000, objectives))
    hit = (darts[:, None, :] >= points[None]).all(axis=2).any(axis=1).mean()
    assert hypervolume(points, reference) == pytest.approx(hit, abs=0.004)


def test_a_reference_has_as_many_objectives() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        hypervolume(np.zeros((3, 3)), np.zeros(2))

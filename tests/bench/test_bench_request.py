"""The request engine's bench names its figures and shows what both sides computed."""

import pytest

from hms.experiments.bench import request
from hms.experiments.bench.request_models import in_simpy, online_boutique, queue, random_tree
from hms.experiments.bench.size import SMALL


def test_the_models_are_those_of_the_table() -> None:
    boutique = online_boutique()
    assert (len(boutique.cores), boutique.visits) == (11, 17)
    assert random_tree(100).visits == 100
    assert queue().rate_rps * 0.005 == 0.8


def test_ours_and_simpys_answers_are_near_each_other() -> None:
    ours = request.ours(online_boutique(), 4_000)()
    told = in_simpy(online_boutique(), 400)
    mean_ms = float(told.partition(" ms")[0])
    assert 1e3 * ours.mean_latency_s["frontend"] == pytest.approx(mean_ms, rel=0.15)


@pytest.mark.slow
def test_both_models_are_timed_beside_simpy_and_growth_is_told() -> None:
    figures = {each.name: each for each in request.measure(SMALL)}
    assert figures["Online Boutique: times SimPy"].floor == 25.0
    assert figures["logical events, Online Boutique"].floor == 10.0
    assert figures["its growth, 10 to 1,000 services"].floor == 2.5
    for name in ("M/M/1: a request", "M/M/1: SimPy's", "Online Boutique: SimPy's"):
        assert " ms, " in figures[name].answer

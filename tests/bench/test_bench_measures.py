"""Each measurement names its figures and shows that equal work was done. No time is asserted."""

from collections.abc import Sequence

import pytest

from hms.experiments.bench import fluid, help_text, peers, searching
from hms.experiments.bench.demo import load_demo
from hms.experiments.bench.figure import Figure
from hms.experiments.bench.size import SMALL


def named(figures: Sequence[Figure]) -> dict[str, Figure]:
    """By name; of two of one name the CPU time's."""
    return {each.name: each for each in sorted(figures, key=lambda one: one.clock == "cpu")}


def test_both_peers_compute_the_same_and_settle_where_they_must() -> None:
    plain = peers.in_plain_python(3, 500)
    assert peers.in_simpy(3, 500) == plain
    assert plain == pytest.approx(sum(peers.arrivals_rps(i) / peers.SERVED_PER_S for i in range(3)))


def test_help_imports_nothing_heavy_and_stands_beside_python() -> None:
    figures = named(help_text.measure(SMALL))
    assert set(figures) == {
        "hms --help: least", "python, nothing: least", "python, argparse: least",
    }  # fmt: skip
    assert figures["hms --help: least"].answer.endswith("heavy: none")
    assert all(each.got > 0.0 for each in figures.values())


def test_the_demo_is_the_shipped_one_and_families_take_turns() -> None:
    demo = load_demo()
    found = demo.drawn("held_out", 7)
    assert sorted(found.families) == sorted(demo.plan.failures.families)
    assert len(demo.topology.components) == 12
    assert int(found.compiled[0].world["ticks"][0]) == 3_000


@pytest.mark.slow
def test_the_engine_is_timed_in_full_and_with_fast_forward_beside_peers() -> None:
    figures = named(fluid.measure(SMALL))
    full, fast = figures["incident, in full: median"], figures["incident, fast-forward: median"]
    assert (full.floor, full.goal, fast.floor, fast.goal) == (8.0, 5.0, 3.0, 1.7)
    assert len(full.values) == len(fast.values) == SMALL.incidents
    assert full.answer.startswith("downtime ")
    simpy, loop = figures["a bare queue's, SimPy"], figures["a bare queue's, loop"]
    assert simpy.answer == loop.answer
    assert "UNEQUAL" not in simpy.answer


@pytest.mark.slow
def test_the_search_is_split_in_fitness_and_the_rest() -> None:
    figures = named(searching.measure(SMALL))
    share = figures["search beside fitness"]
    assert 0.0 < share.got < 100.0
    assert "incidents, best " in share.answer
    assert figures["search beside fitness, a policy scored"].goal == 20.0

"""Random call graphs have the shapes of production ones (docs/generator.md has the sources)."""

import random
from statistics import mean, median

import pytest

from hms.scenarios.generator.call_graphs import SHARED, TREE, draw_call_graph

GRAPHS = 2_000


def graphs(style, count=GRAPHS, **sizes):
    rng = random.Random(7)
    return [draw_call_graph(lambda _: rng.random(), style, **sizes) for _ in range(count)]


@pytest.fixture(scope="module", params=[TREE, SHARED])
def drawn(request):
    return graphs(request.param)


def test_they_have_4_to_10_components_and_a_median_depth_of_4(drawn):
    sizes = [len(graph.levels) for graph in drawn]
    assert (min(sizes), max(sizes)) == (4, 10)
    assert median(graph.depth for graph in drawn) == 4
    assert {graph.depth for graph in drawn} == {3, 4, 5}


def test_they_are_wide_and_shallow(drawn):
    """As many components on one level as levels, and more; two in five and more are leaves."""
    large = [graph for graph in drawn if len(graph.levels) >= 9]
    assert mean(graph.width for graph in large) > mean(graph.depth for graph in large) - 0.2
    leaves = sum(graph.leaves for graph in drawn) / sum(len(graph.levels) for graph in drawn)
    assert 0.39 <= leaves <= 0.6


@pytest.mark.parametrize("style", [TREE, SHARED])
def test_a_few_callers_make_most_of_the_calls(style):
    """Heavy-tailed: a caller has two callees in the mean and ten times as many now and then."""
    large = graphs(style, 300, fewest=40, most=60)
    fan_outs = sorted(n for graph in large for n in graph.fan_outs())
    assert fan_outs[-1] >= 10 * mean(fan_outs)
    top_tenth = fan_outs[-len(fan_outs) // 10 :]
    assert sum(top_tenth) > 0.25 * sum(fan_outs)
    assert median(fan_outs) < mean(fan_outs)


def test_trees_have_one_caller_each_and_shared_ones_more():
    def callers(graph):
        called = [callee for _, callee in graph.calls]
        return [called.count(place) for place in range(1, len(graph.levels))]

    assert {n for graph in graphs(TREE) for n in callers(graph)} == {1}
    shared = [n for graph in graphs(SHARED) for n in callers(graph)]
    assert min(shared) == 1
    assert 0.2 < mean(n > 1 for n in shared) < 0.4


def test_calls_go_downwards_only_and_reach_everybody(drawn):
    for graph in drawn:
        assert all(graph.levels[a] < graph.levels[b] for a, b in graph.calls)
        assert {callee for _, callee in graph.calls} == set(range(1, len(graph.levels)))

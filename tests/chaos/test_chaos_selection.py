"""Whom a selector strikes, and how many."""

import pytest
from chaos_shop import said

from hms.errors import ManifestError


def kill(mode: str, selector: str) -> str:
    return f"action: pod-kill\nmode: {mode}\nselector: {selector}\n"


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("{labelSelectors: {app: cart}}", {"cart"}),
        ("{labelSelectors: {tier: front}}", {"web"}),
        ("{labelSelectors: {tier: front, version: v2}}", {"web"}),
        ("{labelSelectors: {app.kubernetes.io/component: cart-db, tier: data}}", {"cart-db"}),
        ("{pods: {default: [cart-7d9c-x1]}}", {"cart"}),
        ("{pods: {default: [cart-db-0]}}", {"cart-db"}),
        ("{nodeSelectors: {topology.kubernetes.io/zone: b}}", {"cart"}),
        ("{namespaces: [shop]}", {"web", "cart", "cart-db"}),
        ("{expressionSelectors: [{key: app, operator: NotIn, values: [web]}]}",
         {"cart", "cart-db"}),
        ("{fieldSelectors: {metadata.name: web-1}}", {"web"}),
    ],
)  # fmt: skip
def test_a_selector_finds_components(strike, selector, names):
    faults = strike("PodChaos", kill("all", selector)).scenario.faults
    assert {fault.component for fault in faults} == names


@pytest.mark.parametrize(
    ("mode", "struck"),
    [("one", 1), ("all", 0), ("fixed\nvalue: '3'", 3), ("fixed\nvalue: 9", 0),
     ("fixed-percent\nvalue: '30'", 2), ("fixed-percent\nvalue: '100'", 0)],
)  # fmt: skip
def test_a_mode_says_how_many_of_four_replicas(strike, mode, struck):
    faults = strike("PodChaos", kill(mode, "{labelSelectors: {app: cart}}")).scenario.faults
    assert said(faults) == [("crash", "cart", struck, 60.0, float("inf"))]  # 0: all of them


def test_a_random_share_differs_between_seeds_and_is_the_same_for_one(strike):
    spec = kill("random-max-percent\nvalue: '75'", "{labelSelectors: {app: cart}}")
    found = set()
    for seed in map(str, range(12)):
        faults = strike("PodChaos", spec, seed).scenario.faults
        assert strike("PodChaos", spec, seed).scenario.faults == faults
        found.add(sum(fault.replicas for fault in faults))  # 0: 0 % was drawn
    assert {1, 2, 3} <= found <= {0, 1, 2, 3}


def test_one_of_a_whole_namespace_is_one_pod_drawn_among_all(strike):
    spec = kill("one", "{namespaces: [shop]}")
    struck = [strike("PodChaos", spec, str(seed)).scenario.faults for seed in range(20)]
    assert all(len(faults) == 1 for faults in struck)
    assert {faults[0].component for faults in struck} == {"web", "cart", "cart-db"}


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("{labelSelectors: {app: catr}}", "`app: catr` names no component"),
        ("{labelSelectors: {tier: back}}", "`tier: back` names no component"),
        ("{pods: {default: [crat-1]}}", "pod `crat-1` is of no component"),
        ("{labelSelectors: {app: cart, name: web}}", "together select nothing"),
        ("{}", "the selector is empty"),
    ],
)
def test_a_selector_that_finds_nobody_is_refused_with_its_line(strike, selector, told):
    with pytest.raises(ManifestError) as caught:
        strike("PodChaos", kill("all", selector))
    assert told in str(caught.value)
    assert "chaos.yaml:7: " in str(caught.value)


def test_the_nearest_component_is_named(strike):
    with pytest.raises(ManifestError, match="nearest: `cart`"):
        strike("PodChaos", kill("all", "{labelSelectors: {app: catr}}"))


@pytest.mark.parametrize("mode", ["fixed", "fixed-percent\nvalue: '0'", "fixed\nvalue: '0'"])
def test_a_mode_that_counts_needs_a_value(strike, mode):
    with pytest.raises(ManifestError, match="needs a `value`"):
        strike("PodChaos", kill(mode, "{labelSelectors: {app: cart}}"))


def test_a_label_that_no_scenario_has_is_left_out_aloud(strike):
    spec = kill("all", "{labelSelectors: {app: cart, version: v9}}")
    (row,) = strike("PodChaos", spec).lost
    assert (row.field, row.value) == ("selector.labelSelectors.version", "v9")
    assert row.done == "left out of the selection"

"""Training, validation and test share nothing, and nobody moves the border unnoticed."""

from itertools import combinations

import pytest

from hms.scenarios.generator.frozen_split import (
    FROZEN,
    HELD_OUT,
    TEST,
    TEST_BOTH,
    TEST_FAMILIES,
    TEST_TOPOLOGIES,
    TRAIN,
    VALIDATION,
    Part,
    Split,
    held_out_seed,
    keyed_uniform,
)
from hms.scenarios.generator.incidents import EVERY_FAMILY
from hms.scenarios.generator.systems import TOPOLOGIES

SHA256 = "07a1c9a382c91120af8b39987a54c34c530f0adf738e723b55d41e2187664118"
POLICY, OTHER = "a" * 64, "b" * 64


def test_the_split_is_the_one_that_was_frozen():
    """Whoever changes families, topologies or ranges changes what results compare with: say so."""
    assert FROZEN.sha256 == SHA256


def test_every_family_and_topology_has_its_place():
    parts = FROZEN.parts.values()
    assert {family for part in parts for family in part.families} == set(EVERY_FAMILY)
    assert {topology for part in parts for topology in part.topologies} == set(TOPOLOGIES)
    assert len(EVERY_FAMILY) >= 12


def test_two_families_and_two_topologies_are_never_trained_on():
    families, topologies = FROZEN.trained()
    assert set(EVERY_FAMILY) - families == {"slow", "partition"}
    assert set(TOPOLOGIES) - topologies == {"sock-shop", "opentelemetry-demo"}
    assert set(FROZEN.parts[TEST_FAMILIES].families) == {"slow", "partition"}
    assert set(FROZEN.parts[TEST_TOPOLOGIES].topologies) == {"sock-shop", "opentelemetry-demo"}
    both = FROZEN.parts[TEST_BOTH]
    assert not families & set(both.families) and not topologies & set(both.topologies)


@pytest.mark.parametrize(("one", "other"), combinations(FROZEN.parts, 2))
def test_no_two_parts_share_an_incident(one, other):
    def cells(name):
        return {(i.topology, i.family, i.index) for i in FROZEN.incidents(name, 500)}

    assert not cells(one) & cells(other)


def test_parts_that_share_an_incident_are_refused():
    part = Part(("crash",), ("bookinfo",), 0, 10)
    with pytest.raises(ValueError, match="train and test share incidents"):
        Split({TRAIN: part, TEST: Part(("crash", "hang"), ("bookinfo",), 9, 20)})
    assert Split({TRAIN: part, TEST: Part(("hang",), ("bookinfo",), 9, 20)}).sha256


def test_families_and_topologies_take_turns():
    cells = len(FROZEN.parts[VALIDATION].families) * len(FROZEN.parts[VALIDATION].topologies)
    drawn = list(FROZEN.incidents(VALIDATION, 2 * cells))
    assert len({(i.topology, i.family) for i in drawn[:cells]}) == cells
    assert [i.index for i in drawn] == [1_000_000] * cells + [1_000_001] * cells


def test_a_part_gives_no_more_than_it_has():
    small = Split({TRAIN: Part(("crash",), ("bookinfo",), 0, 3)})
    assert len(list(small.incidents(TRAIN, 3))) == 3
    with pytest.raises(ValueError, match="train has 3 incidents"):
        list(small.incidents(TRAIN, 4))


def test_the_held_out_seed_depends_on_split_policy_experiment_and_look():
    first = held_out_seed(SHA256, POLICY, "1")
    others = [
        held_out_seed(OTHER, POLICY, "1"), held_out_seed(SHA256, OTHER, "1"),
        held_out_seed(SHA256, POLICY, "2"), held_out_seed(SHA256, POLICY, "1", look=1),
    ]  # fmt: skip
    assert len({first, *others}) == 5
    assert first == held_out_seed(SHA256, POLICY, "1")
    with pytest.raises(ValueError, match="not a SHA-256"):
        held_out_seed(SHA256, "latest", "1")


def test_draws_depend_on_identity_and_purpose_alone():
    one, other = FROZEN.incidents(TRAIN, 2)
    draws = [keyed_uniform(s, i, p) for s in "12" for i in (one, other) for p in ("a", "b")]
    assert len(set(draws)) == 8
    assert all(0.0 <= draw < 1.0 for draw in draws)


def test_test_sets_are_those_that_wait_for_a_policy():
    assert set(FROZEN.parts) == {TRAIN, VALIDATION, *HELD_OUT}

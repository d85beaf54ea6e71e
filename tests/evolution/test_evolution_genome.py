"""A genome is a point of the unit cube; a policy is what it means, valid and canonical."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import table
from hms.evolution import genes as listed
from hms.evolution.genome import OFF_SHARE, Gene, Space

SPACE = Space()
WITH_OVERRIDES = Space(listed.OVERRIDE_SLOTS)

unit = st.floats(0.0, 1.0) | st.sampled_from([0.0, 1.0, OFF_SHARE, 0.5, float(np.nextafter(1, 0))])


def genomes(space: Space) -> st.SearchStrategy[np.ndarray]:
    return st.lists(unit, min_size=len(space), max_size=len(space)).map(np.array)


@given(genomes(SPACE))
@settings(max_examples=60, deadline=None)
def test_every_genome_decodes_to_a_valid_policy(genome: np.ndarray) -> None:
    assert SPACE.decode(genome).problems() == []


@given(genomes(WITH_OVERRIDES))
@settings(max_examples=60, deadline=None)
def test_a_decoded_policy_survives_encoding(genome: np.ndarray) -> None:
    policy = WITH_OVERRIDES.decode(genome)
    again = WITH_OVERRIDES.encode(policy)
    assert WITH_OVERRIDES.decode(again).sha256 == policy.sha256
    assert WITH_OVERRIDES.encode(WITH_OVERRIDES.decode(again)).tolist() == again.tolist()


@given(genomes(SPACE))
@settings(max_examples=60, deadline=None)
def test_values_lie_in_the_search_range_with_three_digits(genome: np.ndarray) -> None:
    values = SPACE.values(genome)
    for gene in SPACE.genes:
        value = values[gene.path]
        if gene.kind == "category":
            assert value in gene.choices
        elif value != gene.off:
            assert gene.low <= value <= gene.high
            if gene.kind == "number":
                assert value == float(f"{value:.3g}") or value in (gene.low, gene.high)
            else:
                assert isinstance(value, int)


def test_search_ranges_lie_inside_what_is_legal() -> None:
    legal = {row.path: (row.least, row.most) for row in table()}
    for gene in SPACE.genes:
        if gene.path in legal and gene.kind != "category":
            least, most = legal[gene.path]
            assert least <= gene.low < gene.high <= most, gene.path


def test_the_space_stays_focused() -> None:
    assert 40 <= len(SPACE) <= 55
    assert len({gene.path for gene in SPACE.genes}) == len(SPACE)
    assert len(WITH_OVERRIDES) == len(SPACE) + sum(
        1 + len(slot.paths) for slot in listed.OVERRIDE_SLOTS
    )
    assert (SPACE.low == 0.0).all() and (SPACE.high == 1.0).all()


@pytest.mark.parametrize(
    ("off", "changed"),
    [
        ({"breaker.enabled": False}, "breaker.open_s"),
        ({"retry.max_attempts": 1}, "retry.base_s"),
        ({"breaker.slow_call_rate": 2.0}, "breaker.slow_call_s"),
        ({"breaker.enabled": True, "breaker.scope": "replica"}, "breaker.half_open_calls"),
        (
            {f"ladder.memory.{step}": "none" for step in (1, 2)}
            | {
                f"ladder.{issue}.{step}": "none"
                for issue in ("errors", "slow", "unresponsive")
                for step in (1, 2, 3)
            }
            | {f"ladder.saturated.{step}": "none" for step in (1, 2)},
            "act.scale.replicas",
        ),
    ],
)
def test_a_gene_that_is_switched_off_does_not_change_the_identity(
    off: dict[str, object], changed: str
) -> None:
    genome = SPACE.random(np.random.default_rng(3), 1)[0]
    index = {gene.path: place for place, gene in enumerate(SPACE.genes)}
    for path, value in off.items():
        genome[index[path]] = SPACE.genes[index[path]].position(value)
    other = genome.copy()
    other[index[changed]] = 0.97 if genome[index[changed]] < 0.5 else 0.2
    assert SPACE.values(genome)[changed] != SPACE.values(other)[changed]
    assert SPACE.decode(genome).sha256 == SPACE.decode(other).sha256


def decoded(changes: dict[str, object], space: Space = SPACE) -> HealingPolicy:
    """The policy of one genome of ones and halves, with these values in it."""
    index = {gene.path: place for place, gene in enumerate(space.genes)}
    genome = np.full(len(space), 0.5)
    for path, value in changes.items():
        genome[index[path]] = space.genes[index[path]].position(value)
    return space.decode(genome)


RESTARTING = {"ladder.memory.1": "restart"}


@pytest.mark.parametrize(
    ("genes", "same_as"),
    [
        ({"act.restart.cool_down_s": 5e-06}, {"act.restart.cool_down_s": 0.0}),
        ({"act.restart.cool_down_s": 0.999}, {"act.restart.cool_down_s": 0.0}),
        (
            {"timeout.call_s": 4.0, "timeout.total_s": 0.5},
            {"timeout.call_s": 0.5, "timeout.total_s": 0.5},
        ),
        ({"retry.max_attempts": 3, "retry.base_s": 2.0}, {"retry.max_attempts": 3,
                                                          "retry.base_s": 1.0}),
    ],
)
def test_values_that_contradict_each_other_are_written_as_they_act(
    genes: dict[str, object], same_as: dict[str, object]
) -> None:
    odd, plain = decoded({**RESTARTING, **genes}), decoded({**RESTARTING, **same_as})
    assert odd.sha256 == plain.sha256, "they behave alike, so they are one candidate"
    assert SPACE.decode(SPACE.encode(odd)).sha256 == odd.sha256


def test_sane_values_stay_as_they_are() -> None:
    policy = decoded(
        {**RESTARTING, "act.restart.cool_down_s": 1.0, "timeout.call_s": 0.5,
         "timeout.total_s": 4.0, "retry.max_attempts": 2, "retry.base_s": 0.5}
    )  # fmt: skip
    assert policy.recovery["memory"][0].cool_down_s == 1.0
    assert (policy.value("timeout.call_s"), policy.value("timeout.total_s")) == (0.5, 4.0)
    assert policy.value("retry.base_s") == 0.5
    no_limit = decoded({"timeout.call_s": 4.0, "timeout.total_s": 0.0})
    assert no_limit.value("timeout.call_s") == 4.0


@given(genomes(WITH_OVERRIDES))
@settings(max_examples=60, deadline=None)
def test_no_decoded_policy_contradicts_itself(genome: np.ndarray) -> None:
    policy = WITH_OVERRIDES.decode(genome)
    total_s = policy.value("timeout.total_s")
    calls_s = [policy.value("timeout.call_s")]
    calls_s += [each.set.get("timeout.call_s", 0.0) for each in policy.overrides]
    assert total_s == 0.0 or max(calls_s) <= total_s
    assert policy.value("retry.base_s") <= policy.value("retry.max_s")
    cool_downs = [step.cool_down_s for steps in policy.recovery.values() for step in steps]
    assert all(each == 0.0 or each >= 1.0 for each in cool_downs)


def test_a_gene_that_is_in_use_changes_the_identity() -> None:
    genome = SPACE.random(np.random.default_rng(3), 1)[0]
    index = {gene.path: place for place, gene in enumerate(SPACE.genes)}
    genome[index["retry.max_attempts"]] = 0.9
    genome[index["retry.retry_on_error"]] = 0.9
    other = genome.copy()
    other[index["retry.base_s"]] = 1.0 - genome[index["retry.base_s"]]
    assert SPACE.decode(genome).sha256 != SPACE.decode(other).sha256


def test_steps_after_a_gap_in_a_ladder_move_up() -> None:
    index = {gene.path: place for place, gene in enumerate(SPACE.genes)}
    genome = np.full(len(SPACE), 0.5)
    for step, act in ((1, "none"), (2, "reconnect"), (3, "restart")):
        path = f"ladder.unresponsive.{step}"
        genome[index[path]] = SPACE.genes[index[path]].position(act)
    steps = SPACE.decode(genome).recovery["unresponsive"]
    assert [step.act for step in steps] == ["reconnect", "restart"]


def test_an_override_says_only_what_differs() -> None:
    space = WITH_OVERRIDES
    index = {gene.path: place for place, gene in enumerate(space.genes)}
    genome = np.full(len(space), 0.5)
    for slot in listed.OVERRIDE_SLOTS:
        genome[index[f"override.{slot.name}"]] = 0.1
    for path, value in (
        ("retry.max_attempts", 3),
        ("retry.retry_on_error", True),
        ("timeout.call_s", 1.0),
        ("override.soft", True),
        ("override.soft.retry.max_attempts", 1),
        ("override.soft.timeout.call_s", 1.0),
    ):
        genome[index[path]] = space.genes[index[path]].position(value)
    (override,) = space.decode(genome).overrides
    assert override.where == {"edge": "soft"}
    assert override.set == {"retry.max_attempts": 1}


def switched_on(space: Space) -> np.ndarray:
    """Every override on, all its values other than the policy's own."""
    genome = np.full(len(space), 0.4)
    for place, gene in enumerate(space.genes):
        if gene.path.startswith("override."):
            genome[place] = 0.9
        if gene.path in ("ladder.memory.1", "ladder.errors.1"):
            genome[place] = gene.position("restart")
        if gene.path == "retry.retry_on_error":
            genome[place] = 0.9
    return genome


def test_at_most_four_overrides_are_written() -> None:
    policy = WITH_OVERRIDES.decode(switched_on(WITH_OVERRIDES))
    assert len(listed.OVERRIDE_SLOTS) > len(policy.overrides) == listed.MOST_OVERRIDES
    assert policy.overrides[0].where == {"kind": "store"}
    assert "detection.memory_share" in policy.overrides[0].set


def test_a_system_has_genes_only_for_overrides_that_hold_somewhere() -> None:
    slots = listed.slots_for([{"kind": "service", "edge": "soft"}, {"criticality": "high"}])
    assert [slot.name for slot in slots] == ["high", "soft"]
    assert listed.slots_for([]) == ()
    assert len(Space(slots)) == len(SPACE) + 2 * 3


def test_a_log_gene_gives_equal_ratios_to_equal_steps() -> None:
    gene = Gene("x", "number", 0.1, 10.0, log=True)
    assert [gene.value(x) for x in (0.0, 0.25, 0.5, 0.75, 1.0)] == [0.1, 0.316, 1.0, 3.16, 10.0]


def test_an_integer_gene_gives_each_value_an_equal_share() -> None:
    gene = Gene("x", "integer", 1.0, 4.0)
    found = [gene.value(x) for x in np.linspace(0.0, 1.0, 401)[:-1]]
    assert [found.count(value) for value in (1, 2, 3, 4)] == [100, 100, 100, 100]
    assert gene.value(1.0) == 4


def test_the_lowest_share_of_a_gene_switches_its_setting_off() -> None:
    gene = Gene("x", "number", 1.0, 9.0, off=0.0)
    assert gene.value(OFF_SHARE - 1e-9) == 0.0
    assert gene.value(OFF_SHARE) == 1.0
    assert gene.value(gene.position(0.0)) == 0.0


@pytest.mark.parametrize(
    "bad", [np.full(len(SPACE), 1.0001), np.full(len(SPACE), np.nan), np.zeros(len(SPACE) + 1)]
)
def test_what_is_no_genome_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="gen"):
        SPACE.decode(bad)

"""The run's own short test, and the choice of the champion before it."""

import numpy as np
import pytest

from hms.evolution.choose import Rule, choose
from hms.evolution.gate import Scores, allowed_disruption_s, best_baseline, short_test

FAMILIES = ("crash", "hang", "error", "slow") * 25
NOISE = np.random.default_rng(1).normal(0.0, 1.0, 100)


def scores(downtime_s: float, disruption_s: float) -> Scores:
    return Scores(downtime_s + NOISE, np.full(100, disruption_s))


def shifted(by_s: float, disruption_s: float, noise_s: float = 1.0) -> Scores:
    """A champion whose downtime differs from a baseline of 40 s by `by_s` on average."""
    other = np.random.default_rng(2).normal(0.0, noise_s, 100)
    return Scores(40.0 + NOISE + other - other.mean() + by_s, np.full(100, disruption_s))


BASELINES = {"ladder": scores(40.0, 10.0), "platform": scores(90.0, 0.0)}


@pytest.mark.parametrize(
    ("by_s", "disruption_s", "passed", "sentence"),
    [
        (-5.0, 10.0, True, "better than ladder: −5.0 s"),
        (-5.0, 11.0, True, "better than ladder: −5.0 s"),  # exactly 1.10 times
        (-5.0, 11.1, False, "but its disruption of 11.1 s is above the 11.0 s allowed"),
        (-0.05, 10.0, False, "no better than ladder: "),
        (5.0, 0.0, False, "no better than ladder: 5.0 s"),
    ],
)
def test_the_short_test_needs_less_downtime_at_a_like_disruption(
    by_s: float, disruption_s: float, passed: bool, sentence: str
) -> None:
    gate = short_test(shifted(by_s, disruption_s), BASELINES, FAMILIES, seed="1")
    assert gate.passed is passed
    assert sentence in gate.sentence
    assert gate.best_baseline == "ladder"
    assert gate.downtime_s.mean == pytest.approx(by_s)


def test_the_bound_decides_and_not_the_mean() -> None:
    noisy = short_test(shifted(-1.0, 10.0, noise_s=20.0), BASELINES, FAMILIES, seed="1")
    sure = short_test(shifted(-1.0, 10.0, noise_s=1.0), BASELINES, FAMILIES, seed="1")
    assert noisy.downtime_s.mean == pytest.approx(sure.downtime_s.mean)
    assert (noisy.passed, sure.passed) == (False, True)


def test_a_champion_equal_to_the_best_baseline_does_not_pass() -> None:
    gate = short_test(BASELINES["ladder"], BASELINES, FAMILIES, seed="1")
    assert not gate.passed
    assert gate.sentence == "no better than ladder: 0.0 s [0.0, 0.0]"


def test_one_second_is_allowed_above_a_small_disruption() -> None:
    assert allowed_disruption_s(0.0) == 1.0
    assert allowed_disruption_s(5.0) == 6.0
    assert allowed_disruption_s(100.0) == pytest.approx(110.0)


def test_the_best_baseline_has_the_lowest_mean_downtime() -> None:
    assert best_baseline(BASELINES) == "ladder"
    assert best_baseline({"b": scores(1.0, 0.0), "a": scores(1.0, 9.0)}) == "a"
    with pytest.raises(ValueError, match="at least one"):
        best_baseline({})


def test_the_champion_is_the_least_downtime_within_the_disruption_limit() -> None:
    finalists = [scores(20.0, 50.0), scores(30.0, 11.0), scores(35.0, 2.0)]
    choice = choose(finalists, BASELINES)
    assert (choice.index, choice.admissible, choice.best_baseline) == (1, True, "ladder")
    assert choice.disruption_allowed_s == pytest.approx(11.0)
    assert "among the 2 of 3 finalists" in choice.reason


def test_without_an_admissible_finalist_the_least_disruptive_is_taken_and_it_says_so() -> None:
    choice = choose([scores(20.0, 50.0), scores(30.0, 12.0)], BASELINES)
    assert (choice.index, choice.admissible) == (1, False)
    assert choice.reason.startswith("none of the 2 finalists is within 11.0 s")


def test_the_rule_of_the_experiment_file_moves_the_limit() -> None:
    finalists = [scores(20.0, 50.0), scores(30.0, 11.0)]
    assert choose(finalists, BASELINES, Rule(disruption_s_at_most=6.0)).index == 0
    assert choose(finalists, BASELINES, Rule(disruption_s_above=45.0)).index == 0


def test_of_equal_finalists_the_first_is_taken() -> None:
    assert choose([scores(20.0, 5.0), scores(20.0, 5.0)], BASELINES).index == 0


def test_nothing_is_chosen_from_nothing_or_from_nan() -> None:
    with pytest.raises(ValueError, match="no finalist"):
        choose([], BASELINES)
    with pytest.raises(ValueError, match="not finite"):
        choose([Scores([float("nan")], [1.0])], BASELINES)


def test_too_few_failures_prove_nothing() -> None:
    few = {name: Scores(s.downtime_s[:7], s.disruption_s[:7]) for name, s in BASELINES.items()}
    champion = Scores(np.full(7, 1.0), np.zeros(7))
    gate = short_test(champion, few, ("a", "b", "c", "d", "e", "f", "g"), seed="1")
    assert not gate.passed
    assert gate.sentence.startswith("too few failures to tell (7): ladder: −")


def test_only_the_safest_finalists_are_looked_at() -> None:
    finalists = [scores(10.0, 5.0), scores(20.0, 5.0), scores(30.0, 5.0)]
    choice = choose(finalists, BASELINES, breaches=[1, 0, 0])
    assert choice.index == 1 and "1 that breached safety" in choice.reason
    choice = choose(finalists, BASELINES, breaches=[2, 3, 1])
    assert choice.index == 2 and "every finalist breached safety" in choice.reason
    unbound = [scores(10.0, 500.0), scores(20.0, 600.0)]
    assert choose(unbound, BASELINES, breaches=[1, 0]).index == 1

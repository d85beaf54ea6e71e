"""Every part of the gate can fail alone, and the whole passes only when all hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.evolution.gate import Scores
from hms.evolution.proof.gate import RULES, Safety, judge

FAMILIES = tuple(f"family-{k % 8}" for k in range(400))
SAFE = Safety(3_000, {"guard": 0})
EASY = replace(RULES, scenarios=1, safe_runs=0)


def scores(seed: int = 1, times: float = 1.0, disruption_s: float = 5.0) -> Scores:
    """Downtimes around 40 s that differ by family, the same for equal seeds."""
    rng = np.random.default_rng(seed)
    place = np.array([int(name[-1]) for name in FAMILIES])
    downtime_s = times * (rng.gamma(2.0, 10.0, len(FAMILIES)) + 5.0 * place)
    return Scores(downtime_s, np.full(len(FAMILIES), disruption_s))


BASELINES = {"ladder": scores(), "platform": scores(times=1.5), "restart": scores(times=2.0)}


def judged(champion: Scores, safety: Safety = SAFE, **more):
    options = {"seed": "t", "resamples": 400, **more}
    return judge(champion, BASELINES, FAMILIES, safety, **options)


def test_a_champion_a_fifth_lower_everywhere_passes_every_part():
    verdict = judged(scores(times=0.8))
    assert verdict.passed and verdict.failed == ()
    assert verdict.comparison.best == "ladder"
    assert verdict.comparison.beaten.gain_share == pytest.approx(0.2)
    assert verdict.comparison.beaten.p_holm < 0.01
    assert verdict.comparison.beaten.effect == -1.0


def test_the_best_baseline_is_the_one_with_the_lowest_mean_not_the_one_that_suits():
    champion = scores(times=1.2)  # beats all but the best
    verdict = judged(champion)
    assert verdict.comparison.best == "ladder"
    assert "downtime" in verdict.failed


@pytest.mark.parametrize("name", BASELINES)
def test_a_policy_equal_to_a_baseline_never_passes(name):
    verdict = judged(BASELINES[name])
    assert not verdict.passed
    assert {"downtime", "certainty"} <= set(verdict.failed)


def test_four_percent_lower_is_too_little_and_five_is_enough():
    assert judged(scores(times=0.96)).failed == ("downtime",)
    assert judged(scores(times=0.95)).passed


def test_a_gain_that_one_family_makes_is_not_certain():
    champion = scores()
    inside = np.array(FAMILIES) == "family-7"
    downtime_s = np.where(inside, 0.2 * np.asarray(champion.downtime_s), champion.downtime_s)
    verdict = judged(Scores(downtime_s, champion.disruption_s))
    assert verdict.comparison.beaten.gain_share > 0.05
    assert "certainty" in verdict.failed


def test_a_worse_worst_tenth_fails():
    champion = np.asarray(scores(times=0.5).downtime_s).copy()
    champion[np.argsort(champion)[-40:]] *= 2.5
    verdict = judged(Scores(champion, np.full(400, 5.0)))
    assert "worst tenth" in verdict.failed


def test_disruption_may_be_a_tenth_or_a_second_more():
    assert judged(scores(times=0.8, disruption_s=6.0)).passed  # 5 + 1 s
    assert judged(scores(times=0.8, disruption_s=6.1)).failed == ("disruption",)


def test_one_family_six_percent_worse_fails_and_is_named():
    champion = np.asarray(scores(times=0.7).downtime_s).copy()
    inside = np.array(FAMILIES) == "family-0"
    champion[inside] = 1.06 * np.asarray(scores().downtime_s)[inside]
    verdict = judged(Scores(champion, np.full(400, 5.0)))
    assert verdict.failed == ("families",)
    told = next(part.told for part in verdict.parts if part.name == "families")
    assert "family-0" in told


def test_a_family_in_which_the_baseline_is_never_down_allows_no_downtime():
    base, champion = (np.asarray(scores(times=t).downtime_s).copy() for t in (1.0, 0.7))
    inside = np.array(FAMILIES) == "family-0"
    base[inside], champion[inside] = 0.0, 0.001
    baselines = {"ladder": Scores(base, np.full(400, 5.0))}
    ours = Scores(champion, np.full(400, 5.0))
    verdict = judge(ours, baselines, FAMILIES, SAFE, seed="t", resamples=200)
    assert verdict.failed == ("families",)


@pytest.mark.parametrize(
    "safety", [Safety(3_000, {"guard": 0, "last serving": 1}), Safety(2_999, {"guard": 0})]
)
def test_a_breach_or_too_few_runs_to_tell_fails(safety):
    assert judged(scores(times=0.8), safety).failed == ("safety",)


def test_fewer_than_four_hundred_failures_prove_nothing():
    champion, few = scores(times=0.5), slice(0, 399)
    cut = {name: Scores(s.downtime_s[few], s.disruption_s[few]) for name, s in BASELINES.items()}
    ours = Scores(champion.downtime_s[few], champion.disruption_s[few])
    verdict = judge(ours, cut, FAMILIES[few], SAFE, seed="t", resamples=200)
    assert verdict.failed == ("scenarios",)


@pytest.mark.parametrize("look", [1, 4])
def test_the_gain_is_99_percent_sure_one_sided_and_later_looks_share_the_doubt(look):
    verdict = judged(scores(times=0.8), look=look)
    assert verdict.alpha == pytest.approx(0.01 / look)
    assert verdict.comparison.beaten.difference.level == pytest.approx(1.0 - 2.0 * 0.01 / look)
    certainty = next(part for part in verdict.parts if part.name == "certainty")
    assert f"{1.0 - 0.01 / look:.4g} sure" in certainty.wanted


def test_a_later_look_must_be_surer():
    noise = np.random.default_rng(5).normal(0.0, 15.0, 400)
    champion = np.maximum(np.asarray(scores().downtime_s) * 0.93 + noise, 0.0)
    ours = Scores(champion, np.full(400, 5.0))
    bounds = [
        judged(ours, look=look, resamples=4_000).comparison.beaten.bound_s for look in (1, 3, 30)
    ]
    assert bounds[0] > bounds[1] > bounds[2]
    with pytest.raises(ValueError, match="from 1"):
        judged(ours, look=0)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(0.6, 1.1), st.floats(0.0, 1.0), st.floats(0.0, 3.0))
def test_whoever_passes_still_passes_with_less_downtime_and_disruption(seed, times, less, calmer):
    rng = np.random.default_rng(seed)
    count = 80
    families = FAMILIES[:count]
    base = rng.gamma(2.0, 10.0, count)
    champion = base * times * rng.uniform(0.8, 1.2, count)
    better = champion * (1.0 - less * rng.random(count))
    rival = {"only": Scores(base, np.full(count, 5.0))}

    def verdict(downtime_s, disruption_s):
        ours = Scores(downtime_s, np.full(count, disruption_s))
        return judge(ours, rival, families, SAFE, seed="m", rules=EASY, resamples=100)

    before, after = verdict(champion, 6.0), verdict(better, 6.0 - calmer)
    for one, other in zip(before.parts, after.parts, strict=True):
        assert other.passed or not one.passed, one.name


def test_with_noise_for_fitness_fifty_runs_pass_at_most_once():
    passed = 0
    for run in range(50):
        rng = np.random.default_rng(run)
        cost = rng.gamma(1.5, 20.0, 400)  # what the failure costs whoever meets it

        def noisy(cost=cost, rng=rng):
            return Scores(np.maximum(cost + rng.normal(0.0, 15.0, 400), 0.0), np.full(400, 5.0))

        baselines = {f"baseline-{k}": noisy() for k in range(2)}
        verdict = judge(noisy(), baselines, FAMILIES, SAFE, seed=str(run), resamples=200)
        passed += verdict.passed
    assert passed <= 1

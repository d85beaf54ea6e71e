"""Where a breaker baseline has to open, told before anything runs; what counts as opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hms.evolution.baselines import load
from hms.evolution.proof.engines import rank_agreement
from hms.experiments.proof.breakers import is_breaker, must_open, opened, probe_of
from hms.experiments.proof.stacks import Stack
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Fault

SHOP = Path(__file__).resolve().parents[1] / "experiments" / "corner-shop.yaml"


@pytest.fixture(scope="module")
def shop():
    """front (2) -> cart (3) -> prices (1), 30 requests a second."""
    return load_scenario(SHOP).midpoint()


def struck(shop, share: float, replicas: int = 0, lasts_s: float = 60.0, kind: str = "error"):
    parameters = {"share": share} if kind == "error" else {"error_share": share}
    fault = Fault(kind, "cart", None, replicas, 35.0, duration_s=lasts_s, parameters=parameters)
    return replace(shop, faults=(fault,))


@pytest.mark.parametrize(
    ("name", "share", "replicas", "must"),
    [
        ("resilience4j", 1.0, 0, True),
        ("resilience4j", 0.4, 0, False),  # below its half
        ("resilience4j", 1.0, 1, False),  # a third of the calls
        ("polly", 0.4, 0, True),  # a tenth is its threshold
        ("envoy-small", 1.0, 1, True),  # it counts at each replica
        ("envoy-small", 0.2, 1, False),  # five wrong answers in a row hardly come
        ("envoy", 1.0, 1, False),  # a tenth of three replicas is none
        ("platform", 1.0, 0, False),
    ],
)
def test_wrong_answers_above_a_threshold_must_open_it(shop, name, share, replicas, must):
    assert must_open(load(name).policy, struck(shop, share, replicas)) is must


def test_too_short_a_fault_or_another_kind_need_not_open(shop):
    assert not must_open(load("resilience4j").policy, struck(shop, 1.0, lasts_s=2.0))
    hang = replace(shop, faults=(Fault("hang", "cart", None, 0, 35.0, until="restart"),))
    assert not must_open(load("resilience4j").policy, hang)


def test_the_probe_strikes_all_replicas_of_what_is_called_most(shop):
    (fault,) = probe_of(struck(shop, 0.1)).faults
    assert (fault.kind, fault.component, fault.replicas) == ("error", "cart", 0)
    assert must_open(load("resilience4j").policy, probe_of(shop))


def test_an_opening_and_an_ejection_count_and_a_closing_does_not():
    assert opened(["410 3 phase 0.0 1.0", "sha256 ab"])
    assert opened(["410 3 ejected 0.0 2.0"])
    assert not opened(["410 3 phase 1.0 2.0", "410 3 ejected 2.0 0.0", "12 1 act 2.0 1.0"])
    assert is_breaker(Stack("polly", load("polly").policy))
    assert not is_breaker(Stack("platform", load("platform").policy))
    assert not is_breaker(Stack("today", None))


def means(**values: float) -> dict[str, np.ndarray]:
    return {name: np.full(50, value) for name, value in values.items()}


def test_engines_agree_when_ranks_do_and_the_gain_keeps_its_sign():
    fluid = means(champion=10.0, a=20.0, b=30.0, c=40.0, d=50.0)
    same = rank_agreement(fluid, means(champion=5, a=9, b=11, c=12, d=13), "champion", "a")
    assert same.tau == pytest.approx(1.0) and same.agreed
    turned = rank_agreement(fluid, means(champion=9.5, a=9, b=11, c=12, d=13), "champion", "a")
    assert turned.tau == pytest.approx(0.8) and not turned.same_sign and not turned.agreed
    mixed = rank_agreement(fluid, means(champion=5, a=13, b=12, c=11, d=10), "champion", "a")
    assert mixed.same_sign and mixed.tau < 0.8 and not mixed.agreed
    with pytest.raises(ValueError, match="same stacks"):
        rank_agreement(fluid, means(champion=5), "champion", "a")


def test_fewer_than_fifty_failures_tell_nothing_of_engines():
    fluid = {name: values[:49] for name, values in means(champion=1, a=2).items()}
    assert not rank_agreement(fluid, fluid, "champion", "a").agreed

"""The real Envoy accepts what we write, and refuses it when it was broken on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_rows import exported
from hypothesis import HealthCheck, Phase, given, seed, settings
from policy_strategy import policies

from hms.documents import dump_yaml
from hms.evolution.baselines.stacks import load, names
from hms.experiments.export.targets import build
from hms.scenarios.load import load_scenario

ROOT = Path(__file__).resolve().parents[2]
BOUTIQUE = ROOT / "scenarios/library/online-boutique.yaml"
REPLICAS = ROOT / "scenarios/library/three-replicas.overlay.yaml"


def proxies(export):
    return {name: text for name, text in export.files.items() if name.startswith("envoy/")}


def test_accepts_a_champion_for_online_boutique(champion, envoy_says):
    export = build(champion, load_scenario(BOUTIQUE, [REPLICAS]), ["envoy"])
    assert sorted(proxies(export)) == [
        "envoy/cartservice.yaml",
        "envoy/checkoutservice.yaml",
        "envoy/frontend.yaml",
        "envoy/recommendationservice.yaml",
    ]
    for name, text in proxies(export).items():
        said = envoy_says(text)
        assert said.returncode == 0, f"{name}: {said.stderr}"


@pytest.mark.parametrize("baseline", names())
def test_accepts_every_baseline(baseline, shop, envoy_says):
    export = build(load(baseline).policy, shop, ["envoy"])
    for name, text in proxies(export).items():
        said = envoy_says(text)
        assert said.returncode == 0, f"{name}: {said.stderr}"


@seed(20261124)
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(policies)
def test_accepts_any_legal_policy(shop, envoy_says, policy):
    for name, text in proxies(build(policy, shop, ["envoy"])).items():
        said = envoy_says(text)
        assert said.returncode == 0, f"{name}: {said.stderr}\n{text}"


BROKEN = {
    "max_ejection_percent: 100": "max_ejection_percent: 250",
    "consecutive_5xx: 5": "consecutive_5xx: 5.5",
    "enforcing_success_rate": "enforcing_succes_rate",
    "base_interval: 0.08s": "base_interval: 80ms",
    "max_interval: 1s": "max_interval: 0.01s",
    "cluster: cart": "cluster: basket",
    "timeout: 2.5s": "timeout: 2.5",
}


@pytest.mark.parametrize("right", BROKEN)
def test_refuses_a_broken_export(right, champion, shop, envoy_says):
    files, _ = exported(champion, shop)
    text = dump_yaml(files["frontend"])
    assert envoy_says(text).returncode == 0
    assert right in text
    said = envoy_says(text.replace(right, BROKEN[right], 1))
    assert said.returncode != 0
    assert said.stderr.strip(), "Envoy says why"

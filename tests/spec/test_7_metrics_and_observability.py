"""Section 7: four states, six metrics, seven actions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from component_under_test import WELL, Component

from hms.agents.healing import (
    ConfigAdjusted,
    Critical,
    Custom,
    Degraded,
    Failed,
    FallbackActivated,
    HealingAction,
    HealthMetrics,
    HealthStatus,
    Healthy,
    NoAction,
    ReconnectionAttempted,
    ResourcesScaled,
    Restarted,
    action_from_json,
)
from hms.agents.healing.telemetry.prometheus import exposition, registry_of

Build = Callable[..., Component]


@pytest.mark.parametrize(
    ("errors_percent", "state"),
    [(0.0, Healthy), (6.0, Degraded), (40.0, Critical), (99.0, Failed)],
)
def test_7_1_health_is_one_of_four_states_with_its_reason(
    component: Build, errors_percent: float, state: type[HealthStatus]
) -> None:
    cart = component().start()
    cart.live(3, HealthMetrics(error_rate_percent=errors_percent, throughput_rps=5.0))
    assert type(cart.status) is state
    if state is not Healthy:
        assert f"{errors_percent:g} % errors" in cart.status.reason  # type: ignore[attr-defined]


def test_7_2_the_standard_metrics_in_their_units(component: Build) -> None:
    assert [each.name for each in dataclasses.fields(HealthMetrics)] == [
        "cpu_usage_percent", "memory_usage_mb", "response_time_ms", "error_rate_percent",
        "throughput_rps", "custom",
    ]  # fmt: skip
    cart = component().start()
    own = HealthMetrics(50.0, 200.0, 20.0, 1.0, 30.0, {"queue length": 7.0})
    assert cart.healing.report(own)
    assert cart.run(cart.healing.health_metrics()) == own


@pytest.mark.parametrize(
    "action",
    [
        NoAction(), ConfigAdjusted("limit 8 to 4"), Restarted(), ResourcesScaled("2 to 3"),
        ReconnectionAttempted(True), FallbackActivated("cache"), Custom("cleared the queue"),
    ],
    ids=lambda action: type(action).__name__,
)  # fmt: skip
def test_7_3_each_action_is_tracked_and_categorised(
    component: Build, action: HealingAction
) -> None:
    assert action_from_json(action.to_json()) == action
    assert component().healing.action_counts[type(action).__name__] == 0


def test_status_metrics_and_actions_are_exported(component: Build) -> None:
    cart = component().start()
    cart.live(3, WELL)
    text = exposition(registry_of(cart.healing))[0].decode()
    for wanted in (
        'hms_health_status{component="cart"', "hms_response_time_seconds",
        'hms_healing_actions_total{action="NoAction"',
    ):  # fmt: skip
        assert wanted in text

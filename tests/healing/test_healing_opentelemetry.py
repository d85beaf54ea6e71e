"""OpenTelemetry: the same instruments, read by the SDK's in-memory reader."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from watched_instance import Counted, Watched

from hms.agents.healing.interface import HealthMetrics
from hms.agents.healing.telemetry.instruments import INSTRUMENTS
from hms.agents.healing.telemetry.opentelemetry import observe


def collected(watched: Watched) -> tuple[dict[str, Any], InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    observe(watched, meter=provider.get_meter("hms"))
    return metrics_of(reader), reader


def metrics_of(reader: InMemoryMetricReader) -> dict[str, Any]:
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def points(metric: Any, *labels: str) -> dict[tuple[Any, ...], float]:
    return {
        tuple(point.attributes[label] for label in labels): point.value
        for point in metric.data.data_points
    }


def test_every_instrument_is_there_with_its_unit() -> None:
    watched = Watched(breakers={"db": Counted(ok=1)}, broken_invariants={"time": 1})
    watched.health.report(HealthMetrics(custom={"queue": 1.0}), 0.0)
    found, _ = collected(watched)
    assert set(found) == {each.name for each in INSTRUMENTS}
    for each in INSTRUMENTS:
        assert (found[each.name].unit, found[each.name].description) == (each.unit, each.says)
        rises = getattr(found[each.name].data, "is_monotonic", False)
        assert rises is each.rises


def test_values_are_in_base_units_and_follow_the_instance() -> None:
    watched = Watched()
    watched.health.report(HealthMetrics(50.0, 100.0, 20.0, 5.0, 9.0), 0.0)
    found, reader = collected(watched)
    assert points(found["hms.memory.usage"]) == {(): 100e6}
    assert points(found["hms.response.time"]) == {(): 0.02}
    assert points(found["hms.cpu.usage"]) == {(): 0.5}
    for now_s in (1.0, 2.0, 3.0):
        watched.health.report(HealthMetrics(error_rate_percent=95.0), now_s)
    found = metrics_of(reader)
    assert points(found["hms.error"]) == {(): 0.95}
    assert points(found["hms.health.status"], "state") == {
        ("healthy",): 0.0, ("degraded",): 0.0, ("critical",): 0.0, ("failed",): 1.0
    }
    assert points(found["hms.reports"]) == {(): 4.0}


def test_series_are_capped_and_counters_add_up() -> None:
    watched = Watched(breakers={f"d{i}": Counted(ok=1) for i in range(305)})
    found, reader = collected(watched)
    calls = points(found["hms.breaker.calls"], "dependency", "outcome")
    assert len({dependency for dependency, _ in calls}) == 301
    assert calls["other", "ok"] == 5.0
    watched.breakers["d304"].ok += 4
    calls = points(metrics_of(reader)["hms.breaker.calls"], "dependency", "outcome")
    assert calls["other", "ok"] == 9.0


def test_actions_are_counted_by_kind() -> None:
    found, _ = collected(Watched(action_counts={"NoAction": 3, "Custom": 1}))
    actions = points(found["hms.healing.actions"], "action")
    assert len(actions) == 7
    assert (actions["NoAction",], actions["Custom",], actions["Restarted",]) == (3.0, 1.0, 0.0)

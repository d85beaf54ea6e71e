"""Prometheus: what a scrape shows, read back by the client's own parser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from watched_instance import Counted, Watched

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.interface import HealthMetrics
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.healing.telemetry.instruments import LABEL_MOST
from hms.agents.healing.telemetry.prometheus import collector, exposition, registry_of

CASES = {"component": "cart", "instance": "1"}


def scraped(registry: CollectorRegistry) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Samples by name and labels, from the text of a scrape."""
    body, content_type = exposition(registry)
    assert content_type.startswith("text/plain")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            key = tuple(sorted(sample.labels.items()))
            assert key not in found.setdefault(sample.name, {}), "a series twice"
            found[sample.name][key] = sample.value
    return found


def value(
    found: dict[str, dict[tuple[tuple[str, str], ...], float]], name: str, **labels: str
) -> float:
    return found[name][tuple(sorted({**CASES, **labels}.items()))]


def test_metrics_are_in_base_units() -> None:
    watched = Watched()
    watched.health.report(HealthMetrics(150.0, 256.0, 80.0, 2.5, 40.0, {"queue": 7.0}), 0.0)
    found = scraped(registry_of(watched))
    assert value(found, "hms_cpu_usage_ratio") == 1.5
    assert value(found, "hms_memory_usage_bytes") == 256e6
    assert value(found, "hms_response_time_seconds") == 0.08
    assert value(found, "hms_error_ratio") == 0.025
    assert value(found, "hms_throughput_requests_per_second") == 40.0
    assert value(found, "hms_custom_metric", metric="queue") == 7.0
    assert value(found, "hms_reports_total") == 1.0


def test_status_is_one_series_a_state() -> None:
    watched = Watched()
    registry = registry_of(watched)
    for now_s in (0.0, 1.0, 2.0):
        watched.health.report(HealthMetrics(error_rate_percent=30.0), now_s)
    found = scraped(registry)
    states = {s: value(found, "hms_health_status", state=s)
              for s in ("healthy", "degraded", "critical", "failed")}
    assert states == {"healthy": 0.0, "degraded": 0.0, "critical": 1.0, "failed": 0.0}
    watched.clock.advance(1000.0)  # silence
    assert value(scraped(registry), "hms_health_status", state="failed") == 1.0


def test_all_seven_actions_and_all_refusals_are_there_from_the_start() -> None:
    watched = Watched(action_counts={"Restarted": 2})
    watched.health.report(HealthMetrics(cpu_usage_percent=-1.0), 0.0)
    found = scraped(registry_of(watched))
    actions = {dict(key)["action"]: v for key, v in found["hms_healing_actions_total"].items()}
    assert actions == {
        "NoAction": 0.0, "ConfigAdjusted": 0.0, "Restarted": 2.0, "ResourcesScaled": 0.0,
        "ReconnectionAttempted": 0.0, "FallbackActivated": 0.0, "Custom": 0.0,
    }
    assert value(found, "hms_reports_refused_total", reason="negative") == 1.0
    assert value(found, "hms_reports_refused_total", reason="stale") == 0.0


def test_breakers_show_state_and_calls() -> None:
    watched = Watched(breakers={"db": Counted("open", ok=8, failed=5, refused=3, opened=1,
                                              in_flight=2)})
    found = scraped(registry_of(watched))
    assert value(found, "hms_breaker_state", dependency="db", state="open") == 1.0
    assert value(found, "hms_breaker_state", dependency="db", state="closed") == 0.0
    assert value(found, "hms_breaker_calls_total", dependency="db", outcome="ok") == 8.0
    assert value(found, "hms_breaker_calls_total", dependency="db", outcome="refused") == 3.0
    assert value(found, "hms_breaker_opened_total", dependency="db") == 1.0
    assert value(found, "hms_breaker_calls_in_flight", dependency="db") == 2.0


def test_names_without_end_share_one_label_and_its_counters_never_fall() -> None:
    watched = Watched(breakers={f"tenant {i}": Counted(ok=2) for i in range(1100)})
    registry = registry_of(watched)
    found = scraped(registry)
    dependencies = {dict(key)["dependency"] for key in found["hms_breaker_calls_total"]}
    assert len(dependencies) == 1001
    other = {"dependency": "other", "outcome": "ok"}
    assert value(found, "hms_breaker_calls_total", **other) == 200.0
    assert value(found, "hms_breaker_state", dependency="other", state="closed") == 100.0
    for i in range(1000, 1100):  # let go, and others come
        del watched.breakers[f"tenant {i}"]
        watched.breakers[f"later {i}"] = Counted(ok=1)
    watched.breakers["tenant 0"] = Counted(ok=1)  # begins anew
    found = scraped(registry)
    assert value(found, "hms_breaker_calls_total", **other) == 300.0
    assert value(found, "hms_breaker_calls_total", dependency="tenant 0", outcome="ok") == 3.0
    assert len({dict(key)["dependency"] for key in found["hms_breaker_calls_total"]}) == 1001


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "a\nb", "a\x00b", "\ud800", "ключ", "x" * 5000, "", "{}", "a\u2028b"]
)
def test_any_name_is_a_safe_label(name: str) -> None:
    watched = Watched(component=name, breakers={name: Counted(ok=1)})
    found = scraped(registry_of(watched))
    (key,) = [k for k in found["hms_breaker_calls_total"] if dict(k)["outcome"] == "ok"]
    assert len(dict(key)["dependency"]) <= LABEL_MOST
    assert found["hms_breaker_calls_total"][key] == 1.0


def test_names_that_look_alike_when_cut_are_added_up() -> None:
    watched = Watched(breakers={"x" * 200 + tail: Counted(ok=1, in_flight=1) for tail in "ab"})
    found = scraped(registry_of(watched))
    assert list(found["hms_breaker_calls_in_flight"].values()) == [2.0]
    assert sum(found["hms_breaker_calls_total"].values()) == 2.0


def test_several_instances_of_one_process_share_a_scrape() -> None:
    found = scraped(registry_of(Watched(), Watched(instance_id="2")))
    assert {dict(key)["instance"] for key in found["hms_reports_total"]} == {"1", "2"}


def test_a_collector_joins_the_registry_of_the_service() -> None:
    registry = CollectorRegistry()
    registry.register(collector(Watched()))
    assert registry.get_sample_value("hms_reports_total", CASES) == 0.0
    body, content_type = exposition(registry, "application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert "openmetrics" in content_type


def test_a_real_instance_is_shown(
    healing: Callable[..., StandaloneSelfHealing], clock: FakeClock
) -> None:
    each = healing()
    asyncio.run(each.initialize())
    each.report(HealthMetrics(error_rate_percent=1.0))
    each.guard("db")(lambda: 1)()
    found = scraped(registry_of(each))
    own = {"component": "cart", "instance": each.instance_id}
    assert found["hms_error_ratio"][tuple(sorted(own.items()))] == 0.01
    ok = tuple(sorted({**own, "dependency": "db", "outcome": "ok"}.items()))
    assert found["hms_breaker_calls_total"][ok] == 1.0

"""Whatever a system's settings are, a review names changes that a scenario file can say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hms.experiments.check.cost import changed
from hms.experiments.check.places import Places
from hms.experiments.check.review import find
from hms.experiments.check.rules import RULES
from hms.experiments.check.snippets import snippet
from hms.experiments.check.system import System
from hms.experiments.todays_settings import todays_tables
from hms.scenarios.load import parse_scenario

PROBES = st.sampled_from(
    ["none", {"kind": "tcp"}, {"kind": "http", "failures": 1}, {"kind": "exec", "timeout_s": 0.01}]
)
COMPONENTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["service", "store", "queue"]),
        "replicas": st.integers(1, 4),
        "workers": st.sampled_from([1, 10, 300]),
        "queue_limit": st.sampled_from([0, 1, 1000]),
        "service_time_ms": st.sampled_from([0.001, 5, {"between": [1, 900]}]),
        "liveness": PROBES,
    }
)
RETRIES = st.fixed_dictionaries(
    {
        "max_attempts": st.integers(1, 5),
        "base_s": st.sampled_from([0.0, 0.1, 20.0]),
        "budget_kind": st.sampled_from(["none", "tokens", "in_flight"]),
        "budget_ratio": st.sampled_from([0.0, 0.1, 5.0]),
        "in_flight_share": st.sampled_from([0.0, 1.0]),
    }
)
BREAKERS = st.fixed_dictionaries(
    {
        "scope": st.sampled_from(["edge", "replica"]),
        "failure_rate": st.sampled_from(["off", 0.01, 1.0]),
        "window_kind": st.sampled_from(["count", "time"]),
        "window_s": st.sampled_from([0.1, 3600.0]),
        "window_calls": st.just(10_000),
        "minimum_calls": st.sampled_from([1, 20, 10_000]),
        "ejected_share_max": st.sampled_from([0.0, 0.1, 1.0]),
    }
)
EDGES = st.fixed_dictionaries(
    {
        "need": st.sampled_from(["hard", "soft"]),
        "calls": st.sampled_from([0, 0.01, 3]),
        "timeout": st.sampled_from([{"call_s": 0.001}, {"call_s": 5, "total_s": 0.01}, {}]),
    },
    optional={"retry": RETRIES, "breaker": BREAKERS},
)
NAMES = ("a", "b", "c")


@st.composite
def systems(draw: st.DrawFn) -> dict[str, Any]:
    """Three components in a row, the last calls the first now and then."""
    pairs = [("a", "b"), ("b", "c"), *([("c", "a")] if draw(st.booleans()) else [])]
    return {
        "schema": "hms.scenario/1",
        "name": "any",
        "workload": [{"entry": "a", "client": "people", "rate_rps": draw(st.sampled_from([0, 9]))}],
        "components": {"people": {"kind": "client"}} | {name: draw(COMPONENTS) for name in NAMES},
        "edges": {"people -> a": {"timeout_ms": draw(st.sampled_from([1, 3000]))}}
        | {f"{caller} -> {callee}": draw(EDGES) for caller, callee in pairs},
    }


@given(systems())
def test_every_suggestion_is_a_scenario_and_a_text(data: dict[str, Any]) -> None:
    scenario, problems = parse_scenario(data)
    assert scenario is not None, problems
    for finding in find(System(scenario, Places(scenario))):
        assert finding.rule in RULES
        assert finding.trials
        assert "\n" not in finding.says
        mended = changed(scenario, finding.change)
        assert mended != scenario
        todays_tables(mended.midpoint())
        assert snippet(finding)

"""The spans that a request run keeps: all that ended, as counted, and nothing else changes."""

import json

import pytest
from measured_shop import TRUE

from hms.evolution.baselines import today_policy
from hms.experiments.calibration.trace_writer import otlp_lines
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.request import run
from hms.scenarios.engines.request.span_log import CALLED, VISITED
from hms.scenarios.load import load_scenario
from hms.scenarios.policy_tables import tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    path = tmp_path_factory.mktemp("spans") / "shop.yaml"
    path.write_text(TRUE, encoding="utf-8")
    scenario = load_scenario(path)
    return compile_scenario(scenario, 5), tables(today_policy(scenario).policy, scenario)


@pytest.fixture(scope="module")
def kept(world):
    return run(*world, spans=100_000)


def test_keeping_spans_changes_nothing_else(world, kept):
    plain = run(*world)
    assert plain.row().tolist() == kept.row().tolist()
    assert (plain.visits, plain.calls) == (kept.visits, kept.calls)
    assert len(plain.spans) == 0


def test_every_answered_visit_and_every_ended_attempt_has_one(world, kept):
    compiled, _ = world
    spans = kept.spans
    for i, name in enumerate(compiled.names):
        if name in kept.visits:
            counted = kept.visits[name]["served"] + kept.visits[name]["failed"]
            assert ((spans["kind"] == VISITED) & (spans["place"] == i)).sum() == counted
    for k, pair in enumerate(compiled.edge_names):
        counts = kept.calls[pair]
        ended = sum(counts[how] for how in ("ok", "bad", "late", "refused"))
        assert ((spans["kind"] == CALLED) & (spans["place"] == k)).sum() == ended
    assert (spans["end_s"] >= spans["start_s"]).all()


def test_no_more_than_asked_for_are_kept(world):
    assert len(run(*world, spans=100).spans) == 100


def test_traces_are_whole_trees_of_one_root(world, kept):
    compiled, _ = world
    spans = [
        span
        for line in otlp_lines(kept, compiled.edge_names)
        for entry in json.loads(line)["resourceSpans"]
        for scope in entry["scopeSpans"]
        for span in scope["spans"]
    ]
    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans)
    for span in spans:
        parent = by_id.get(span.get("parentSpanId", ""))
        if parent is None:
            assert span["name"] == "call web"
        else:
            assert parent["traceId"] == span["traceId"]
            assert int(parent["startTimeUnixNano"]) <= int(span["startTimeUnixNano"])
    roots = sum("parentSpanId" not in span for span in spans)
    assert roots == len({span["traceId"] for span in spans})

"""Traces of OpenTelemetry and Jaeger as scenarios."""

import json

import pytest
from import_manifests import calling, deployment
from import_spans import Recorder, shop

from hms.errors import ManifestError
from hms.scenarios.importers import span_files
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.findings import kind_of
from hms.scenarios.importers.read import Given, import_scenario
from hms.scenarios.importers.traces import read_traces
from hms.scenarios.load import load_scenario, save_scenario


@pytest.fixture
def read(write):
    """The findings of spans."""

    def read_recorder(recorder: Recorder, form: str = "otlp"):
        data = recorder.jaeger() if form == "jaeger" else recorder.otlp()
        return read_traces([write(json.dumps(data), f"{form}.json")])

    return read_recorder


def told(findings) -> dict[str, dict[str, object]]:
    """All facts, by component and edge."""
    found = {name: {k: f.value for k, f in c.facts.items()} for name, c in
             findings.components.items()}  # fmt: skip
    edges = {f"{a} -> {b}": {k: f.value for k, f in e.facts.items()}
             for (a, b), e in findings.edges.items()}  # fmt: skip
    return found | edges


def test_calls_self_times_spread_and_network_follow_from_spans(read):
    found = told(read(shop()))
    # web: 40 ms less 14 + 16 of its own client spans; cart: 3 and 5
    assert found["web"] == {"service_time_ms": 10.0, "service_cv": 0.0}
    assert found["cart"]["service_time_ms"] == pytest.approx(4.0)
    assert found["cart"]["service_cv"] == pytest.approx(0.25, rel=0.02)
    assert found["web -> cart"] == {"calls": 2.0, "network_ms": 1.0}
    assert found["cart -> cart-db"]["calls"] == 1.0


def test_a_callee_without_spans_of_its_own_is_known_by_attributes(read):
    found = read(shop())
    database = found.components["cart-db"]
    assert kind_of(database) == "store"
    assert database.facts["service_time_ms"].place.sureness == "derived"
    assert database.facts["service_time_ms"].value == pytest.approx(9.0)  # (14-2-3 + 16-2-5) / 2


@pytest.mark.parametrize(
    ("attributes", "name", "kind"),
    [
        ({"peer.service": "billing", "server.address": "10.0.0.7"}, "billing", ""),
        ({"server.address": "10.0.0.7", "db.system.name": "redis"}, "redis", ""),
        ({"net.peer.name": "localhost", "messaging.system": "kafka"}, "kafka", ""),
        ({"server.address": "main-store", "db.system": "mysql"}, "main-store", "store"),
    ],
)
def test_a_peer_has_a_name_and_not_a_number(read, attributes, name, kind):
    seen = Recorder()
    web = seen.span("web", 0.0, 10.0)
    seen.span("web", 1.0, 5.0, "client", web, peer=attributes)
    component = read(seen).components[name]
    assert (component.facts["kind"].value if "kind" in component.facts else "") == kind


@pytest.mark.parametrize(
    ("attributes", "protocol"),
    [
        ({"rpc.system": "grpc"}, "grpc"),
        ({"http.request.method": "GET"}, "http"),
        ({"http.method": "GET"}, "http"),
        ({"db.system": "postgresql", "server.address": "main-db"}, "postgres"),
        ({}, ""),
    ],
)
def test_attributes_say_what_is_spoken(read, attributes, protocol):
    seen = Recorder()
    web = seen.span("web", 0.0, 10.0)
    client = seen.span("web", 1.0, 5.0, "client", web, peer=attributes)
    if "server.address" not in attributes:
        seen.span("stock", 2.0, 4.0, parent=client)
    (edge,) = read(seen).edges.values()
    assert edge.protocol == protocol


def test_jaegers_json_and_otlp_say_the_same(read):
    assert told(read(shop(), "jaeger")) == told(read(shop()))


def test_lines_words_and_bare_lists_say_the_same(read, write):
    document = shop().otlp(words=True)
    lines = "\n".join(json.dumps({"resourceSpans": [r]}) for r in document["resourceSpans"])
    wanted = told(read(shop()))
    assert told(read_traces([write(lines, "spans.jsonl")])) == wanted
    assert told(read_traces([write(json.dumps([document]), "list.json")])) == wanted
    one_each = "\n".join(json.dumps(trace) for trace in shop().jaeger()["data"])
    assert told(read_traces([write(one_each, "jaeger.jsonl")])) == wanted


def test_clocks_that_disagree_change_nothing_where_the_caller_has_a_span(read):
    wanted = told(read(shop()))
    for skew in (-5_000.0, 250.0):
        assert told(read(shop(skew=skew))) == wanted


def test_without_a_callers_span_the_callees_is_moved_into_its_parent_and_counted(read):
    seen = Recorder()
    for i in range(3):
        web = seen.span("web", 100.0 * i, 100.0 * i + 30.0)
        seen.span("stock", 100.0 * i + 5_000.0, 100.0 * i + 5_020.0, parent=web)
    found = read(seen)
    assert told(found)["web"]["service_time_ms"] == pytest.approx(10.0)
    assert "3 spans lie outside their parent's time (clocks disagree): moved" in found.said


def test_missing_parents_are_counted_and_said(read):
    seen = shop(40)
    for _ in range(4):
        seen.span("cart", 0.0, 4.0, lost_parent=True)
    found = read(seen)
    assert told(found)["web -> cart"]["calls"] == 2.0
    assert any(note.startswith("4 spans name a parent that is not in the files") for note in
               found.said)  # fmt: skip


def test_calls_side_by_side_are_parallel_and_their_time_counts_once(read):
    seen = Recorder()
    for i in range(5):
        t = 100.0 * i
        web = seen.span("web", t, t + 30.0)
        seen.call(web, "cart", t + 5.0, t + 25.0)
        seen.call(web, "stock", t + 6.0, t + 20.0)
        seen.call(web, "mail", t + 25.0, t + 29.0)
    found = told(read(seen))
    assert found["web"]["service_time_ms"] == pytest.approx(6.0)
    assert found["web -> cart"]["mode"] == found["web -> stock"]["mode"] == "parallel"
    assert "mode" not in found["web -> mail"]


def test_messages_that_nobody_waits_for_are_published(read):
    seen = Recorder()
    for i in range(5):
        t = 100.0 * i
        web = seen.span("web", t, t + 10.0)
        sent = seen.span("web", t + 2.0, t + 3.0, "producer", web)
        seen.span("mail", t + 50.0, t + 90.0, "consumer", sent)
    found = told(read(seen))
    assert found["web -> mail"]["mode"] == "publish"
    assert found["web"]["service_time_ms"] == pytest.approx(10.0)
    assert found["mail"]["service_time_ms"] == pytest.approx(40.0)


def test_local_spans_belong_to_their_request(read):
    seen = Recorder()
    web = seen.span("web", 0.0, 20.0)
    inner = seen.span("web", 2.0, 18.0, "internal", web)
    seen.call(inner, "cart", 4.0, 14.0)
    found = told(read(seen))
    assert found["web"]["service_time_ms"] == pytest.approx(10.0)
    assert found["web -> cart"]["calls"] == 1.0


def test_a_load_generators_own_spans_make_it_the_client(write):
    seen = Recorder()
    for i in range(40):
        root = seen.span("load-generator", 100.0 * i, 100.0 * i + 50.0, "client")
        web = seen.span("web", 100.0 * i + 1.0, 100.0 * i + 49.0, parent=root)
        seen.call(web, "cart", 100.0 * i + 5.0, 100.0 * i + 15.0)
    path = write(json.dumps(seen.otlp()), "spans.json")
    scenario = import_scenario("traces", [path], Labels("shop")).scenario
    assert (scenario.workload[0].client, scenario.workload[0].entry) == ("load-generator", "web")
    assert scenario.components["web"].service_time_s == pytest.approx(0.038)


def test_failures_and_rates_are_said_and_not_taken(read):
    seen = shop(40)
    for span in seen.spans[:6]:
        span.failed = span.service == "web"
    said = "\n".join(read(seen).said)
    assert "`web` failed 2.5 % of its 40 requests" in said
    assert re_rate(said) == pytest.approx(40 / 3.94, rel=0.01)


def re_rate(said: str) -> float:
    return float(said.partition("requests came in at ")[2].partition("/s")[0])


def test_what_is_measured_says_so_and_loads_back(write, tmp_path):
    path = write(json.dumps(shop().otlp()), "spans.json")
    scenario = import_scenario("traces", [path], Labels("shop")).scenario
    origin = scenario.components["cart"].origins["service_time_ms"]
    assert (scenario.sources[origin.source].file, origin.sure) == ("spans.json", "measured")
    assert scenario.edge("web", "cart").origins["calls"].sure == "measured"
    assert scenario.components["cart"].origins["startup_s"].sure == "guessed"
    save_scenario(scenario, tmp_path / "s.yaml")
    assert load_scenario(tmp_path / "s.yaml") == scenario


def test_manifests_say_replicas_and_traces_say_calls(write):
    shop_text = calling("web", "cart", replicas=3) + deployment("cart", replicas=2)
    spans = Given("traces", [write(json.dumps(shop().otlp()), "spans.json")])
    both = import_scenario("kubernetes", [write(shop_text, "k.yaml")], Labels("s"), merge=[spans])
    scenario = both.scenario
    assert (scenario.components["web"].replicas, scenario.components["cart"].replicas) == (3, 2)
    edge = scenario.edge("web", "cart")
    assert (edge.calls, edge.origins["itself"].sure) == (2.0, "measured")
    assert "only traces knows `cart-db`" in both.said


def test_more_spans_than_the_limit_are_left_out_and_said(read, monkeypatch):
    monkeypatch.setattr(span_files, "MOST_SPANS", 50)
    assert "more than 50 spans: the first 50 are taken" in read(shop()).said


def test_spans_that_cannot_be_read_or_are_there_twice_are_counted(write):
    document = shop(10).otlp()
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans += [spans[0], {"traceId": "x"}, 3, None]
    found = read_traces([write(json.dumps(document), "s.json")])
    assert "left out: 3 spans that cannot be read, 1 that are there twice" in found.said


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no spans"),
        ("{}", "no spans"),
        ("[]", "no spans"),
        ("a text", "no JSON"),
        ('{"resourceSpans": [{}]}', "no spans"),
        ('{"resourceSpans": 3}', "no spans"),
        ('{"resourceSpans": [3, null, {"scopeSpans": [{"spans": [3]}]}]}', "that cannot be read"),
        ('{"data": [{"spans": {}, "processes": 3}]}', "no spans"),
        ('{"resourceSpans": [', "no JSON: Expecting value"),
        ('{"resourceSpans": [{}', "no JSON: the end of the file"),
        ('{"resourceSpans": [{"a": NaN}]}', "NaN is no number"),
        ('{"resourceSpans": [' + "[" * 100_000, "nested too deep|no JSON"),
        ('{"data": [{"parent": "a", "child": "b", "callCount": 1}]}', "Jaeger's dependencies"),
        ('{"resourceSpans": [{}] "x"}', 'no JSON: `"`'),
        ("{3: 4}", "no key"),
    ],
)
def test_files_of_another_shape_are_refused_in_one_message(write, text, what):
    with pytest.raises(ManifestError, match=what) as refused:
        read_traces([write(text, "spans.json")])
    assert refused.value.exit_code == 2
    assert "spans.json" in str(refused.value)


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "s.json").write_bytes(b"\xff\xfe\x00\x01" * 100)
    with pytest.raises(ManifestError, match="not UTF-8 text"):
        read_traces([tmp_path / "s.json"])


def test_a_folder_of_traces_is_read_as_one(tmp_path):
    for number in range(3):
        seen = shop(20)
        for span in seen.spans:
            span.trace = f"{number}{span.trace[1:]}"
        (tmp_path / f"{number}.json").write_text(json.dumps(seen.otlp()))
    found = read_traces([tmp_path])
    assert any("60 requests" in note or "180 requests" in note for note in found.said)
    assert found.components["web"].place.file == "0.json and 2 more"

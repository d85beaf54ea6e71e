"""Own times, calls and retries of requests, from spans written by hand."""

import json

import pytest

from hms.errors import ManifestError
from hms.experiments.calibration.traces import undisturbed
from hms.experiments.calibration.visits import visits_of
from hms.scenarios.importers.span_files import read_spans

MS = 1_000_000


def resource(service, *spans, replica="r1"):
    attributes = [
        {"key": "service.name", "value": {"stringValue": service}},
        {"key": "service.instance.id", "value": {"stringValue": replica}},
    ]
    return {"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}


def span(own, parent, start_ms, end_ms, kind, failed=False):
    found = {
        "traceId": "t", "spanId": own, "kind": kind, "startTimeUnixNano": str(start_ms * MS),
        "endTimeUnixNano": str(end_ms * MS),
    }  # fmt: skip
    found |= {"parentSpanId": parent} if parent else {}
    return found | ({"status": {"code": 2}} if failed else {})


@pytest.fixture
def read(tmp_path):
    def read_them(*resources):
        path = tmp_path / "spans.json"
        path.write_text(json.dumps({"resourceSpans": list(resources)}), encoding="utf-8")
        recorded = read_spans([path])
        numbers = recorded.names.known
        visits = visits_of(recorded.spans)
        return {name: visits.get(number, []) for name, number in numbers.items()}

    return read_them


def test_own_time_is_what_no_call_covers(read):
    visits = read(
        resource("web", span("a", "", 0, 100, 2), span("b", "a", 20, 60, 3)),
        resource("cart", span("c", "b", 25, 55, 2)),
    )
    (web,) = visits["web"]
    assert web.own_ns == 60 * MS
    assert web.phases == ((0, 20 * MS), (60 * MS, 100 * MS))
    assert [call.callee for call in web.calls] == [visits["cart"][0].span.service]
    assert visits["cart"][0].own_ns == 30 * MS


def test_a_call_after_a_failed_one_to_the_same_service_is_its_retry(read):
    visits = read(
        resource(
            "web",
            span("a", "", 0, 100, 2),
            span("b1", "a", 10, 30, 3, failed=True),
            span("b2", "a", 40, 60, 3),
            span("b3", "a", 60, 80, 3),
        ),
        resource(
            "cart", span("c1", "b1", 12, 28, 2), span("c2", "b2", 42, 58, 2),
            span("c3", "b3", 62, 78, 2),
        ),
    )  # fmt: skip
    assert [call.again for call in visits["web"][0].calls] == [False, True, False]


def test_an_attempt_that_timed_out_without_a_span_of_the_callee_is_known_by_its_retry(read):
    visits = read(
        resource(
            "web",
            span("a", "", 0, 100, 2),
            span("b1", "a", 10, 30, 3, failed=True),
            span("b2", "a", 40, 60, 3),
        ),
        resource("cart", span("c2", "b2", 42, 58, 2)),
    )
    calls = visits["web"][0].calls
    assert [call.again for call in calls] == [False, True]
    assert calls[0].callee == calls[1].callee


def test_only_who_met_an_idle_replica_is_undisturbed(read):
    visits = read(
        resource("web", span("a", "", 0, 10, 2), span("b", "", 5, 20, 2), replica="r1"),
        resource("web", span("c", "", 6, 9, 2), replica="r2"),
        resource("web", span("d", "", 30, 40, 2), replica="r1"),
    )["web"]
    assert list(undisturbed(visits, 1)) == [0.01, 0.003, 0.01]  # b found a at work
    assert len(undisturbed(visits, 2)) == 4


def test_a_caller_waiting_for_an_answer_keeps_no_core(read):
    visits = read(
        resource("web", span("a", "", 0, 100, 2), span("x", "a", 10, 90, 3),
                 span("b", "", 50, 60, 2)),
        resource("cart", span("y", "x", 12, 88, 2)),
    )["web"]  # fmt: skip
    assert list(undisturbed(visits, 1)) == [0.02, 0.01]


def test_jaegers_json_gives_the_same_requests(tmp_path):
    def one(own, parent, start_ms, length_ms, process, kind, failed=False):
        references = [{"refType": "CHILD_OF", "traceID": "t", "spanID": parent}] if parent else []
        tags = [{"key": "span.kind", "value": kind}, {"key": "error", "value": failed}]
        return {
            "traceID": "t", "spanID": own, "processID": process, "references": references,
            "startTime": start_ms * 1000, "duration": length_ms * 1000, "tags": tags,
        }  # fmt: skip

    spans = [
        one("a", "", 0, 100, "p1", "server"), one("b1", "a", 10, 20, "p1", "client", True),
        one("b2", "a", 40, 20, "p1", "client"), one("c", "b2", 42, 16, "p2", "server"),
    ]  # fmt: skip
    processes = {
        "p1": {"serviceName": "web", "tags": [{"key": "hostname", "value": "w1"}]},
        "p2": {"serviceName": "cart", "tags": [{"key": "hostname", "value": "c1"}]},
    }
    path = tmp_path / "jaeger.json"
    path.write_text(json.dumps({"data": [{"spans": spans, "processes": processes}]}))
    recorded = read_spans([path])
    visits = visits_of(recorded.spans)
    (web,) = visits[recorded.names.known["web"]]
    assert web.own_ns == 60 * MS
    assert [call.again for call in web.calls] == [False, True]
    assert web.span.replica != visits[recorded.names.known["cart"]][0].span.replica


def test_a_file_without_spans_is_refused(tmp_path):
    path = tmp_path / "none.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ManifestError, match="no spans"):
        read_spans([path])

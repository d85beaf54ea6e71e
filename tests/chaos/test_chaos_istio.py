"""Istio's fault injection, in files of our own and in those of Bookinfo."""

from pathlib import Path

import pytest
from chaos_shop import said

from hms.errors import ManifestError
from hms.scenarios.chaos.experiment import read_experiments

BOOKINFO = Path(__file__).resolve().parents[3] / "shared" / "topologies" / "bookinfo"


def service(host: str, fault: str, more: str = "") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: cart}}
spec:
  hosts: [{host}]
  http:
  - fault: {fault}
    route: [{{destination: {{host: cart}}}}]
    {more}
  - route: [{{destination: {{host: cart}}}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: cart}}
spec: {{host: cart}}
"""


def test_a_delay_is_on_the_edges_to_the_host(strike):
    struck = strike(service("cart", "{delay: {percentage: {value: 100.0}, fixedDelay: 7s}}"))
    assert said(struck.scenario.faults) == [("latency", "web -> cart", 0, 60.0, 60.0)]
    assert struck.scenario.faults[0].parameters["added_s"] == 7.0


def test_a_delay_of_some_calls_keeps_mean_and_spread(strike):
    struck = strike(service("cart", "{delay: {percent: 20, fixedDelay: 2s}}"))
    parameters = struck.scenario.faults[0].parameters
    assert parameters["added_s"] == pytest.approx(0.4)
    assert parameters["jitter_s"] == pytest.approx(2 * 0.16**0.5)


def test_an_abort_is_an_error_for_its_share_of_calls(strike):
    host = "cart.shop.svc.cluster.local"
    struck = strike(service(host, "{abort: {percentage: {value: 30}, httpStatus: 503}}"))
    assert said(struck.scenario.faults) == [("error", "cart", 0, 60.0, 60.0)]
    assert struck.scenario.faults[0].parameters["share"] == 0.3


def test_a_host_is_also_found_by_the_address_of_a_component(strike):
    struck = strike(service("redis-cart", "{abort: {httpStatus: 503}}"))
    assert {fault.component for fault in struck.scenario.faults} == {"cart-db"}


def test_a_match_is_taken_as_all_requests_and_told(strike):
    match = "match: [{headers: {end-user: {exact: jason}}}]"
    struck = strike(service("cart", "{abort: {httpStatus: 503}}", match))
    row = next(row for row in struck.lost if row.field == "http.0.match")
    assert row.done == "all requests are struck: the worst case"


def test_an_unknown_host_is_told_with_the_nearest(strike):
    with pytest.raises(ManifestError, match="nearest: cart"):
        strike(service("catr", "{abort: {httpStatus: 503}}"))


def test_an_unknown_field_of_a_fault_is_refused(strike):
    with pytest.raises(ManifestError, match="nearest: `fixedDelay`"):
        strike(service("cart", "{delay: {fixeddelay: 7s}}"))


@pytest.mark.parametrize(
    "name",
    ["fault-injection-details-v1.yaml", "virtual-service-ratings-test-abort.yaml",
     "virtual-service-ratings-test-delay.yaml"],
)  # fmt: skip
def test_bookinfos_own_files_are_read(name):
    file = BOOKINFO / "samples" / "bookinfo" / "networking" / name
    if not file.is_file():
        pytest.skip("Bookinfo is not beside this checkout (shared/topologies)")
    (experiment,) = read_experiments([file])
    fault = experiment.spec["http"][0]["fault"]
    assert fault.keys() <= {"delay", "abort"}
    assert fault.get("delay", {}).get("fixedDelay", 7.0) == 7.0

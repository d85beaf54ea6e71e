"""What a policy's override may ask, every edge and component answers."""

import dataclasses

from hms.agents.policy.policy_file import WHERE
from hms.scenarios.where import component_where, edge_where


def test_an_edge_answers_all_that_an_override_may_ask(shop):
    edge, stock = shop.edge("web", "stock"), shop.components["stock"]
    assert set(edge_where(edge, stock)) == set(WHERE)
    soft = dataclasses.replace(edge, need="soft", protocol="grpc")
    store = dataclasses.replace(stock, kind="store", criticality="high", level="basic")
    assert edge_where(soft, store) == {
        "protocol": "grpc", "edge": "soft", "kind": "store", "criticality": "high",
        "level": "basic",
    }  # fmt: skip
    assert component_where(store) == {"kind": "store", "criticality": "high", "level": "basic"}

"""Small systems that the engine's properties are tested on."""

import pytest
from small_shop import policy_of, service

from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload


@pytest.fixture
def shop():
    """client -> front -> (stock, basket -> store), 60 requests a second, two minutes."""
    components = (
        Component("client", kind="client"), service("front"), service("stock"),
        service("basket"), service("store", replicas=1, service_time_s=0.002),
    )
    edges = (
        Edge("client", "front", timeout_s=10.0), Edge("front", "stock", need="soft"),
        Edge("front", "basket"), Edge("basket", "store"),
    )
    return Scenario(
        "shop", 120.0, 10.0, {"front": Slo(0.99, 0.5)},
        (Workload("front", "client", rate_rps=60.0),), {c.name: c for c in components}, edges,
    )


@pytest.fixture
def ladder():
    """Breaker, one retry, and an act for every illness."""
    restart = {"act": "restart", "patience_s": 20.0}
    return policy_of(
        retry={"max_attempts": 2}, timeout={"call_s": 1.0},
        recovery={
            "unresponsive": [{"act": "reconnect", "patience_s": 3.0}, restart],
            "errors": [restart, {"act": "custom", "name": "roll_back", "patience_s": 30.0}],
            "memory": [restart], "slow": [restart],
            "saturated": [{"act": "scale", "replicas": 1, "patience_s": 30.0}],
            "dependency": [{"act": "fallback", "patience_s": 5.0, "duration_s": 30.0}],
        },
    )

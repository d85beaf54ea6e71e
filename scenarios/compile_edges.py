"""Edges as records. Where their rings lie is known once a policy's time-outs are (equip.py)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hms.scenarios.engine_order import PUBLISH, Route
from hms.scenarios.model import Scenario

Records = npt.NDArray[np.void]


def edge_row(
    row: Any, route: Route, place: dict[str, int], components: Records, scenario: Scenario,
    tick_s: float,
) -> None:
    """Fill one edge's record."""
    edge = route.edge
    caller, callee = place[edge.caller], place[edge.callee]
    client = int(components[caller]["client"])
    row["caller"], row["callee"] = caller, callee
    row["agent"], row["entry"] = 1 - client, client
    row["publish"] = int(edge.mode == PUBLISH)
    row["soft"] = int(edge.need == "soft")
    row["quality"] = edge.fallback_quality if row["soft"] else 1.0
    row["cancel"], row["loses"] = int(edge.cancel_on_timeout), int(edge.on_cut == "lose")
    row["timeout_s"] = edge.timeout_s
    row["network_s"], row["delay_s"] = edge.network_s, 2.0 * edge.network_s
    row["chain_start"], row["chain_weight"] = int(route.start), route.weight
    _calls(row, route, scenario, components[caller]["parallel"] == 1)
    row["share"], row["permits"], row["tokens"] = 1.0, -1.0, -1.0
    row["first_hot"] = row["late_hot"] = -1
    row["due"] = 1 - client
    row["slots"] = components[callee]["slots"]
    if client:
        slo = scenario.slo.get(edge.callee)
        row["latency_s"] = slo.latency_s if slo else edge.timeout_s


def _calls(row: Any, route: Route, scenario: Scenario, parallel: bool) -> None:
    """How often it calls; a cache in front of it lets only its misses through."""
    calls = float(route.edge.calls)  # type: ignore[arg-type]
    component = scenario.components.get(route.edge.caller)
    cache = component.cache if component is not None else None
    if cache is not None and cache.backing == route.edge.callee:
        row["miss_calls"] = calls
        calls *= 1.0 - cache.hit_rate
    row["calls"] = calls
    row["n"] = max(1.0, calls)
    row["n_inv"] = 1.0 / row["n"]
    row["reissue_share"] = 0.0 if parallel else 1.0 - row["n_inv"]
    row["first_share"] = calls if parallel else min(1.0, calls)

"""Components and the units of their replicas as records."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hms.scenarios.engine_order import PUBLISH, Route
from hms.scenarios.engines.fluid.closure import waiting_exponent
from hms.scenarios.engines.fluid.records import SLOTS, UNLIMITED
from hms.scenarios.model import Component, Group, Probe

Records = npt.NDArray[np.void]

MOST_WORKERS = 2000
CONTROL_PERIOD_S = 1.0
DETECT_S = 1.0


def component_row(
    row: Any, index: int, spec: Component | None, own: list[tuple[int, Route]], tick_s: float,
    closures: dict[tuple[int, float, int, float], int], regular: bool = False,
) -> None:
    """Fill one component's record; its units and callers are placed later.

    Args:
        regular: what arrives is evenly spaced.
    """
    _edges(row, own)
    row["slots"], row["replicas"] = 1, 1
    row["workers"] = row["queue_stated"] = UNLIMITED
    row["queue_limit"] = -1.0
    row["cores"] = row["cores_inv"] = 1.0
    row["memory_mark"] = 1.0
    if spec is None or spec.kind == "client":
        row["client"] = 1
        row["rate_row"] = index  # clients come first, one for each workload, in their order
        return
    servers = max(1, math.ceil(spec.cores - 1e-9))
    servers = min(servers, spec.workers)
    row["agent"] = 1
    row["least"] = int(spec.balancer == "least")
    row["slots"] = max(min(spec.replicas + 1, SLOTS), min(len(spec.groups), SLOTS))
    row["replicas"] = spec.replicas
    row["service_s"], row["cv2"] = spec.service_time_s, spec.service_cv**2
    row["congestion"] = spec.congestion
    row["cores"], row["cores_inv"] = servers, 1.0 / servers
    row["workers"], row["queue_stated"] = spec.workers, spec.queue_limit
    _platform(row, spec, tick_s)
    _metrics(row, spec)
    if spec.cache is not None:
        row["hit_rate"] = row["hit_target"] = spec.cache.hit_rate
        row["keys_inv"] = 1.0 / spec.cache.keys
    room = int(min(spec.workers + spec.queue_limit, 10**9))
    row["k_table"] = room
    even = spec.balancer == "round_robin" and spec.replicas > 1
    arrival_cv2 = 0.0 if regular else 1.0 / spec.replicas if even else 1.0
    key = (servers, float(spec.service_cv**2), room, arrival_cv2)
    row["table"] = closures.setdefault(key, len(closures))


def _edges(row: Any, own: list[tuple[int, Route]]) -> None:
    """Which edges it has: those it waits for, then those it publishes on."""
    waited = [(k, route) for k, route in own if route.edge.mode != PUBLISH]
    row["e0"], row["e1"] = (waited[0][0], waited[-1][0] + 1) if waited else (0, 0)
    published = own[len(waited) :]
    row["p0"], row["p1"] = (published[0][0], published[-1][0] + 1) if published else (0, 0)
    starts = [route for _, route in waited if route.start]
    row["chains"] = len(starts)
    row["idle_share"] = max(0.0, 1.0 - sum(route.weight for route in starts)) if starts else 0.0
    row["parallel"] = int(bool(waited) and all(r.edge.mode == "parallel" for _, r in waited))


def _platform(row: Any, spec: Component, tick_s: float) -> None:
    """Starts, restarts, memory, probes."""
    row["startup_s"] = spec.startup_s
    row["cold_s"], row["cold_factor"] = spec.cold_s, spec.cold_factor
    row["memory_idle_mb"], row["memory_limit_mb"] = spec.memory_mb, spec.memory_limit_mb
    row["restarts_itself"] = int(spec.self_restart == "kubernetes")
    row["detects"] = int(row["restarts_itself"] or spec.lb_detect_s is not None)
    detect_s = DETECT_S if spec.lb_detect_s is None else spec.lb_detect_s
    row["detect_ticks"] = max(1, round(detect_s / tick_s))
    _probe(row, "ready", spec.readiness, spec, tick_s)
    _probe(row, "live", spec.liveness, spec, tick_s)


def _probe(row: Any, name: str, probe: Probe | None, spec: Component, tick_s: float) -> None:
    if probe is None or row["restarts_itself"] == 0:
        return
    row[f"{name}_every"] = max(1, round(probe.period_s / tick_s))
    row[f"{name}_failures"] = probe.failures
    row[f"{name}_timeout_s"] = probe.timeout_s
    row[f"{name}_blind"] = int(probe.kind == "tcp")
    # from the start of the process; the engine counts from when it is up
    waits_s = max(0.0, probe.initial_delay_s - float(spec.startup_s))  # type: ignore[arg-type]
    row[f"{name}_delay_ticks"] = round(waits_s / tick_s)


def _metrics(row: Any, spec: Component) -> None:
    row["late_periods"] = round(spec.metric_lag_s / CONTROL_PERIOD_S)
    row["metric_noise"] = spec.metric_noise
    row["noisy"] = int(spec.metric_noise > 0.0)


def unit_rows(
    row: Any, index: int, units: Records, first: int, spec: Component | None,
    exponents: dict[float, int],
) -> None:
    """Fill the records of one component's units; each group of replicas is one from the start."""
    groups = [Group(1)]
    if spec is not None and spec.kind != "client":
        groups = [group for _, group in sorted(spec.groups.items())][:SLOTS]
        groups = groups or [Group(spec.replicas)]
    row["u0"], row["u1"] = first, first + len(groups)
    for slot in range(int(row["slots"])):
        units[first + slot]["component"] = index
    exponent = waiting_exponent(min(int(row["workers"]), MOST_WORKERS)) if spec else 10.0
    table = exponents.setdefault(exponent, len(exponents))
    for slot, group in enumerate(groups):
        _unit(units[first + slot], row, group, exponent, table)
        units[first + slot]["group"] = slot + 1 if spec is not None and spec.groups else 0


def _unit(unit: Any, row: Any, group: Group, exponent: float, table: int) -> None:
    unit["up"] = unit["in_rotation"] = 1
    unit["n"], unit["n_inv"] = group.replicas, 1.0 / group.replicas
    unit["speed"] = unit["own_speed"] = group.speed
    unit["r"] = unit["share"] = 1.0
    for factor in ("slow_factor", "bad_slow_factor", "disk_factor", "gray_factor", "cpu_share"):
        unit[factor] = 1.0
    unit["cores_scale"] = 1.0
    unit["starts_tick"] = -1
    unit["cores"] = row["cores"]
    unit["memory_mb"] = row["memory_idle_mb"]
    unit["age"] = row["service_s"]
    unit["up_since_s"] = -1e6
    unit["exponent"] = exponent
    unit["power_table"] = table

"""Probes: those that kill what is only busy, and those that cannot see what is ill."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hms.experiments.check.failures import OVERLOAD_S, endless_hang, hang, rush, too_late
from hms.experiments.check.findings import Finding
from hms.experiments.check.quantities import seconds, whole
from hms.experiments.check.system import System, change_component
from hms.scenarios.file_keys import PROBE_KEYS
from hms.scenarios.model import Component, Edge, Probe

PROBE_ON_REQUEST_PATH = "probe-on-request-path"
PROBE_SHORTER_THAN_OVERLOAD = "probe-shorter-than-overload"
PROBE_CANNOT_SEE_HANG = "probe-cannot-see-hang"
NO_LIVENESS_PROBE = "no-liveness-probe"
TCP = "tcp"
PASSES_S = 2.0 * OVERLOAD_S
"""An overload that passes by itself passes within this time: no probe may kill before."""


def probe_on_request_path(system: System) -> Iterator[Finding]:
    """A liveness probe that waits behind requests which wait for somebody else.

    When a callee hangs, all workers wait for it, the probe waits for a worker, and the platform
    restarts a component that is well.
    """
    for component, probe in _killing(system):
        stuck = [
            edge
            for edge in system.calls_of(component.name)
            if _held(system, component, edge) > component.workers
        ]
        if not stuck:
            continue
        worst = max(stuck, key=lambda edge: _held(system, component, edge))
        held_s = system.longest_s(worst)
        wait_s = system.queue_limit(component)[0] * held_s / component.workers
        if wait_s <= probe.timeout_s:
            continue
        says = (
            f"when {worst.callee} hangs, all {component.workers} workers wait {seconds(held_s)}"
            f" for it and the queue {seconds(wait_s)} for them; the probe gives up after"
            f" {seconds(probe.timeout_s)}, {probe.failures} times in"
            f" {seconds(probe.failures * probe.period_s)}, and what is well is restarted"
        )
        trials = (hang(worst.callee), *(too_late(system, edge) for edge in stuck))
        yield _finding(PROBE_ON_REQUEST_PATH, system, component, probe, says, trials)


def probe_shorter_than_overload(system: System) -> Iterator[Finding]:
    """A liveness probe that gives up before an overload that would have passed by itself."""
    for component, probe in _killing(system):
        limit, key = system.queue_limit(component)
        wait_s = limit * system.service_s(component) / system.servers(component)
        if wait_s <= probe.timeout_s or system.places.is_guess(component, key):
            continue
        says = (
            f"a full queue of {limit} takes {seconds(wait_s)}, the probe gives up after"
            f" {seconds(probe.timeout_s)} and kills after {probe.failures} ×"
            f" {seconds(probe.period_s)} = {seconds(probe.failures * probe.period_s)}"
        )
        trials = (rush(system, component),)
        yield _finding(PROBE_SHORTER_THAN_OVERLOAD, system, component, probe, says, trials)


def probe_cannot_see_hang(system: System) -> Iterator[Finding]:
    """A TCP probe: the kernel accepts connections of a process that answers nothing."""
    for component in system.components:
        probe = component.liveness
        if probe is None or probe.kind != TCP or component.self_restart != "kubernetes":
            continue
        kind = "exec" if component.kind != "service" else "http"
        yield Finding(
            PROBE_CANNOT_SEE_HANG,
            component.name,
            system.places.of(component, "liveness"),
            "liveness is a tcp probe: it connects to a hung process as well",
            _with_liveness(component, kind=kind),
            (endless_hang(component),),
            protocol=_protocol(system, component),
        )


def no_liveness_probe(system: System) -> Iterator[Finding]:
    """No liveness probe at all: only an exit is noticed, never a hang."""
    for component in system.components:
        if component.liveness is not None or component.self_restart != "kubernetes":
            continue
        kind = "exec" if component.kind != "service" else "http"
        failures = math.ceil(PASSES_S / 10.0)
        yield Finding(
            NO_LIVENESS_PROBE,
            component.name,
            system.places.of(component, "liveness"),
            "no liveness probe: a process that hangs is never restarted",
            change_component(
                component.name,
                liveness={"kind": kind, "period_s": 10, "timeout_s": 1, "failures": failures},
            ),
            (endless_hang(component),),
            protocol=_protocol(system, component),
        )


def _killing(system: System) -> Iterator[tuple[Component, Probe]]:
    """Components with a liveness probe that a long wait fails, and that gives up soon."""
    for component in system.components:
        probe = component.liveness
        if probe is None or probe.kind == TCP or component.self_restart != "kubernetes":
            continue
        if probe.failures * probe.period_s < PASSES_S:
            yield component, probe


def _protocol(system: System, component: Component) -> str:
    """What the component's callers speak with it."""
    return next((edge.protocol for edge in system.callers_of(component.name)), "")


def _held(system: System, component: Component, edge: Edge) -> float:
    """Workers of one replica that wait for a callee when it hangs."""
    return system.rate_rps(edge) / component.replicas * system.longest_s(edge)


def _finding(
    rule: str, system: System, component: Component, probe: Probe, says: str, trials: Any
) -> Finding:
    failures = math.ceil(PASSES_S / probe.period_s)
    return Finding(
        rule,
        component.name,
        system.places.of(component, "liveness"),
        says,
        _with_liveness(component, failures=failures),
        trials,
    )


def _with_liveness(component: Component, **values: Any) -> dict[str, Any]:
    """A change of the liveness probe alone; what it does not say stays."""
    probe = component.liveness
    assert probe is not None
    stays = {
        key: whole(getattr(probe, spec.field))
        for key, spec in PROBE_KEYS.items()
        if key != "initial_delay_s" or probe.initial_delay_s > 0.0
    }
    return change_component(component.name, liveness=stays | values)

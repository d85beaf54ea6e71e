"""What means cannot say: a scenario that needs it is refused, never run as if it did not."""

from collections.abc import Iterator

from hms.documents import Problem
from hms.scenarios.faults.expand import plain_faults
from hms.scenarios.model import Component, Edge, Scenario

ABLE_FAULTS = frozenset(
    "crash hang latency error slow memory_leak load_spike partition bad_deploy capacity service"
    " loss".split()
)
OTHER = "the engine `request`"
ENGINE = "the engine `fluid` computes means:"


def unable(scenario: Scenario) -> Iterator[Problem]:
    """A problem for each thing of a scenario that this engine cannot run."""
    for component in scenario.components.values():
        yield from _of_component(component)
    for edge in scenario.edges:
        yield from _of_edge(edge)
    for index, load in enumerate(scenario.workload):
        if load.closed:
            yield _problem(("workload", index, "users"), "a closed loop")
    for fault in plain_faults(scenario):
        if fault.kind not in ABLE_FAULTS or fault.ramp_s > 0.0 or fault.group:
            yield _problem(("faults",), f"a {fault.kind} fault")
            return


def _of_component(component: Component) -> Iterator[Problem]:
    plain = Component(component.name)
    keys = ("discipline", "lb_detect_s", "congestion", "cold_s", "metric_lag_s", "metric_noise")
    for key in (*keys, "groups", "endpoints", "cache"):
        if getattr(component, key) != getattr(plain, key):
            yield _problem(("components", component.name, key), f"no `{key}`")


def _of_edge(edge: Edge) -> Iterator[Problem]:
    if edge.mode == "publish":
        yield _problem(("edges", edge.name, "mode"), "no `mode: publish`")
    if edge.hedge_after_s > 0.0:
        yield _problem(("edges", edge.name, "hedge_after_ms"), "no second copy of a call")


def _problem(path: tuple[str | int, ...], what: str) -> Problem:
    return Problem(path, f"{ENGINE} {what}", OTHER)

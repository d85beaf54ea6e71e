"""What means cannot say: a scenario that needs it is refused, never run as if it did not."""

from collections.abc import Iterator

from hms.documents import Problem
from hms.scenarios.engines.fluid.records import SLOTS
from hms.scenarios.model import Component, Edge, Scenario

OTHER = "the engine `request`"
ENGINE = "the engine `fluid` computes means:"


def unable(scenario: Scenario) -> Iterator[Problem]:
    """A problem for each thing of a scenario that this engine cannot run."""
    for component in scenario.components.values():
        yield from _of_component(component)
    for edge in scenario.edges:
        yield from _of_edge(edge, scenario)


def _of_component(component: Component) -> Iterator[Problem]:
    path = ("components", component.name)
    if component.discipline != "fifo":
        yield _problem((*path, "discipline"), f"no order of waiting as `{component.discipline}`")
    if len(component.groups) > SLOTS:
        what = f"at most {SLOTS} groups of replicas, not {len(component.groups)}"
        yield _problem((*path, "groups"), what)


def _of_edge(edge: Edge, scenario: Scenario) -> Iterator[Problem]:
    path = ("edges", edge.name)
    if edge.passes_deadline:
        yield _problem((*path, "passes_deadline"), "no deadline that travels with a request")
    if edge.hedge_after_s > 0.0:
        yield _problem((*path, "hedge_after_ms"), "no second copy of a call")
    caller = scenario.components.get(edge.caller)
    if edge.mode == "parallel" and caller is not None and caller.endpoints:
        yield _problem((*path, "mode"), "calls of endpoints one after another, not in parallel")


def _problem(path: tuple[str | int, ...], what: str) -> Problem:
    return Problem(path, f"{ENGINE} {what}", OTHER)

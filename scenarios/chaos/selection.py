"""Which components, and how many replicas of each, a selector strikes.

A label selects the components that carry it in the scenario (`labels`, `version`), else the one
whose name is its value (`app: cart`, `app.kubernetes.io/name: cart`); a pod's name the component it
starts with (`cart-7d9c-x1`). Labels that no component has cannot be checked and are said to be left
out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hms.documents import Problem, nearest
from hms.errors import ManifestError
from hms.scenarios.chaos.experiment import Injection, Place
from hms.scenarios.chaos.loss import Ledger
from hms.scenarios.model import Component, Scenario

NAMING = (
    "app", "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
    "k8s-app", "name", "service", "component", "io.kompose.service",
    "opentelemetry.io/name",
)  # fmt: skip
"""Labels whose value is, by custom, the name of what runs in the pod."""

VERSIONS = ("version", "app.kubernetes.io/version")
ZONE = "topology.kubernetes.io/zone"
OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"

Chance = Callable[[str], float]
"""Gives a number in [0, 1) for what it is for; the same for the same words."""


@dataclass(frozen=True, slots=True)
class Struck:
    """Replicas of one component.

    Attributes:
        replicas: how many, at least 1.
        of: how many the component has.
    """

    component: str
    replicas: int
    of: int

    @property
    def share(self) -> float:
        """Of the component's replicas."""
        return self.replicas / self.of

    @property
    def target(self) -> dict[str, Any]:
        """The `target` of a fault on them."""
        if self.replicas == self.of:
            return {"component": self.component}
        return {"component": self.component, "replicas": self.replicas}


def select(
    injection: Injection, scenario: Scenario, chance: Chance, ledger: Ledger,
    *below: str,
) -> list[Struck]:
    """What an injection's selector strikes.

    Args:
        below: path of the mapping that holds selector and mode, () for the spec itself.

    Raises:
        ManifestError: the selector names no component.
    """
    spec: Any = injection.spec
    for key in below:
        spec = spec[key]
    chosen = _Selector(injection, scenario, ledger, below).components(spec.get("selector", {}))
    pods = [(c.name, i) for c in chosen for i in range(c.replicas)]
    count = _count(spec["mode"], spec.get("value"), len(pods), injection, below, chance)
    ledger.spared |= count == 0
    if count < len(pods):
        words = f"{injection.name} {injection.number} {'.'.join(below)}"
        drawn = sorted(pods, key=lambda pod: (chance(f"{words} {pod[0]} {pod[1]}"), pod))
        pods = drawn[:count]
    of = {c.name: c.replicas for c in chosen}
    return [
        Struck(name, sum(1 for pod in pods if pod[0] == name), of[name])
        for name in dict.fromkeys(name for name, _ in sorted(pods))
    ]


def _count(
    mode: str, value: int | None, pods: int, injection: Injection, below: tuple[str, ...],
    chance: Chance,
) -> int:
    """How many pods a mode takes, as Chaos Mesh counts (pkg/selector/generic)."""
    if mode == "all":
        return pods
    if mode == "one":
        return 1
    most = pods if mode == "fixed" else 100
    if value is None or value < 1 or (mode != "fixed" and value > most):
        what = f"mode {mode} needs a `value`"
        expected = "1 or more pods" if mode == "fixed" else "1 to 100 percent"
        raise _wrong(injection.place, what, expected, "", *below, "value")
    if mode == "fixed":
        return min(pods, value)
    percent = float(value)
    if mode == "random-max-percent":
        at = f"{injection.name} {injection.number} {'.'.join(below)} percent"
        percent = math.floor(chance(at) * (value + 1))
    return math.ceil(pods * percent / 100.0)


def _wrong(place: Place, what: str, expected: str, near: str, *keys: str) -> ManifestError:
    problem = Problem(place.path, what, expected, near, place.line(*keys))
    return ManifestError([problem], place.document.file)


class _Selector:
    """Reads one `selector` against the components of a scenario."""

    def __init__(
        self, injection: Injection, scenario: Scenario, ledger: Ledger, below: tuple[str, ...]
    ) -> None:
        self._of, self._ledger, self._below = injection, ledger, below
        self._all = [c for c in scenario.components.values() if c.kind != "client"]
        self._names = [component.name for component in self._all]

    def components(self, selector: Mapping[str, Any]) -> list[Component]:
        """What all criteria together select, in the scenario's order."""
        if not selector:
            raise self._refuse("the selector is empty", "labelSelectors: {app: …}", "", "selector")
        chosen = set(self._names)
        chosen &= self._by_labels(selector.get("labelSelectors", {}))
        chosen &= self._by_expressions(selector.get("expressionSelectors", ()))
        chosen &= self._by_pods(selector.get("pods"), selector.get("fieldSelectors", {}))
        chosen &= self._by_zone(selector.get("nodeSelectors", {}))
        for key in ("nodes", "annotationSelectors"):
            if selector.get(key):
                self._left_out(key, selector[key], "a scenario has no hosts and no annotations")
        if not chosen:
            known = ", ".join(self._names[:20])
            raise self._refuse("the selector's criteria together select nothing", known, "",
                               "selector")  # fmt: skip
        return [component for component in self._all if component.name in chosen]

    def _by_labels(self, labels: Mapping[str, str]) -> set[str]:
        chosen, unknown = set(self._names), []
        for key, value in labels.items():
            carrying = {c.name for c in self._all if _carries(c, key, value)}
            if carrying or value in self._names:
                chosen &= carrying or {value}
            elif key in NAMING:
                unknown.append((key, value))
            else:
                self._left_out("labelSelectors", f"{key}: {value}", "a scenario has no such label",
                               key)  # fmt: skip
        if unknown and len(chosen) == len(self._names) > 1:
            raise self._nobody(f"{unknown[0][0]}: {unknown[0][1]}", unknown[0][1], unknown[0][0])
        for key, value in unknown:
            self._left_out("labelSelectors", f"{key}: {value}", "it names no component", key)
        if labels and len(chosen) == len(self._names) > 1:
            key, value = next(iter(labels.items()))
            raise self._nobody(f"{key}: {value}", value, key)
        return chosen

    def _nobody(self, text: str, value: str, key: str) -> ManifestError:
        near = nearest(value, self._names)
        what = f"label `{text}` names no component of the scenario"
        return self._refuse(what, ", ".join(self._names[:20]), near, "selector", "labelSelectors",
                            key)  # fmt: skip

    def _by_expressions(self, expressions: Sequence[Mapping[str, Any]]) -> set[str]:
        chosen = set(self._names)
        for each in expressions:
            named = {value for value in each.get("values", ()) if value in self._names}
            if each["operator"] == "In" and named:
                chosen &= named
            elif each["operator"] == "NotIn" and named:
                chosen -= named
            else:
                why = "it names no component"
                self._left_out("expressionSelectors", f"{each['key']} {each['operator']}", why)
        return chosen

    def _by_pods(self, pods: Any, fields: Mapping[str, str]) -> set[str]:
        named = list(_pod_names(pods))
        named += [value for key, value in fields.items() if key == "metadata.name"]
        others = [key for key in fields if key != "metadata.name"]
        if others:
            self._left_out("fieldSelectors", others, "a scenario has no such field")
        if not named:
            return set(self._names)
        chosen = {self._owner(pod) for pod in named}
        why = "replicas of a component are alike: it is selected as a whole, `mode` counts"
        self._left_out("pods", named, why, done=f"selects {', '.join(sorted(chosen))}")
        return chosen

    def _owner(self, pod: str) -> str:
        """The component whose pod this is: the longest name that the pod's begins with."""
        owners = [name for name in self._names if pod == name or pod.startswith(f"{name}-")]
        if not owners:
            near = nearest(pod, self._names)
            known = ", ".join(self._names[:20])
            raise self._refuse(f"pod `{pod}` is of no component", known, near, "selector", "pods")
        return max(owners, key=len)

    def _by_zone(self, labels: Mapping[str, str]) -> set[str]:
        zone = labels.get(ZONE) or labels.get(OLD_ZONE)
        zones = {component.zone for component in self._all if component.zone}
        if zone in zones:
            return {component.name for component in self._all if component.zone == zone}
        if labels:
            self._left_out("nodeSelectors", labels, "no component has such a zone")
        return set(self._names)

    def _left_out(
        self, key: str, value: Any, why: str, *below: str, done: str = "left out of the selection"
    ) -> None:
        path = (*self._below, "selector", key, *below)
        self._ledger.lost(self._of, path, value, why, done)

    def _refuse(self, what: str, expected: str, near: str, *keys: str) -> ManifestError:
        return _wrong(self._of.place, what, expected, near, *self._below, *keys)


def _carries(component: Component, key: str, value: str) -> bool:
    """Whether a component has a label in the scenario."""
    if component.labels.get(key) == value:
        return True
    return key in VERSIONS and bool(value) and component.version == value


def _pod_names(pods: Any) -> Iterable[str]:
    """Names of `pods: {namespace: [name, …]}`; it may have any shape."""
    lists = pods.values() if isinstance(pods, Mapping) else ()
    return (name for each in lists if isinstance(each, list) for name in each
            if isinstance(name, str))  # fmt: skip

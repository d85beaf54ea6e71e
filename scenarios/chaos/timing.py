"""Schedules and workflows as single injections, each with its time.

A schedule's first firing is put where a fault starts by default, so that something happens within
the horizon; the others keep their distance to it. It is taken as deleted a third before the end,
so that a recovery can be seen. A workflow runs its templates as Chaos Mesh does: `Serial` one after
another, `Parallel` at once, each until its deadline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from hms.documents import Problem, nearest
from hms.errors import ManifestError
from hms.scenarios.chaos.context import DEFAULT_S
from hms.scenarios.chaos.cron import distances_s
from hms.scenarios.chaos.experiment import Experiment, Injection, Place
from hms.scenarios.chaos.loss import Ledger
from hms.scenarios.chaos.vocabulary import EMBEDDED, INEXPRESSIBLE

MOST_FIRINGS = 200
MOST_NODES = 1000
MOST_LEVELS = 32
KEYS = {kind: key for key, kind in EMBEDDED.items()}


def injections(
    experiments: Sequence[Experiment], start_s: float, stop_s: float, ledger: Ledger
) -> list[Injection]:
    """All injections, in the order of time.

    Args:
        start_s: when each object is created.
        stop_s: when schedules are taken as deleted.

    Raises:
        ManifestError: a schedule or a workflow makes no sense.
    """
    found: list[Injection] = []
    for each in experiments:
        if each.paused:
            why = "the annotation says that it is paused"
            ledger.lost(each, (), "experiment", why, "nothing is injected")
            continue
        clock = _Clock(each, start_s, stop_s, ledger)
        found += clock.run()
    return sorted(found, key=lambda injection: injection.start_s)


@dataclass(slots=True)
class _Clock:
    """Expands one object; nodes are counted, since templates may name each other."""

    experiment: Experiment
    start_s: float
    stop_s: float
    ledger: Ledger
    nodes: int = 0
    found: list[Injection] = field(default_factory=list)

    def run(self) -> list[Injection]:
        """The object's injections."""
        each = self.experiment
        if each.kind == "Schedule":
            self._schedule(each.spec, each.place, each.name, self.start_s, self.stop_s)
        elif each.kind == "Workflow":
            self._workflow(each.spec, each.place, each.name, self.start_s)
        else:
            self._inject(each.kind, each.name, each.spec, each.place, self.start_s, math.inf)
        return self.found

    def _inject(
        self, kind: str, name: str, spec: Mapping[str, Any], place: Place, start_s: float,
        end_s: float, number: int = 0,
    ) -> float:
        """One injection; when it ends: a kill at once, what nothing ends after `DEFAULT_S`."""
        duration_s = spec.get("duration")
        if math.isfinite(end_s) and (duration_s is None or start_s + duration_s > end_s):
            duration_s = end_s - start_s
        self.found.append(Injection(kind, name, spec, place, start_s, duration_s, number))
        if kind == "PodChaos" and spec["action"] != "pod-failure":
            return start_s
        return start_s + (DEFAULT_S if duration_s is None else duration_s)

    def _schedule(
        self, spec: Mapping[str, Any], place: Place, name: str, start_s: float, stop_s: float
    ) -> float:
        kind, expression = spec["type"], spec["schedule"]
        times = distances_s(expression, max(0.0, stop_s - start_s), MOST_FIRINGS)
        if times is None:
            what = f"`{expression}` is no cron expression that ever fires"
            self._refuse(what, "five fields, six with seconds, or `@every 30s`", place, "schedule")
        key = "workflow" if kind == "Workflow" else KEYS[kind]
        if key not in spec:
            self._refuse(f"the schedule of a {kind} has no `{key}`", f"`{key}`", place)
        self._say_schedule(spec, place, start_s, len(times))
        busy_until_s = -math.inf
        for number, distance in enumerate(times):
            at_s = start_s + distance
            if at_s < busy_until_s and spec.get("concurrencyPolicy") != "Allow":
                continue
            below = place.below(key)
            if kind == "Workflow":
                busy_until_s = self._workflow(spec[key], below, name, at_s)
            else:
                end_s = stop_s if spec.get("concurrencyPolicy") == "Allow" else math.inf
                inner = {} if kind in INEXPRESSIBLE else spec[key]
                busy_until_s = self._inject(kind, name, inner, below, at_s, end_s, number)
        return stop_s

    def _say_schedule(
        self, spec: Mapping[str, Any], place: Place, start_s: float, count: int
    ) -> None:
        times = "once" if count == 1 else f"{count} times"
        told = f"fires first at {start_s:g} s, then by its distances, {times}"
        if count == MOST_FIRINGS:
            told += f" ({MOST_FIRINGS} at most)"
        why = "a simulation has no calendar and no operator who deletes it"
        self.ledger.lost(self.experiment, ("schedule",), spec["schedule"], why, told, place)

    def _workflow(
        self, spec: Mapping[str, Any], place: Place, name: str, start_s: float
    ) -> float:
        templates = {each["name"]: (i, each) for i, each in enumerate(spec.get("templates", ()))}
        return self._node(spec["entry"], templates, place, name, (start_s, math.inf), 0)

    def _node(
        self, called: str, templates: Mapping[str, tuple[int, Mapping[str, Any]]], place: Place,
        name: str, within: tuple[float, float], level: int,
    ) -> float:
        """Runs one template within (start, end); when it ends."""
        start_s, limit_s = within
        if called not in templates:
            near = nearest(called, templates)
            self._refuse(f"no template `{called}`", ", ".join(templates), place, near=near)
        self.nodes += 1
        if level > MOST_LEVELS or self.nodes > MOST_NODES:
            what = f"template `{called}` is nested more than {MOST_LEVELS} times"
            what = what if level > MOST_LEVELS else f"more than {MOST_NODES} steps"
            self._refuse(what, "templates that do not contain themselves", place)
        index, template = templates[called]
        at = place.below("templates", index)
        deadline_s = template.get("deadline")
        end_s = min(limit_s, start_s + deadline_s) if deadline_s is not None else limit_s
        kind = template["templateType"]
        if kind in ("Serial", "Parallel"):
            return self._children(template, templates, place, name, (start_s, end_s), level)
        if kind == "Suspend":
            return start_s if math.isinf(end_s) else end_s
        label = f"{name}/{called}"
        if kind == "Schedule":
            inner = template.get("schedule")
            if inner is None:
                self._refuse(f"template `{called}` has no `schedule`", "`schedule`", at)
            stop_s = end_s if math.isfinite(end_s) else max(start_s, self.stop_s)
            return self._schedule(inner, at.below("schedule"), label, start_s, stop_s)
        if kind in ("Task", "StatusCheck"):
            why = "it runs a container or asks a URL, which a simulation has not"
            self.ledger.lost(self.experiment, ("templateType",), kind, why, "takes no time", at)
            return start_s
        return self._chaos(kind, template, at, label, (start_s, end_s))

    def _chaos(
        self, kind: str, template: Mapping[str, Any], at: Place, label: str,
        within: tuple[float, float],
    ) -> float:
        key = KEYS[kind]
        if key not in template:
            self._refuse(f"template `{template['name']}` has no `{key}`", f"`{key}`", at)
        spec = {} if kind in INEXPRESSIBLE else template[key]
        ended_s = self._inject(kind, label, spec, at.below(key), *within)
        return within[1] if math.isfinite(within[1]) else ended_s

    def _children(
        self, template: Mapping[str, Any], templates: Mapping[str, Any], place: Place, name: str,
        within: tuple[float, float], level: int,
    ) -> float:
        start_s, end_s = within
        ends = [start_s]
        for child in template.get("children", ()):
            begins_s = ends[-1] if template["templateType"] == "Serial" else start_s
            if begins_s < end_s:
                ends.append(
                    self._node(child, templates, place, name, (begins_s, end_s), level + 1)
                )
        return min(end_s, max(ends))

    def _refuse(
        self, what: str, expected: str, place: Place, *keys: str, near: str = ""
    ) -> NoReturn:
        problem = Problem(place.path, what, expected, near, place.line(*keys))
        raise ManifestError([problem], place.document.file)


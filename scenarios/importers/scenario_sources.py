"""Names the sources of an imported scenario, so that every value can say where it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hms.scenarios.importers.findings import RULES, USUALLY, Fact, Findings, Place

RANGES = "ranges"
"""The source of guesses: `ranges.yaml`."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the user says about the files: the scenario's name, and their version."""

    name: str
    repository: str = ""
    commit: str = ""


def _places(findings: Findings) -> Iterator[Place]:
    """Where everything that was found stands, components first."""
    for component in findings.components.values():
        yield component.place
    for edge in findings.edges.values():
        yield edge.place
    for component in findings.components.values():
        for fact in (*component.facts.values(), *component.probes.values()):
            yield fact.place
    for edge in findings.edges.values():
        for fact in edge.facts.values():
            yield fact.place
    for settings in findings.settings:
        yield settings.place


class Sources:
    """Names the sources of a scenario: `k8s` where one file says it all, else `k8s-<file>`."""

    def __init__(self, findings: Findings, labels: Labels) -> None:
        files: dict[str, list[str]] = {}
        for place in _places(findings):
            known = files.setdefault(place.rule, [])
            if place.file not in known:
                known.append(place.file)
        self._names: dict[tuple[str, str], str] = {}
        self.entries: dict[str, dict[str, str]] = {}
        for rule, names in files.items():
            for file in names:
                self._add(rule, file, len(names) == 1, labels)
        self.entries[RANGES] = {"file": "ranges.yaml", "sure": "guessed"}

    def _add(self, rule: str, file: str, alone: bool, labels: Labels) -> None:
        slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", PurePosixPath(file).stem)[:48]
        name = rule if alone else f"{rule}-{slug}"
        number = 2
        while name in self.entries:
            name, number = f"{rule}-{slug}-{number}", number + 1
        self._names[rule, file] = name
        entry = {
            "file": file,
            "rule": RULES[rule],
            "repository": labels.repository,
            "commit": labels.commit,
            "sure": USUALLY[rule],
        }
        self.entries[name] = {key: value for key, value in entry.items() if value}

    def origin(self, place: Place) -> dict[str, str]:
        """`from`, and `sure` where it is not as usual for the source."""
        name = self._names[place.rule, place.file]
        entry = {"from": f"{name}:{place.line}" if place.line else name}
        return entry | ({"sure": place.sure} if place.sure else {})

    def node(self, fact: Fact) -> dict[str, Any]:
        """A value with its origin."""
        return {"is": fact.value} | self.origin(fact.place)

"""Expectations asked for in a command: `recovers_within_s=60`, `opens_after:web->db:within_s=5`.

Each becomes an entry of the scenario's `expect`, and is read, checked and refused as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hms.documents import Problem
from hms.errors import ScenarioError
from hms.scenarios.file_keys import OPENS_AFTER
from hms.scenarios.load_expect import read_expect
from hms.scenarios.model import Scenario
from hms.scenarios.read_fields import Fields

OPTION = "--expect"
FORM = f"KEY=VALUE, or {OPENS_AFTER}:CALLER->CALLEE:within_s=VALUE"


def expectations(scenario: Scenario, asked: Sequence[str]) -> dict[str, Any]:
    """The scenario's own, with those of the options added or in their place.

    Raises:
        ScenarioError: an option has another form, or says what `expect` may not hold.
    """
    found = dict(scenario.expect)
    edges = {edge.name: edge for edge in scenario.edges}
    for text in asked:
        problems: list[Problem] = []
        read = read_expect(_entry(text), edges, Fields({}, problems))
        if problems:
            raise ScenarioError(problems, f"{OPTION} {text}")
        if OPENS_AFTER in read:
            before = found.get(OPENS_AFTER, {})
            both = {
                name: {**before.get(name, {}), **how} for name, how in read[OPENS_AFTER].items()
            }
            read[OPENS_AFTER] = {**before, **both}
        found |= read
    return found


def _entry(text: str) -> dict[str, Any]:
    """What the section `expect` would hold."""
    key, is_given, value = (part.strip() for part in text.partition("="))
    parts = [part.strip() for part in key.split(":")]
    if not is_given or not value or not all(parts) or len(parts) not in (1, 3):
        raise ScenarioError(
            [Problem((), "not the form of an expectation", FORM)], f"{OPTION} {text}"
        )
    if len(parts) == 1:
        return {key: _value(value)}
    return {parts[0]: {parts[1]: {parts[2]: _value(value)}}}


def _value(text: str) -> int | float | str:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text

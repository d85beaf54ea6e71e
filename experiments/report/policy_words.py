"""A champion in words: where it differs from the defaults, and its ladders step by step.

The words are those of `hms policy diff`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.kinds import ISSUE_NAMES
from hms.agents.policy.policy_values import ROWS
from hms.experiments.cli.policy_words import difference, one_step, override, spoken


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter that is not at its default, with units, and what that means."""

    path: str
    default: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is done about one issue, step by step."""

    issue: str
    steps: tuple[str, ...]


def changes(policy: HealingPolicy) -> list[Change]:
    """The parameters that differ from the defaults, in the order of the table."""
    return [
        Change(
            path,
            spoken(path, row.default),
            spoken(path, found),
            difference(path, row.default, found),
        )
        for path, row in ROWS.items()
        if (found := policy.value(path)) != row.default
    ]


def ladders(policy: HealingPolicy) -> list[Ladder]:
    """Every issue in the order of its code; those without a step are left alone."""
    found = []
    for issue in ISSUE_NAMES[1:]:
        steps = [step for step in policy.recovery.get(issue, ()) if step.act != "none"]
        if steps:
            found.append(Ladder(issue, tuple(one_step(step) for step in steps)))
    return found


def override_texts(policy: HealingPolicy) -> Iterator[str]:
    """`where criticality is high: timeout.call_s 1.4 s`."""
    return (override(each) for each in policy.overrides)


def summary(policy: HealingPolicy) -> list[str]:
    """A few sentences for the top of a page."""
    acted_on = [ladder.issue for ladder in ladders(policy)]
    alone = [issue for issue in ISSUE_NAMES[1:] if issue not in acted_on]
    lines = [
        f"{len(changes(policy))} of {len(ROWS)} parameters differ from the defaults;"
        f" it acts on {len(acted_on)} of {len(ISSUE_NAMES) - 1} kinds of issue."
    ]
    if alone:
        lines.append(f"It leaves alone: {', '.join(alone)}.")
    return lines

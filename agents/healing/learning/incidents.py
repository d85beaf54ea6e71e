"""Incidents: an illness from its first sign to its end, kept to learn from (3.4.4, 6.3)."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hms.agents.healing.interface import HealthMetrics, Issue
from hms.agents.healing.recovery.attempts import Attempt

ACTS_MAX = 32  # of one incident


@dataclass(frozen=True, slots=True)
class IncidentAct:
    """What was tried in an incident, seconds after it began, and what became of it."""

    after_s: float
    by: str
    action: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One illness.

    Attributes:
        number: counts an instance's incidents, from 1.
        issue: the kind it began with.
        symptoms: every kind that was seen while it lasted.
        severity: the worst.
        began_s: on the instance's clock; `ended_s` likewise, None while it lasts.
        evidence: the numbers that it began with.
        cut_off: dependencies whose breaker was open in it.
        worst: of each metric, the worst value seen.
        acts: what was tried.
    """

    number: int
    issue: str
    began_s: float
    symptoms: tuple[str, ...] = ()
    severity: int = 1
    ended_s: float | None = None
    evidence: str = ""
    cut_off: tuple[str, ...] = ()
    worst: Mapping[str, float] = field(default_factory=dict)
    acts: tuple[IncidentAct, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.ended_s is not None

    def to_json(self) -> dict[str, Any]:
        """As JSON data, for the store and the optimiser."""
        return dataclasses.asdict(self)


def incident_from_json(data: Mapping[str, Any]) -> Incident:
    """Read an incident back from its JSON data.

    Raises:
        TypeError: a field too many, or one is missing.
    """
    told = dict(data)
    told["acts"] = tuple(IncidentAct(**each) for each in told.get("acts", ()))
    for name in ("symptoms", "cut_off"):
        told[name] = tuple(told.get(name, ()))
    return Incident(**told)


@dataclass(slots=True)
class IncidentBook:
    """The latest incidents of one instance.

    Args:
        most: how many are kept.
        tell: called with each incident when it begins and when it has ended.
    """

    most: int
    tell: Callable[[Incident], None] | None = None
    _kept: deque[Incident] = field(init=False)
    _open: Incident | None = None
    _number: int = 0

    def __post_init__(self) -> None:
        """Keep so many."""
        self._kept = deque(maxlen=self.most)

    @property
    def current(self) -> Incident | None:
        """The one that lasts, if any."""
        return self._open

    def finished(self, since: int = 0) -> Sequence[Incident]:
        """Those that are over, oldest first, with a number above `since`."""
        return tuple(each for each in self._kept if each.number > since)

    def look(self, issue: Issue | None, metrics: HealthMetrics, now_s: float) -> Incident | None:
        """Note what is wrong now; the incident that has just ended, if one has."""
        if issue is None:
            return self._close(now_s)
        if self._open is None:
            self._number += 1
            self._open = Incident(self._number, issue.kind, now_s, evidence=issue.evidence)
            self._say(self._open)
        held = self._open
        cut_off = tuple(
            name for name, phase in issue.dependency_states.items() if phase != "closed"
        )
        self._open = dataclasses.replace(
            held,
            symptoms=joined(held.symptoms, (issue.kind,)),
            severity=max(held.severity, issue.severity),
            cut_off=joined(held.cut_off, cut_off),
            worst=worst_of(held.worst, metrics),
        )
        return None

    def note(self, attempt: Attempt) -> None:
        """An attempt was made, or its verdict is known: often only after the illness is gone."""
        held = self._open
        if held is None:
            newest = self._kept[-1] if self._kept else None
            if newest is not None and any(is_of(each, attempt, newest) for each in newest.acts):
                self._kept[-1] = with_act(newest, attempt)
                self._say(self._kept[-1])
            return
        self._open = with_act(held, attempt)

    def restore(self, incidents: Sequence[Incident]) -> None:
        """Take over what an earlier run had kept; one that never ended is left out."""
        for each in incidents:
            self._number = max(self._number, each.number)
            if each.is_over:
                self._kept.append(each)

    def _close(self, now_s: float) -> Incident | None:
        held, self._open = self._open, None
        if held is None:
            return None
        over = dataclasses.replace(held, ended_s=now_s)
        self._kept.append(over)
        self._say(over)
        return over

    def _say(self, incident: Incident) -> None:
        if self.tell is not None:
            self.tell(incident)


def is_of(act: IncidentAct, attempt: Attempt, incident: Incident) -> bool:
    """Whether it is the same act, then and now."""
    return act.by == attempt.by and act.after_s == attempt.at_s - incident.began_s


def with_act(incident: Incident, attempt: Attempt) -> Incident:
    """The incident with this attempt as it stands now."""
    action = attempt.action.kind if attempt.action is not None else ""
    act = IncidentAct(attempt.at_s - incident.began_s, attempt.by, action, attempt.verdict)
    others = tuple(each for each in incident.acts if not is_of(each, attempt, incident))
    return dataclasses.replace(incident, acts=(*others, act)[-ACTS_MAX:])


def joined(held: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Both without repetition, in the order they were seen."""
    return tuple(dict.fromkeys((*held, *more)))


def worst_of(held: Mapping[str, float], metrics: HealthMetrics) -> dict[str, float]:
    """The largest value of each metric; of the throughput the least, too."""
    now = {
        "error_rate_percent": metrics.error_rate_percent,
        "response_time_ms": metrics.response_time_ms,
        "memory_usage_mb": metrics.memory_usage_mb,
        "throughput_rps": metrics.throughput_rps,
    }
    found = {name: max(held.get(name, value), value) for name, value in now.items()}
    least = "least_throughput_rps"
    found[least] = min(held.get(least, metrics.throughput_rps), metrics.throughput_rps)
    return found

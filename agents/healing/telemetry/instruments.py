"""The instruments: what is measured, in base units, under which name, with which labels.

Both targets read this table, so that they cannot differ. Names of dependencies come from
outside and may be without end: the first `names_most` have series of their own, for good, all
others share the label `other`. Counters never fall, also when a breaker is let go and another
of its name begins at zero.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hms.agents.healing.actions import ACTION_KINDS
from hms.agents.healing.health.collector import BYTES_PER_MB
from hms.agents.policy.health import STATE_NAMES
from hms.agents.policy.kinds import PHASE_NAMES

NAMES_MOST = 1000
LABEL_MOST = 100
OTHER = "other"
OUTCOMES = ("ok", "failed", "ignored", "cancelled", "late", "refused")

Sample = tuple[Mapping[str, str], float]


class Observed(Protocol):
    """What is read of an instance; every implementation has it."""

    @property
    def config(self) -> Any:
        """Its static configuration, for its component_id."""
        ...

    @property
    def instance_id(self) -> str:
        """Tells replicas of one component apart."""
        ...

    @property
    def lock(self) -> Any:
        """Held while the condition is read."""
        ...

    @property
    def clock(self) -> Any:
        """The clock that silence is judged by."""
        ...

    @property
    def condition(self) -> Any:
        """Its status(now_s), and its health."""
        ...

    @property
    def dependencies(self) -> Any:
        """Its guards() by dependency."""
        ...

    @property
    def action_counts(self) -> Mapping[str, int]:
        """Actions taken by kind."""
        ...

    @property
    def broken_invariants(self) -> Mapping[str, int]:
        """Rules that do not hold, how often each."""
        ...

    @property
    def escalations(self) -> int:
        """Illnesses handed to the supervisor."""
        ...


class View:
    """One instance as telemetry sees it: labels that are safe and few, counters that only rise.

    Args:
        instance: what is observed.
        names_most: dependencies, and custom metrics, with series of their own.
    """

    def __init__(self, instance: Observed, names_most: int = NAMES_MOST) -> None:
        self.instance = instance
        self._names_most = names_most
        self._named: dict[str, dict[str, None]] = {}
        self._before: dict[tuple[str, str], tuple[float, ...]] = {}
        self._totals: dict[tuple[str, str], list[float]] = {}
        self._lock = threading.RLock()

    @property
    def own(self) -> dict[str, str]:
        """Labels of every series; the instance has its id from the store, so not from the start."""
        return {
            "component": label(self.instance.config.component_id),
            "instance": label(self.instance.instance_id),
        }

    def name(self, of: str, text: str) -> str:
        """The label of a name that comes from outside: its own while there is room."""
        safe = label(text)
        with self._lock:
            named = self._named.setdefault(of, {})
            if safe not in named:
                if len(named) >= self._names_most:
                    return OTHER
                named[safe] = None
            return safe

    def totals(
        self, of: str, counts: Mapping[str, tuple[float, ...]]
    ) -> dict[str, list[float]]:
        """Counters by label, added up; what a name lost by starting anew is kept."""
        with self._lock:
            for text, now in counts.items():
                before = self._before.get((of, text), (0.0,) * len(now))
                if any(old > new for old, new in zip(before, now, strict=True)):
                    before = (0.0,) * len(now)
                total = self._totals.setdefault((of, self.name(of, text)), [0.0] * len(now))
                for k, (old, new) in enumerate(zip(before, now, strict=True)):
                    total[k] += new - old
                self._before[of, text] = now
            if len(self._before) > 8 * (len(counts) + self._names_most):
                self._before = {
                    key: held for key, held in self._before.items()
                    if key[0] != of or key[1] in counts
                }
            return {key[1]: list(total) for key, total in self._totals.items() if key[0] == of}

    def breakers(self) -> dict[str, Any]:
        """The metrics of each breaker, by dependency."""
        guards = self.instance.dependencies.guards()
        return {name: guard.breaker.metrics() for name, guard in guards.items()}


@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that is measured.

    Attributes:
        name: dotted, as OpenTelemetry writes it; Prometheus joins it with underscores.
        unit: UCUM, as OpenTelemetry writes it.
        suffix: the unit in a Prometheus name; empty for what has none.
        says: what it is, one line.
        rises: whether it is a counter.
        labels: of each sample, beside component and instance.
        read: the samples of one instance now.
    """

    name: str
    unit: str
    suffix: str
    says: str
    rises: bool
    labels: tuple[str, ...]
    read: Callable[[View], Iterator[Sample]]


def label(text: object) -> str:
    """A label value that every target takes: printable, valid UTF-8, not long."""
    shown = str(text)[: LABEL_MOST + 1]
    safe = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
    if len(safe) > LABEL_MOST:
        safe = safe[: LABEL_MOST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return safe.encode("utf-8", "replace").decode()


def status(view: View) -> Iterator[Sample]:
    """One series a state: 1 for the present one."""
    instance = view.instance
    with instance.lock:
        severity = instance.condition.status(instance.clock.now_s()).severity
    for k, state in enumerate(STATE_NAMES):
        yield {"state": state}, float(k == severity)


def reading(attribute: str, times: float, per: float) -> Callable[[View], Iterator[Sample]]:
    """The latest report's value, so many times a base unit."""

    def read(view: View) -> Iterator[Sample]:
        yield {}, getattr(view.instance.condition.health.latest, attribute) * times / per

    return read


def custom(view: View) -> Iterator[Sample]:
    """The component's own metrics; those beyond the limit are left out, a sum says nothing."""
    for name, value in view.instance.condition.health.latest.custom.items():
        shown = view.name("custom", name)
        if shown != OTHER:
            yield {"metric": shown}, float(value)


def reports(view: View) -> Iterator[Sample]:
    """Reports taken."""
    yield {}, float(view.instance.condition.health.accepted)


def refused(view: View) -> Iterator[Sample]:
    """Reports refused, by reason."""
    for reason, count in view.instance.condition.health.refused.items():
        yield {"reason": reason}, float(count)


def actions(view: View) -> Iterator[Sample]:
    """Actions by kind, all seven from the start."""
    counts = view.instance.action_counts
    for kind in ACTION_KINDS:
        yield {"action": kind}, float(counts.get(kind, 0))


def escalations(view: View) -> Iterator[Sample]:
    """Illnesses handed on."""
    yield {}, float(view.instance.escalations)


def invariants(view: View) -> Iterator[Sample]:
    """Rules found broken; none is the normal case, and then there is no series."""
    for rule, count in view.instance.broken_invariants.items():
        yield {"rule": rule}, float(count)


def phases(view: View) -> Iterator[Sample]:
    """One series a dependency and phase: how many breakers are in it, 1 or 0 but for `other`."""
    found: dict[str, dict[str, int]] = {}
    for name, metrics in view.breakers().items():
        each = found.setdefault(view.name("breaker", name), dict.fromkeys(PHASE_NAMES, 0))
        each[metrics.phase] += 1
    for dependency, each in found.items():
        for phase, count in each.items():
            yield {"dependency": dependency, "state": phase}, float(count)


def calls(view: View) -> Iterator[Sample]:
    """Guarded calls by outcome."""
    counts = {
        name: tuple(float(getattr(metrics, outcome)) for outcome in OUTCOMES)
        for name, metrics in view.breakers().items()
    }
    for dependency, totals in view.totals("breaker", counts).items():
        for outcome, total in zip(OUTCOMES, totals, strict=True):
            yield {"dependency": dependency, "outcome": outcome}, total


def opened(view: View) -> Iterator[Sample]:
    """How often breakers opened."""
    counts = {name: (float(metrics.opened),) for name, metrics in view.breakers().items()}
    for dependency, (total,) in view.totals("opened", counts).items():
        yield {"dependency": dependency}, total


def in_flight(view: View) -> Iterator[Sample]:
    """Calls under way."""
    found: dict[str, float] = {}
    for name, metrics in view.breakers().items():
        shown = view.name("breaker", name)
        found[shown] = found.get(shown, 0.0) + float(metrics.in_flight)
    for dependency, count in found.items():
        yield {"dependency": dependency}, count


INSTRUMENTS = (
    Instrument("hms.health.status", "1", "", "1 for the component's state, 0 for the others",
               False, ("state",), status),
    Instrument("hms.cpu.usage", "1", "ratio", "processor use, 1 is one core", False, (),
               reading("cpu_usage_percent", 1.0, 100.0)),
    Instrument("hms.memory.usage", "By", "bytes", "resident memory", False, (),
               reading("memory_usage_mb", BYTES_PER_MB, 1.0)),
    Instrument("hms.response.time", "s", "seconds", "mean response time", False, (),
               reading("response_time_ms", 1.0, 1000.0)),
    Instrument("hms.error", "1", "ratio", "share of requests answered wrong", False, (),
               reading("error_rate_percent", 1.0, 100.0)),
    Instrument("hms.throughput", "{request}/s", "requests_per_second", "requests answered",
               False, (), reading("throughput_rps", 1.0, 1.0)),
    Instrument("hms.custom.metric", "1", "", "the component's own metrics", False, ("metric",),
               custom),
    Instrument("hms.reports", "{report}", "", "reports taken", True, (), reports),
    Instrument("hms.reports.refused", "{report}", "", "reports that could not be believed", True,
               ("reason",), refused),
    Instrument("hms.healing.actions", "{action}", "", "answers of heal() by kind", True,
               ("action",), actions),
    Instrument("hms.escalations", "{escalation}", "", "illnesses handed to the supervisor", True,
               (), escalations),
    Instrument("hms.invariants.broken", "{look}", "", "looks that found a rule broken that always"
               " holds: healing only observes then", True, ("rule",), invariants),
    Instrument("hms.breaker.state", "1", "", "1 for the breaker's state, 0 for the others", False,
               ("dependency", "state"), phases),
    Instrument("hms.breaker.calls", "{call}", "", "guarded calls by outcome", True,
               ("dependency", "outcome"), calls),
    Instrument("hms.breaker.opened", "{opening}", "", "how often the breaker opened", True,
               ("dependency",), opened),
    Instrument("hms.breaker.calls.in_flight", "{call}", "", "guarded calls under way", False,
               ("dependency",), in_flight),
)  # fmt: skip

"""What a published result is: where it is from, what it says, and how it is judged.

A row reads one thing off runs of one engine and compares it with what its source says. `fluid`
computes means, so one run is enough (its only chance, a breaker's sampling, is in no row); of
`request`, many seeds are run, and what is claimed is claimed within their interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hms.experiments.fidelity.laboratory import Laboratory
    from hms.scenarios.outcome import Outcome

FLUID, REQUEST = "fluid", "request"
SEEDS = 20
STANDARD_ERRORS = 3.0
Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Judged:
    """One row on one engine.

    Attributes:
        error: distance from what was expected, as a share of it; None where that says nothing.
        interval: in words, "" for one run.
        reproduced: within what the row allows.
    """

    engine: str
    expected: str
    got: str
    error: float | None
    interval: str
    reproduced: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A number, expected within a share of itself.

    Attributes:
        measure: reads it off one run.
        tolerance: share of `expected` allowed for `fluid`; `request` must have it within three
            standard errors over its seeds, or within `slack` of it where a closed form leaves
            the start of a run out of account.
        unit: printed behind the number.
    """

    group: str
    name: str
    file: str
    measure: Callable[[Outcome], float]
    expected: float
    tolerance: float
    unit: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    engines: tuple[str, ...] = (FLUID, REQUEST)
    seeds: int = SEEDS
    slack: float = 0.0
    note: str = ""
    known: bool = False

    def judge(self, laboratory: Laboratory, engine: str) -> Judged:
        """Mean over the seeds, with its 95 % interval."""
        seeds = 1 if engine == FLUID else self.seeds
        values = [self.measure(o) for o in laboratory.runs(engine, self.file, self.changes, seeds)]
        got, spread = mean(values), _standard_error(values)
        off = abs(got - self.expected)
        allowed = self.tolerance * abs(self.expected)
        if engine != FLUID:
            allowed = max(STANDARD_ERRORS * spread, self.slack * abs(self.expected))
        interval = f"± {_number(Z_95 * spread)}" if len(values) > 1 else ""
        return Judged(
            engine, f"{_number(self.expected)}{self.unit}", f"{_number(got)}{self.unit}",
            off / abs(self.expected) if self.expected else off, interval, off <= allowed,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it ends: recovered, degraded or collapsed; by majority of the seeds."""

    group: str
    name: str
    file: str
    expected: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    engines: tuple[str, ...] = (FLUID, REQUEST)
    seeds: int = SEEDS
    note: str = ""
    known: bool = False

    def judge(self, laboratory: Laboratory, engine: str) -> Judged:
        """The commonest verdict, and of how many seeds it was the expected one."""
        seeds = 1 if engine == FLUID else self.seeds
        found = [o.verdict for o in laboratory.runs(engine, self.file, self.changes, seeds)]
        commonest = max(sorted(set(found)), key=found.count)
        share = found.count(self.expected) / len(found)
        low, high = wilson(found.count(self.expected), len(found))
        interval = f"{share:.0%} of {len(found)} [{low:.0%}, {high:.0%}]" if seeds > 1 else ""
        return Judged(engine, self.expected, commonest, None, interval, share > 0.5)


@dataclass(frozen=True, slots=True)
class AtMost:
    """A number that stays at or below another one, on average of the seeds."""

    group: str
    name: str
    file: str
    measure: Callable[[Outcome], float]
    limit: float
    unit: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    engines: tuple[str, ...] = (FLUID, REQUEST)
    seeds: int = SEEDS
    note: str = ""
    known: bool = False

    def judge(self, laboratory: Laboratory, engine: str) -> Judged:
        """Mean over the seeds, with its 95 % interval."""
        seeds = 1 if engine == FLUID else self.seeds
        values = [self.measure(o) for o in laboratory.runs(engine, self.file, self.changes, seeds)]
        got = mean(values)
        interval = f"± {_number(Z_95 * _standard_error(values))}" if len(values) > 1 else ""
        told = f"at most {_number(self.limit)}{self.unit}"
        return Judged(
            engine, told, f"{_number(got)}{self.unit}", None, interval, got <= self.limit
        )


@dataclass(frozen=True, slots=True)
class Threshold:
    """The rate from which on it collapses, found by bisection.

    Attributes:
        place: which value of the file is moved.
        low, high: it recovers at the one and collapses at the other, or the row says so.
        step: the bisection ends when the bracket is no wider.
        expected: inside [expected_low, expected_high] it is reproduced.
    """

    group: str
    name: str
    file: str
    place: str
    low: float
    high: float
    step: float
    expected_low: float
    expected_high: float
    unit: str = "/s"
    changes: Mapping[str, Any] = field(default_factory=dict)
    engines: tuple[str, ...] = (FLUID, REQUEST)
    seeds: int = SEEDS
    note: str = ""
    known: bool = False

    def judge(self, laboratory: Laboratory, engine: str) -> Judged:
        """Bisect on the share of collapses; half of them is the threshold."""
        told = f"{self.expected_low:g} to {self.expected_high:g}{self.unit}"
        low, high = self.low, self.high
        if self._collapses(laboratory, engine, low):
            return Judged(engine, told, f"below {low:g}{self.unit}", None, "", False)
        if not self._collapses(laboratory, engine, high):
            return Judged(engine, told, f"above {high:g}{self.unit}", None, "", False)
        while high - low > self.step:
            middle = (low + high) / 2.0
            if self._collapses(laboratory, engine, middle):
                high = middle
            else:
                low = middle
        inside = low < self.expected_high and high > self.expected_low
        got = f"between {low:g} and {high:g}{self.unit}"
        middle, wanted = (low + high) / 2.0, (self.expected_low + self.expected_high) / 2.0
        seeds = "" if engine == FLUID else f"half of {self.seeds} seeds"
        return Judged(engine, told, got, abs(middle - wanted) / wanted, seeds, inside)

    def _collapses(self, laboratory: Laboratory, engine: str, value: float) -> bool:
        seeds = 1 if engine == FLUID else self.seeds
        changes = {**self.changes, self.place: value}
        runs = laboratory.runs(engine, self.file, changes, seeds)
        return sum(o.verdict == "collapsed" for o in runs) * 2 > len(runs)


Row = Value | Verdict | AtMost | Threshold
"""A published result. Of each: `file` is a scenario of the library; `note` what a reader should
know, one sentence; `known` that it is not reproduced is known, and the note says why."""


def wilson(hits: int, of: int, z: float = Z_95) -> tuple[float, float]:
    """The interval of a share (Wilson 1927)."""
    share, n = hits / of, of
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _standard_error(values: Sequence[float]) -> float:
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0


def _number(value: float) -> str:
    return f"{value:.4g}"

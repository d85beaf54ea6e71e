"""Runs of a sensitivity study: the same faults and random numbers, one guess moved at a time.

Two rounds: all quantities from a few random points, then the ones that showed most from more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.randomness import generator
from hms.experiments.sensitivity.effects import Effect, Floats, Moves, effects, order
from hms.experiments.sensitivity.unknowns import Unknown, unknowns, with_values
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import engine
from hms.scenarios.model import Fault, Scenario
from hms.scenarios.outcome import verdict_of
from hms.scenarios.policy_tables import PolicyTables, tables

SCREENED, KEPT = 4, 16
"""Random points of the first round, and how many quantities the second one looks at again."""

MOST_QUANTITIES = 2000
VERDICTS = ("recovered", "degraded", "collapsed")


@dataclass(frozen=True, slots=True)
class Case:
    """Faults that strike together, and what they are called."""

    label: str
    faults: tuple[Fault, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of whom.

    Attributes:
        policies: one: do its verdicts change; two: does the first stay better than the second.
    """

    scenario: Scenario
    cases: tuple[Case, ...]
    policies: tuple[tuple[str, HealingPolicy], ...]
    seed: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The quantities in the order in which to measure them.

    Attributes:
        runs: simulated incidents.
        settled, answers: the most frequent answer to each case over the random points, and the
            share of points at which it was given.
    """

    question: Question
    ranked: tuple[tuple[Unknown, Effect], ...]
    runs: int
    settled: tuple[float, ...]
    answers: tuple[str, ...]


@dataclass(slots=True)
class _Runner:
    """Runs points of the unit cube; counts its runs."""

    question: Question
    chosen: list[Unknown]
    tick: Callable[[int], None]
    tables: list[PolicyTables] = field(default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        concrete = self.question.scenario.midpoint()
        self.tables = [tables(policy, concrete) for _, policy in self.question.policies]

    def at(self, u: Floats) -> tuple[Floats, Floats]:
        """Outcome in seconds and answer at one point, shape (cases,) each."""
        values = [unknown.at(float(x)) for unknown, x in zip(self.chosen, u, strict=True)]
        scenario = with_values(self.question.scenario, self.chosen, values)
        rows = [self._case(scenario, case) for case in self.question.cases]
        self.tick(self.runs)
        outcome, answer = np.array(rows).T
        if len(self.tables) == 2:  # who is better is asked of all cases together
            answer = np.full(len(rows), float(outcome.sum() < 0.0))
        return outcome, answer

    def _case(self, scenario: Scenario, case: Case) -> tuple[float, float]:
        struck = replace(scenario, faults=case.faults)
        compiled = compile_scenario(struck, case.seed)
        outcomes = [engine.run(compiled, each) for each in self.tables]
        self.runs += len(outcomes)
        if len(outcomes) == 2:
            return outcomes[0].downtime_s - outcomes[1].downtime_s, 0.0
        verdict = verdict_of(outcomes[0].end_availability)
        return outcomes[0].downtime_s, float(VERDICTS.index(verdict))


def study(
    question: Question, points: int, tick: Callable[[int], None] = lambda runs: None
) -> Answer:
    """Move each guess alone and see what changes.

    Args:
        points: random points of the second round; the first has at most `SCREENED`.
        tick: is told the number of runs so far.

    Raises:
        ValueError: the scenario has nothing guessed in it, or more than can be looked at.
    """
    chosen = unknowns(question.scenario)
    if not chosen:
        raise ValueError("nothing in the scenario is guessed")
    if len(chosen) > MOST_QUANTITIES:
        raise ValueError(f"{len(chosen)} guessed quantities, {MOST_QUANTITIES} at most")
    runner = _Runner(question, chosen, tick)
    base, other = _design(len(chosen), points, question.seed)
    at_base = [runner.at(u) for u in base]
    first = min(SCREENED, points)
    moved = [_moves(runner, base, other, at_base, i, range(first)) for i in range(len(chosen))]
    variance = np.array([outcome for outcome, _ in at_base]).var(axis=0)
    found = effects(moved, variance, question.seed)
    if points > first:
        for i in order(found)[:KEPT]:
            if found[i].change_s > 0.0 or found[i].flips > 0.0:
                later = _moves(runner, base, other, at_base, i, range(first, points))
                moved[i] = _joined(moved[i], later)
        found = effects(moved, variance, question.seed)
    answers = np.array([answer for _, answer in at_base])
    ranked = tuple((chosen[i], found[i]) for i in order(found))
    settled, names = _settled(answers, question)
    return Answer(question, ranked, runner.runs, settled, names)


def _design(count: int, points: int, seed: str) -> tuple[Floats, Floats]:
    """Base and second points in the unit cube, one Latin hypercube (McKay and others 1979)."""
    drawn = generator(seed, "sensitivity design")
    columns = [drawn.permutation(points) for _ in range(2 * count)]
    cells = np.array(columns, dtype=np.float64).T
    inside = (cells + drawn.random(cells.shape)) / points
    return inside[:, :count], inside[:, count:]


def _moves(
    runner: _Runner, base: Floats, other: Floats, at_base: Sequence[tuple[Floats, Floats]],
    quantity: int, points: range,
) -> Moves:
    """One quantity moved from each of some points."""
    flipped, change, step = [], [], []
    for j in points:
        moved = base[j].copy()
        moved[quantity] = other[j, quantity]
        outcome, answer = runner.at(moved)
        flipped.append((answer != at_base[j][1]).astype(np.float64))
        change.append(outcome - at_base[j][0])
        step.append(other[j, quantity] - base[j, quantity])
    return Moves(np.array(flipped), np.array(change), np.array(step))


def _joined(one: Moves, other: Moves) -> Moves:
    return Moves(
        np.concatenate([one.flipped, other.flipped]),
        np.concatenate([one.change, other.change]),
        np.concatenate([one.step, other.step]),
    )


def _settled(answers: Floats, question: Question) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The most frequent answer to each case, and its share of the random points."""
    shares, names = [], []
    words = VERDICTS if len(question.policies) == 1 else tuple(
        name for name, _ in reversed(question.policies)
    )  # fmt: skip
    for column in answers.T:
        values, counts = np.unique(column, return_counts=True)
        best = int(np.argmax(counts))
        shares.append(float(counts[best] / counts.sum()))
        names.append(words[int(values[best])])
    return tuple(shares), tuple(names)


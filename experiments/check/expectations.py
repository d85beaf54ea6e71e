"""Expectations under test: a scenario is run for each seed, and what happened is compared.

Quantities that are only known as ranges are at their midpoints, as in `hms simulate`, so that the
command which is told with a failure shows that very run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.kinds import SCOPE_REPLICA
from hms.errors import ScenarioError
from hms.evolution.baselines import TODAY
from hms.experiments.check.engines import runner
from hms.experiments.check.opening import failures_to_open, opened_s
from hms.experiments.check.places import NOWHERE, Place
from hms.experiments.check.quantities import count, seconds
from hms.experiments.check.system import System
from hms.experiments.event_words import Event, read_events
from hms.experiments.single_run import FLUID
from hms.experiments.todays_settings import edge_settings, todays_tables
from hms.scenarios.file_keys import OPENS_AFTER
from hms.scenarios.model import Edge, Scenario
from hms.scenarios.outcome import Outcome
from hms.scenarios.split import IncidentId
from hms.scenarios.where import edge_where

NEVER = "never"
AMPLIFICATION = "retry_amplification_below"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one run showed of one expectation.

    Attributes:
        got: in words.
        where: component, edge, or "" for the system as a whole.
        excess: by how much it is missed, the worst of several runs is the largest; at most 0
            where it is met.
    """

    seed: str
    got: str
    excess: float
    where: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the run kept the promise."""
        return self.excess <= 0.0


@dataclass(frozen=True, slots=True)
class Tested:
    """One expectation over all seeds.

    Attributes:
        name: `recovers_within_s`, or `opens_after web -> db`.
        expected: in words.
        where: the line that expects it; no file where an option does.
    """

    name: str
    expected: str
    observations: tuple[Observation, ...]
    where: Place = NOWHERE

    @property
    def missed(self) -> tuple[Observation, ...]:
        """The runs that broke it."""
        return tuple(each for each in self.observations if not each.is_met)

    @property
    def worst(self) -> Observation:
        """The run that is told."""
        return max(self.observations, key=lambda each: each.excess)


@dataclass(frozen=True)
class Run:
    """One seed's run, as expectations look at it."""

    seed: str
    scenario: Scenario
    outcome: Outcome
    events: tuple[Event, ...]
    start_s: float
    attempts: Any


@dataclass(frozen=True)
class UnderPolicy:
    """A system under a policy.

    Attributes:
        policy: None: today's settings, each edge with its own.
        engine: a name in `engines.ENGINES`.
    """

    system: System
    name: str = TODAY
    policy: HealingPolicy | None = None
    engine: str = FLUID

    def breaker_at(self, edge: Edge) -> Any:
        """The breaker on an edge."""
        if self.policy is None:
            return edge_settings(edge).breaker
        callee = self.system.middle.components[edge.callee]
        return self.policy.for_edge(edge_where(edge, callee)).breaker

    def runs(self, seeds: Sequence[str]) -> Iterator[Run]:
        """A run for each seed."""
        from hms.scenarios.compile import compile_scenario
        from hms.scenarios.policy_tables import tables

        run = runner(self.engine)
        scenario = self.system.middle
        held = todays_tables(scenario) if self.policy is None else tables(self.policy, scenario)
        start_s = min((fault.start_s for fault in scenario.faults), default=0.0)
        for seed in seeds:
            drawn = IncidentId("simulate", "file", 0).seed(seed)  # as `hms simulate --seed`
            compiled = compile_scenario(scenario, drawn)
            outcome = run(compiled, held, True)
            events = tuple(read_events(outcome.events, compiled.names, compiled.edge_names))
            attempts = held.retry["max_attempts"]
            yield Run(seed, scenario, outcome, events, start_s, attempts)


def hold_to(
    subject: UnderPolicy, expectations: Mapping[str, Any], seeds: Sequence[str]
) -> list[Tested]:
    """Every expectation over every seed, in the order of the file.

    Raises:
        ScenarioError: an expectation cannot be told under this policy or in this engine.
    """
    if AMPLIFICATION in expectations and subject.engine != FLUID:
        what = f"`{AMPLIFICATION}` is read off the calls of each second, which are kept of means"
        raise ScenarioError(f"{what}\n    expected: --engine {FLUID}")
    runs = list(subject.runs(seeds))
    tested: list[Tested] = []
    for key, limit in expectations.items():
        if key == OPENS_AFTER:
            for name, how in limit.items():
                tested += _opening(subject, runs, name, how)
            continue
        words, look = _SIMPLE[key]
        seen = tuple(replace(look(run, limit), seed=run.seed) for run in runs)
        where = subject.system.places.written("expect", key)
        tested.append(Tested(key, words(limit), seen, where))
    return tested


def seeds_from(first: str, many: int) -> list[str]:
    """`0`, `1`, … from a number on; `x`, `x-1`, … from any other text."""
    if first.isdecimal():
        return [str(int(first) + k) for k in range(many)]
    return [first] + [f"{first}-{k}" for k in range(1, many)]


def _opening(
    subject: UnderPolicy, runs: Sequence[Run], name: str, how: Mapping[str, Any]
) -> Iterator[Tested]:
    """`opens_after` of one edge: in the run, or as the decision counts calls."""
    edge = next(each for each in subject.system.middle.edges if each.name == name)
    breaker = subject.breaker_at(edge)
    title = f"{OPENS_AFTER} {name}"
    where = subject.system.places.written("expect", OPENS_AFTER)
    if "within_s" in how:
        seen = tuple(_opened(run, edge, breaker.scope, how["within_s"]) for run in runs)
        yield Tested(title, f"within {seconds(how['within_s'])} of the failure", seen, where)
    if "calls" in how:
        if breaker.scope == SCOPE_REPLICA:
            what = f"`{title}`: the breaker there ejects replicas, and counts none of the edge"
            raise ScenarioError(f"{what}\n    expected: within_s in place of calls")
        needs = failures_to_open(breaker, subject.system.rate_rps(edge))
        got = NEVER if needs is None else f"after {needs:,} failed calls in a row"
        excess = float("inf") if needs is None else float(needs - how["calls"])
        first = Observation(runs[0].seed, got, excess, name)
        yield Tested(
            f"{title}, calls", f"within {how['calls']:,} failed calls in a row", (first,), where
        )


def _opened(run: Run, edge: Edge, scope: int, limit_s: float) -> Observation:
    after_s = opened_s(run.events, (edge.caller, edge.callee), scope, run.start_s)
    if after_s is None:
        return Observation(run.seed, NEVER, float("inf"), edge.name)
    return Observation(run.seed, f"after {seconds(after_s)}", after_s - limit_s, edge.name)


def _recovery(run: Run, limit: float) -> Observation:
    out = run.outcome
    if not out.recovered:
        text = f"not back {seconds(out.time_to_recover_s)} later, when the run ended"
        return Observation("", text, float("inf"))
    return Observation("", seconds(out.time_to_recover_s), out.time_to_recover_s - limit)


def _amplification(run: Run, limit: float) -> Observation:
    from hms.experiments.check.amplification import worst_amplification

    assert run.outcome.telemetry is not None
    worst = worst_amplification(run.scenario, run.outcome.telemetry, run.attempts)
    got = f"{worst.factor:.2f} times the calls"
    if worst.factor <= 1.0:
        return Observation("", got, _strictly(worst.factor - limit))
    got += f", from {seconds(worst.start_s)} on"
    return Observation("", got, _strictly(worst.factor - limit), worst.component)


def _strictly(difference: float) -> float:
    """An excess for `below`: the limit itself is not below it."""
    return difference if difference != 0.0 else 1e-12


def _availability(run: Run, limit: float) -> Observation:
    got = run.outcome.availability
    return Observation("", f"{100.0 * got:.3f} %", limit - got)


def _verdict(run: Run, limit: str) -> Observation:
    got = run.outcome.verdict
    return Observation("", got, 0.0 if got == limit else 1.0)


def _below_s(column: str) -> Callable[[Run, float], Observation]:
    def look(run: Run, limit: float) -> Observation:
        got = float(getattr(run.outcome, column))
        return Observation("", seconds(round(got, 3)), _strictly(got - limit))

    return look


def _restarts(run: Run, limit: float) -> Observation:
    return Observation("", count(run.outcome.restarts), run.outcome.restarts - limit)


_SIMPLE: dict[str, tuple[Callable[[Any], str], Callable[[Run, Any], Observation]]] = {
    "recovers_within_s": (lambda limit: f"within {seconds(limit)}", _recovery),
    AMPLIFICATION: (lambda limit: f"below {limit:g}", _amplification),
    "availability_at_least": (lambda limit: f"at least {100.0 * limit:g} %", _availability),
    "downtime_below_s": (lambda limit: f"below {seconds(limit)}", _below_s("downtime_s")),
    "disruption_below_s": (lambda limit: f"below {seconds(limit)}", _below_s("disruption_s")),
    "restarts_at_most": (lambda limit: f"at most {limit:g}", _restarts),
    "verdict": (str, _verdict),
}

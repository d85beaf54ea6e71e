"""The proof, step by step. Nothing of the held-out failures exists before the policy is frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hms.evolution.proof.compared import Comparison, compare
from hms.evolution.proof.engines import Ranks, rank_agreement
from hms.evolution.proof.gate import Safety, judge
from hms.experiments.progress import AnyProgress
from hms.experiments.proof.breakers import is_breaker
from hms.experiments.proof.incidents import Order, held_out_orders, narrowed, training_orders
from hms.experiments.proof.looks import take_look
from hms.experiments.proof.places import DEFAULT_SEED, Place, place_of
from hms.experiments.proof.proof import (
    Asked,
    BreakerCheck,
    Met,
    Proof,
    breaker_checks,
    oracle_gap,
)
from hms.experiments.proof.running import FLUID, ORACLE, REQUEST, Runner, Setting, column, runner
from hms.experiments.proof.safety import KINDS
from hms.experiments.proof.stacks import stacks_of
from hms.experiments.proof.subject import subject_of
from hms.scenarios.generator.frozen_split import FROZEN

WIDTHS = (0.5, 0.0)
"""Of the guessed quantities' ranges, besides their full width."""
FROZEN_NAME = "frozen split"


def prove(asked: Asked, progress: AnyProgress) -> Proof:
    """Prove a policy, or find that it cannot be proven.

    Raises:
        InputError: the policy, a topology or an option is wrong; no look is taken.
    """
    subject = subject_of(asked.policy)
    places = tuple(
        place_of(name, [Path(each) for each in asked.overlays], asked.seed)
        for name in asked.topologies
    )
    setting = Setting(places, stacks_of(subject, places, asked.against))
    seed = asked.seed or DEFAULT_SEED
    on = tuple(place.name for place in places) or (FROZEN_NAME,)
    look, before = take_look(subject, on, seed, asked.scenarios, asked.repeat)
    sets = held_out_orders(places, subject.policy.sha256, seed, look.draw, asked.scenarios)
    main, *others = sets
    work = _Work(setting, progress)
    with runner(setting, asked.workers, sets[main][0]) as hands:
        work.hands = hands
        met = work.all_stacks("held out", sets[main], checked=True)
        apart = {name: work.all_stacks(name, sets[name], checked=True) for name in others}
        widths = [
            (width, work.all_stacks(f"width {width:g}", narrowed(sets[main], width), checked=True))
            for width in (WIDTHS if _guesses(places) else ())
        ]
        safety = work.safety(asked, places, seed)
        told = work.oracle(sets[main][: asked.oracle_scenarios])
        requests = work.requests(sets[main][: asked.request_scenarios])
        probes = work.probes(sets[main], asked)
    verdict = judge(
        met.scores(0), met.baselines(setting), met.families, safety,
        seed=look.id_of_draws, look=look.number,
    )  # fmt: skip
    alpha = verdict.alpha
    ranks, checks = _engines(setting, met, requests, probes, verdict.comparison.best)
    return Proof(
        asked=asked, subject=subject, setting=setting, look=look, looks_before=before,
        split_sha256=_split_sha256(places), main=met, apart=apart, verdict=verdict,
        apart_found={name: _compared(setting, part, alpha) for name, part in apart.items()},
        widths={1.0: verdict.comparison}
        | {width: _compared(setting, part, alpha) for width, part in widths},
        oracle=oracle_gap(setting, met, told, verdict.comparison.best) if told else None,
        ranks=ranks, breakers=checks, breaches=safety.breaches, safety_runs=safety.runs,
        seconds=dict(progress.timer.seconds),
    )  # fmt: skip


class _Work:
    """Runs sets of failures and counts the champion's runs and breaches."""

    def __init__(self, setting: Setting, progress: AnyProgress) -> None:
        self.setting = setting
        self.hands: Runner
        self._progress = progress
        self._runs = 0
        self._breaches = dict.fromkeys(KINDS, 0)

    def all_stacks(self, name: str, orders: Sequence[Order], *, checked: bool) -> Met:
        """Every stack on the failures."""
        return self._met(name, orders, range(len(self.setting.stacks)), FLUID, checked)

    def safety(self, asked: Asked, places: Sequence[Place], seed: str) -> Safety:
        """The breaches so far and in as many runs on training failures as are missing."""
        missing = asked.safety_runs - self._runs
        if missing > 0:
            self._met("safety", training_orders(places, seed, missing), [0], FLUID, True)
        return Safety(self._runs, dict(self._breaches))

    def oracle(self, orders: Sequence[Order]) -> Met | None:
        """The oracle's rows, where the champion's would stand."""
        return self._met("oracle", orders, [0], ORACLE, False) if orders else None

    def requests(self, orders: Sequence[Order]) -> Met | None:
        """Every stack on the request engine."""
        if not orders:
            return None
        return self._met("requests", orders, range(len(self.setting.stacks)), REQUEST, False)

    def probes(self, orders: Sequence[Order], asked: Asked) -> Met | None:
        """One probe of breakers in each system, on the request engine."""
        if not asked.request_scenarios or not any(map(is_breaker, self.setting.stacks[1:])):
            return None
        by_system = {order.system(self.setting.places): order for order in reversed(orders)}
        chosen = [replace(by_system[name], probe=True) for name in sorted(by_system)]
        return self._met("probes", chosen, range(len(self.setting.stacks)), REQUEST, False)

    def _met(
        self, name: str, orders: Sequence[Order], stacks: Sequence[int], engine: str, checked: bool
    ) -> Met:
        count = len(orders) * len(stacks)
        label = name.replace("_", " ")
        self._progress.begin(name[:10].replace("_", " "), f"{count:,} runs: {label}")
        self._progress.expect(count)
        told: Callable[[int], None] = lambda done: self._progress.advance(done, label)  # noqa: E731
        rows = self.hands.rows(orders, stacks, engine, checked, told)
        self._progress.end(f"{count:,} runs: {label}")
        if checked:
            self._runs += len(orders)
            for kind in KINDS:
                self._breaches[kind] += int(column(rows[:, 0], kind).sum())
        return Met(orders, rows)


def _compared(setting: Setting, met: Met, alpha: float) -> Comparison:
    return compare(
        met.scores(0), met.baselines(setting), met.families, seed="apart", alpha=alpha,
        resamples=2_000,
    )  # fmt: skip


def _engines(
    setting: Setting, met: Met, requests: Met | None, probes: Met | None, best: str
) -> tuple[Ranks | None, tuple[BreakerCheck, ...]]:
    if requests is None:
        return None, ()
    names = [stack.name for stack in setting.stacks]
    same = met.first(len(requests.orders))
    fluid, request = (
        {name: part.scores(at).downtime_s for at, name in enumerate(names)}
        for part in (same, requests)
    )
    ranks = rank_agreement(fluid, request, names[0], best)
    return ranks, breaker_checks(setting, requests, probes)


def _guesses(places: Sequence[Place]) -> bool:
    """Whether anything is guessed, so that a narrower guess is another proof."""
    if not places:
        return True
    return any(
        place.failures.quantities == "drawn" and any(place.scenario.ranges()) for place in places
    )


def _split_sha256(places: Sequence[Place]) -> str:
    """The frozen split's, one place's, or those of several in a row."""
    return "+".join(place.split_sha256 for place in places) or FROZEN.sha256

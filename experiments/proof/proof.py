"""What a proof found, as data: rows of every part, the verdict, what is told beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hms.evolution.gate import Scores
from hms.experiments.proof.running import Floats, Setting, column

if TYPE_CHECKING:
    from hms.evolution.proof.compared import Comparison
    from hms.evolution.proof.engines import Ranks
    from hms.evolution.proof.gate import Verdict
    from hms.experiments.proof.incidents import Order
    from hms.experiments.proof.looks import Look
    from hms.experiments.proof.subject import Subject


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        policy: a policy file, a run or a baseline's name.
        topologies: systems; none: the frozen split.
        scenarios: held-out failures that the gate judges.
        request_scenarios: of them, how many run on the request engine, too; 0: none.
        safety_runs: runs of the champion to look for breaches in.
        oracle_scenarios: of the held-out failures, how many the oracle meets; 0: none.
        seed: instead of the experiment's own.
        against: further policies to compare with.
        repeat: draw the failures of this look again.
    """

    policy: str
    topologies: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    scenarios: int = 400
    request_scenarios: int = 56
    safety_runs: int = 3_000
    oracle_scenarios: int = 28
    seed: str | None = None
    against: tuple[str, ...] = ()
    repeat: int | None = None
    workers: int = 1
    command: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """One set of failures and what every stack made of them.

    Attributes:
        rows: shape (failures, stacks, columns), `running.ALL_COLUMNS`.
    """

    orders: Sequence[Order]
    rows: Floats

    @property
    def families(self) -> tuple[str, ...]:
        """The family of each failure."""
        return tuple(order.family for order in self.orders)

    def scores(self, stack: int) -> Scores:
        """One stack's downtime and disruption."""
        return Scores(
            column(self.rows, "downtime_s")[:, stack], column(self.rows, "disruption_s")[:, stack]
        )

    def baselines(self, setting: Setting) -> dict[str, Scores]:
        """All but the champion's."""
        names = [stack.name for stack in setting.stacks]
        return {name: self.scores(at) for at, name in enumerate(names) if at}

    def first(self, count: int) -> Met:
        """The first failures of it."""
        return Met(self.orders[:count], self.rows[:count])


@dataclass(frozen=True, slots=True)
class BreakerCheck:
    """Whether one baseline's breaker opened on the request engine.

    Attributes:
        cases: failures, a probe included, that are clearly above its threshold.
        opened: in how many of those it opened.
        anywhere: in how many of all failures it opened.
    """

    name: str
    cases: int
    opened: int
    anywhere: int

    @property
    def can_open(self) -> bool:
        """Even wrong answers of every replica count as a case where it can open at all."""
        return self.cases > 0

    @property
    def passed(self) -> bool:
        """It opened wherever a fault was above its threshold."""
        return self.opened == self.cases


@dataclass(frozen=True, slots=True)
class OracleGap:
    """Mean downtimes on the failures that the oracle met, seconds.

    Attributes:
        closed: the champion's share of the way from the best baseline to the oracle; None where
            there is no gap.
    """

    scenarios: int
    champion_s: float
    best_s: float
    oracle_s: float
    closed: float | None


@dataclass(slots=True)
class Proof:
    """Everything that was found.

    Attributes:
        looks_before: earlier looks at the lineage.
        main: the failures that the gate judges; `apart`: those told apart, by part.
        widths: the gain by width of the guessed quantities; {1.0: …} alone where all is known.
        oracle: what knowing would be worth, None where it was not asked.
        ranks, breakers: of the request engine; None and empty where it was left out.
    """

    asked: Asked
    subject: Subject
    setting: Setting
    look: Look
    looks_before: int
    split_sha256: str
    main: Met
    apart: Mapping[str, Met]
    verdict: Verdict
    apart_found: Mapping[str, Comparison]
    widths: Mapping[float, Comparison]
    ranks: Ranks | None = None
    breakers: tuple[BreakerCheck, ...] = ()
    breaches: Mapping[str, int] = field(default_factory=dict)
    safety_runs: int = 0
    oracle: OracleGap | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def engines_agree(self) -> bool | None:
        """The request engine bears the result out; None where it was not asked."""
        if self.ranks is None:
            return None
        return self.ranks.agreed and all(check.passed for check in self.breakers)

    @property
    def passed(self) -> bool:
        """The gate passes, and the request engine does not speak against it."""
        return self.verdict.passed and self.engines_agree is not False


def oracle_gap(setting: Setting, met: Met, told: Met, best: str) -> OracleGap:
    """Where the champion stands between the best baseline and the oracle."""
    from hms.evolution.oracle.gap import gap_closed

    names = [stack.name for stack in setting.stacks]
    same = met.first(len(told.orders))
    ours_s, best_s, oracle_s = (
        float(np.mean(np.asarray(scores.downtime_s)))
        for scores in (same.scores(0), same.scores(names.index(best)), told.scores(0))
    )
    closed = gap_closed(best_s, ours_s, oracle_s)
    return OracleGap(len(told.orders), ours_s, best_s, oracle_s, closed)


def breaker_checks(setting: Setting, request: Met, probes: Met | None) -> tuple[BreakerCheck, ...]:
    """Every baseline with a breaker: where it had to open, and whether it did."""
    from hms.experiments.proof.breakers import is_breaker

    found = []
    for at, stack in enumerate(setting.stacks):
        if at == 0 or not is_breaker(stack):
            continue
        rows = [part.rows[:, at] for part in (request, probes) if part is not None]
        together = np.concatenate(rows)
        must = column(together, "must_open") > 0.5
        did = column(together, "opened") > 0.5
        found.append(
            BreakerCheck(stack.name, int(must.sum()), int((must & did).sum()), int(did.sum()))
        )
    return tuple(found)

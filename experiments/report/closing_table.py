"""The closing table: the champion and every baseline on failures none of them saw.

docs/formats.md, "Closing table" and "What is measured". All numbers come from one frame, a row for
each stack and held-out scenario, so that a table made later from `results/held_out.parquet`
equals the one that the run printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hms.evolution.baselines.made import ORACLE, TUNED
from hms.evolution.gate import Gate, Scores, best_baseline, short_test
from hms.evolution.oracle.gap import gap_closed
from hms.evolution.statistics import Interval, paired_bootstrap
from hms.experiments.report.weak_points import WeakPoints, weak_points

if TYPE_CHECKING:
    import pandas as pd

CHAMPION = "champion"
HELD_OUT = "held_out"
NEVER_TRAINED = "held_out_never_trained"
WORST_SHARE = 0.1
"""cvar_s is the mean downtime of the worst tenth of the scenarios."""

GUARD_NOTE = (
    "the limits on disruptive acts bind the champion and the ladder, not the other stacks"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One stack's means over a set of scenarios.

    Attributes:
        availability: good / offered over all scenarios together, 0 to 1.
        time_to_recover_s: the rest of the horizon where it did not recover.
        not_recovered: share of scenarios that did not, 0 to 1.
        cvar_s: mean downtime of the worst tenth of the scenarios.
        downtime_difference: champion - this stack with its interval; None for the champion.
    """

    stack: str
    downtime_s: float
    availability: float
    time_to_recover_s: float
    not_recovered: float
    disruption_s: float
    cvar_s: float
    restarts: float
    downtime_difference: Interval | None = None
    disruption_difference: Interval | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one set of scenarios, lowest downtime first."""

    set: str
    scenarios: int
    families: tuple[str, ...]
    rows: tuple[Row, ...]

    def row(self, stack: str) -> Row:
        """The row of one stack."""
        return next(row for row in self.rows if row.stack == stack)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the champion came from the best tuned baseline to the oracle.

    Attributes:
        baseline: the best tuned one, or, where none was tuned, the best of all.
        share: 1 is the oracle; None where the baseline is as good as the oracle.
    """

    baseline: str
    baseline_s: float
    oracle_s: float
    share: float | None


@dataclass(frozen=True, slots=True)
class ClosingTable:
    """All that the end of a run says.

    Attributes:
        incidents: simulated incidents spent, by what for.
        footnotes: for the stacks in the table that need one.
        level: of the intervals.
        weak: families on which the champion loses, failures it never ends.
        gap: the way from the best tuned baseline to the oracle; None without an oracle.
    """

    held_out: Section
    never_trained: Section | None
    gate: Gate
    incidents: Mapping[str, int]
    footnotes: Mapping[str, str]
    level: float
    weak: WeakPoints
    gap: Gap | None = None

    def to_mapping(self) -> dict[str, Any]:
        """For `--json`: plain numbers and text."""
        return asdict(self)


def closing_table(
    results: pd.DataFrame,
    *,
    seed: str,
    resamples: int,
    level: float,
    incidents: Mapping[str, int],
    footnotes: Mapping[str, str],
) -> ClosingTable:
    """Compare all stacks in `results` with the champion.

    Args:
        results: columns stack, set, family, incident and the outcome columns; every stack has
            the same incidents in the same order.
        seed: of the bootstrap's stream.
        incidents: simulated incidents spent, by what for.
        footnotes: what a reader must know about a baseline, by its name.

    Raises:
        ValueError: the champion or the held-out set is missing.
    """
    held_out = section(results, HELD_OUT, seed=seed, resamples=resamples, level=level)
    if held_out is None:
        raise ValueError("there is no held-out result to compare")
    rows = results[results["set"] == HELD_OUT]
    scores = {
        str(stack): Scores(part["downtime_s"].to_numpy(), part["disruption_s"].to_numpy())
        for stack, part in rows.groupby("stack", sort=True)
    }
    champion = scores.pop(CHAMPION)
    oracle = scores.pop(ORACLE, None)
    gate = short_test(
        champion,
        scores,
        families_of(rows),
        seed=seed,
        resamples=resamples,
        level=level,
    )
    return ClosingTable(
        held_out=held_out,
        never_trained=section(
            results, NEVER_TRAINED, seed=seed, resamples=resamples, level=level
        ),
        gate=gate,
        incidents=dict(incidents),
        footnotes={name: text for name, text in footnotes.items() if text and name in scores},
        level=level,
        weak=weak_points(
            results[results["stack"] != ORACLE],
            CHAMPION,
            seed=seed,
            resamples=resamples,
            level=level,
        ),
        gap=None if oracle is None else _gap(champion, scores, oracle),
    )


def _gap(champion: Scores, baselines: Mapping[str, Scores], oracle: Scores) -> Gap:
    tuned = {name: scores for name, scores in baselines.items() if name in TUNED}
    name = best_baseline(tuned or baselines)
    downtimes_s = [
        float(np.mean(np.asarray(each.downtime_s)))
        for each in (baselines[name], champion, oracle)
    ]
    return Gap(name, downtimes_s[0], downtimes_s[2], gap_closed(*downtimes_s))


def section(
    results: pd.DataFrame, set_name: str, *, seed: str, resamples: int, level: float
) -> Section | None:
    """The rows of one set, or None when nothing was run on it."""
    rows = results[results["set"] == set_name]
    if rows.empty:
        return None
    champion = rows[rows["stack"] == CHAMPION]
    if champion.empty:
        raise ValueError("there is no champion among the results")
    families = families_of(rows)

    def difference(part: pd.DataFrame, column: str) -> Interval:
        return paired_bootstrap(
            champion[column].to_numpy(),
            part[column].to_numpy(),
            families,
            seed=seed,
            resamples=resamples,
            level=level,
        )

    table = []
    for stack, part in rows.groupby("stack", sort=True):
        if stack == CHAMPION:
            table.append(means_of(CHAMPION, part))
            continue
        differences = (difference(part, "downtime_s"), difference(part, "disruption_s"))
        table.append(means_of(str(stack), part, *differences))
    table.sort(key=lambda row: (row.downtime_s, row.disruption_s, row.stack != CHAMPION))
    return Section(set_name, len(champion), tuple(sorted(set(families))), tuple(table))


def means_of(
    stack: str,
    part: pd.DataFrame,
    downtime: Interval | None = None,
    disruption: Interval | None = None,
) -> Row:
    """One stack's row; each is a mean over scenarios but availability, a ratio of sums."""
    downtime_s = np.sort(part["downtime_s"].to_numpy())
    worst = max(1, round(WORST_SHARE * len(downtime_s)))
    offered = float(part["offered"].sum())
    return Row(
        stack=stack,
        downtime_s=float(downtime_s.mean()),
        availability=float(part["good"].sum()) / offered if offered > 0.0 else 1.0,
        time_to_recover_s=float(part["time_to_recover_s"].mean()),
        not_recovered=1.0 - float(part["recovered"].astype(float).mean()),
        disruption_s=float(part["disruption_s"].mean()),
        cvar_s=float(downtime_s[-worst:].mean()),
        restarts=float(part["restarts"].mean()),
        downtime_difference=downtime,
        disruption_difference=disruption,
    )


def families_of(rows: pd.DataFrame) -> Sequence[str]:
    """The family of each scenario of a set, in the order all stacks share."""
    first = rows["stack"].iloc[0]
    return [str(family) for family in rows[rows["stack"] == first]["family"]]

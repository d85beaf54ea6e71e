"""The table of a sweep: a row for each combination, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hms.evolution.statistics import mean_interval
from hms.experiments.report.numbers import three_digits
from hms.scenarios.detectors.collapse import collapse_probability

if TYPE_CHECKING:
    import pandas as pd

    from hms.experiments.plan import ExperimentPlan

INTERVALS = ("downtime_s", "disruption_s", "time_to_recover_s")
MOST_LINES = 60


def sweep_table(rows: pd.DataFrame, plan: ExperimentPlan) -> pd.DataFrame:
    """Means of each cell with bootstrap intervals over its failures, and P(collapse) with Wilson's.

    Args:
        rows: of `simulate_cell`, all cells.

    Returns:
        Columns: the factors, n, for each of `INTERVALS` the mean, `_low` and `_high`,
        availability, recovered (shares), p_collapse, p_collapse_low, p_collapse_high.
    """
    import pandas as pd

    assert plan.sweep is not None
    found: list[dict[str, Any]] = []
    for _, part in rows.groupby("cell", sort=True):
        row: dict[str, Any] = {name: part[name].iloc[0] for name in plan.sweep.factors}
        row["n"] = len(part)
        for column in INTERVALS:
            interval = mean_interval(
                part[column].to_numpy(), part["family"].tolist(), seed=plan.seed,
                resamples=plan.compare.resamples, level=plan.compare.level,
            )
            row |= {
                column: interval.mean, f"{column}_low": interval.low,
                f"{column}_high": interval.high,
            }  # fmt: skip
        row["availability"] = float(part["availability"].mean())
        row["recovered"] = float(part["recovered"].mean())
        collapse = collapse_probability(part["verdict"], plan.compare.level)
        row |= {
            "p_collapse": collapse.share, "p_collapse_low": collapse.low,
            "p_collapse_high": collapse.high,
        }  # fmt: skip
        found.append(row)
    return pd.DataFrame(found)


def table_lines(table: pd.DataFrame, plan: ExperimentPlan) -> Iterator[str]:
    """The table as text, the first lines of a long one."""
    assert plan.sweep is not None
    names = list(plan.sweep.factors)
    level = f"{100.0 * plan.compare.level:g} %"
    head = [*names, f"downtime s [{level}]", "availability %", f"P(collapse) [{level}]", "n"]
    body = [
        [
            *(_value(row[name]) for name in names),
            f"{three_digits(row['downtime_s'])}"
            f" [{three_digits(row['downtime_s_low'])}, {three_digits(row['downtime_s_high'])}]",
            f"{100.0 * row['availability']:.2f}",
            f"{row['p_collapse']:.2f}"
            f" [{row['p_collapse_low']:.2f}, {row['p_collapse_high']:.2f}]",
            f"{row['n']}",
        ]
        for _, row in table.head(MOST_LINES).iterrows()
    ]
    widths = [max(len(line[k]) for line in [head, *body]) for k in range(len(head))]
    for line in [head, *body]:
        yield "  ".join(
            text.ljust(width) if k < len(names) else text.rjust(width)
            for k, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
    if len(table) > MOST_LINES:
        yield f"… and {len(table) - MOST_LINES} more rows, in results/sweep_cells.parquet"


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

"""The pictures of a run, each a matplotlib figure drawn from tidy frames.

Every function takes plain data and returns a figure, so that the report and a notebook draw
the same. Champion, best baseline and the rest keep their colours in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hms.experiments.report import palette
from hms.experiments.report.closing_table import CHAMPION, Row, Section

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOWN_SHARE = "share of requests answered in time"


def colour_of(stack: str, rival: str) -> str:
    """The champion's, the best baseline's, or everybody else's colour."""
    if stack == CHAMPION:
        return palette.CHAMPION
    return palette.RIVAL if stack == rival else palette.BASELINE


def closing_picture(section: Section, rival: str) -> Figure:
    """Mean downtime of every stack, and champion - it with its interval."""
    rows = list(reversed(section.rows))
    with palette.house_look():
        figure = palette.new_figure(8.2, 0.9 + 0.32 * len(rows))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        places = range(len(rows))
        colours = [colour_of(row.stack, rival) for row in rows]
        left.barh(places, [row.downtime_s for row in rows], height=0.55, color=colours)
        left.set_yticks(places, [row.stack for row in rows])
        longest = max([row.downtime_s for row in rows] + [1e-9])
        for place, row in zip(places, rows, strict=True):
            left.text(
                row.downtime_s + 0.015 * longest, place, f"{row.downtime_s:.1f}",
                va="center", color=palette.INK, fontsize=8.5,
            )  # fmt: skip
        left.set_title("downtime, s a failure (less is better)")
        left.set_xlim(0.0, 1.12 * longest)
        _draw_differences(right, rows)
        for axes in (left, right):
            axes.grid(axis="y", visible=False)
            axes.spines["left"].set_visible(False)
        _emphasise(left, rival)
    return figure


def _draw_differences(axes: Axes, rows: Sequence[Row]) -> None:
    axes.axvline(0.0, color=palette.MUTED, linewidth=1.0)
    for place, row in enumerate(rows):
        found = row.downtime_difference
        if found is None:
            continue
        colour = {-1: palette.CHAMPION, 1: palette.FAULT}.get(found.verdict, palette.BASELINE)
        axes.plot([found.low, found.high], [place, place], color=colour, linewidth=2.0)
        axes.plot([found.mean], [place], "o", color=colour, markersize=4.5)
    axes.set_title("champion − it, s, with interval")


def _emphasise(axes: Axes, rival: str) -> None:
    for label in axes.get_yticklabels():
        label.set_color(palette.INK)
        if label.get_text() in (CHAMPION, rival):
            label.set_fontweight("bold")
            label.set_color(colour_of(label.get_text(), rival))


def front_picture(points: pd.DataFrame, rival: str) -> Figure:
    """Downtime against disruption on the validation scenarios.

    Args:
        points: columns stack, kind (baseline, finalist or champion), downtime_s, disruption_s.
    """
    with palette.house_look():
        figure = palette.new_figure(8.2, 4.2)
        axes = figure.subplots()
        finalists = points[points["kind"] == "finalist"]
        axes.plot(
            finalists["disruption_s"], finalists["downtime_s"], "o", markersize=6,
            markerfacecolor="none", markeredgecolor=palette.CHAMPION, label="finalists",
        )  # fmt: skip
        for kind, size in (("baseline", 6.0), ("champion", 10.0)):
            part = points[points["kind"] == kind]
            for stack, x, y in zip(
                part["stack"], part["disruption_s"], part["downtime_s"], strict=True
            ):
                axes.plot([x], [y], "o", markersize=size, color=colour_of(stack, rival))
        _spread_scale(axes, points["disruption_s"].to_numpy())
        named = points[points["kind"] != "finalist"]
        _name_points(axes, named, rival)
        axes.set_xlabel("disruption by the healing itself, s a failure")
        axes.set_ylabel("downtime, s a failure")
        axes.set_title("what a finalist buys: down and left is better (validation failures)")
        axes.set_ylim(bottom=0.0)
    return figure


def _spread_scale(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic axis, linear near zero, where the costs span more than a decade."""
    above = values[values > 0.0]
    if len(above) and values.max() > 20.0 * np.median(above):
        axes.set_xscale("symlog", linthresh=max(1.0, float(np.median(above))))
    axes.set_xlim(left=-0.02 * max(1.0, float(values.max())))


def _name_points(axes: Axes, named: pd.DataFrame, rival: str) -> None:
    """Names beside the points; those that share a place share a line."""
    groups: dict[tuple[float, float], list[str]] = {}
    spread_y = max(float(named["downtime_s"].max()), 1e-9)
    spread_x = max(float(named["disruption_s"].max()), 1e-9)
    for stack, x, y in zip(
        named["stack"], named["disruption_s"], named["downtime_s"], strict=True
    ):
        for (near_x, near_y), names in groups.items():
            if abs(x - near_x) < 0.02 * spread_x and abs(y - near_y) < 0.035 * spread_y:
                names.append(stack)
                break
        else:
            groups[(x, y)] = [stack]
    for (x, y), names in groups.items():
        lead = next((name for name in (CHAMPION, rival) if name in names), names[0])
        axes.annotate(
            ", ".join(names), (x, y), xytext=(8, 3), textcoords="offset points",
            color=colour_of(lead, rival) if lead in (CHAMPION, rival) else palette.MUTED,
            fontweight="bold" if lead in (CHAMPION, rival) else "normal",
        )  # fmt: skip


def convergence_picture(
    generations: pd.DataFrame, baselines: Mapping[str, float] | None = None
) -> Figure:
    """Best and median downtime of each generation over the incidents spent.

    Args:
        generations: columns incidents, best_downtime_s, median_downtime_s.
        baselines: training downtime of a baseline to draw as a level, by name.
    """
    with palette.house_look():
        figure = palette.new_figure(8.2, 3.2)
        axes = figure.subplots()
        incidents = generations["incidents"].to_numpy()
        best = generations["best_downtime_s"].to_numpy()
        median = generations["median_downtime_s"].to_numpy()
        axes.fill_between(incidents, best, median, color=palette.CHAMPION, alpha=0.15, linewidth=0)
        axes.plot(incidents, median, color=palette.CHAMPION, linewidth=1.0, alpha=0.6)
        axes.plot(incidents, best, color=palette.CHAMPION, linewidth=2.2)
        for values, name, shift in ((best, "best", -10), (median, "median", 6)):
            axes.annotate(
                name, (incidents[-1], values[-1]), xytext=(4, shift),
                textcoords="offset points", color=palette.CHAMPION,
            )  # fmt: skip
        for name, level in (baselines or {}).items():
            axes.axhline(level, color=palette.RIVAL, linewidth=1.0, linestyle=(0, (4, 3)))
            axes.annotate(
                name, (incidents[0], level), xytext=(2, 4),
                textcoords="offset points", color=palette.RIVAL,
            )  # fmt: skip
        axes.set_ylim(bottom=0.0)
        axes.margins(x=0.08)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel("simulated incidents spent")
        axes.set_title("downtime in training, s a failure")
    return figure


def timeline_picture(
    seconds: pd.DataFrame,
    acts: pd.DataFrame,
    faults: Sequence[tuple[str, float, float]],
    slo: float,
    rival: str,
) -> Figure:
    """One failure under two stacks: what was answered in time, when it was down, who acted.

    Args:
        seconds: columns stack, t_s, offered_rps, good_rps, bad_rps, down.
        acts: columns stack, t_s, component, act.
        faults: (label, start_s, end_s) of each fault; an end of inf is drawn to the horizon.
        slo: availability that a second must reach, 0 to 1.
    """
    stacks = [CHAMPION, *(name for name in seconds["stack"].unique() if name != CHAMPION)]
    horizon_s = float(seconds["t_s"].max()) + 1.0
    with palette.house_look():
        figure = palette.new_figure(8.2, 0.6 + 2.0 * len(stacks))
        panels = np.atleast_1d(figure.subplots(len(stacks), 1, sharex=True))
        for axes, stack in zip(panels, stacks, strict=True):
            rows = seconds[seconds["stack"] == stack]
            _draw_faults(axes, faults, horizon_s, named=axes is panels[0])
            _draw_seconds(axes, rows, colour_of(stack, rival), slo)
            _draw_acts(axes, acts[acts["stack"] == stack])
            down_s = int(rows["down"].sum())
            axes.set_title(f"{stack}: {down_s} s below the SLO", color=colour_of(stack, rival))
        panels[-1].set_xlabel("seconds")
        panels[-1].set_xlim(0.0, horizon_s)
        figure.supylabel(DOWN_SHARE, color=palette.MUTED, fontsize=8.5)
    return figure


def _draw_faults(
    axes: Axes, faults: Sequence[tuple[str, float, float]], horizon_s: float, named: bool
) -> None:
    for place, (label, start_s, end_s) in enumerate(faults):
        axes.axvspan(start_s, min(end_s, horizon_s), color=palette.FAULT, alpha=0.07, linewidth=0)
        axes.axvline(start_s, color=palette.FAULT, linewidth=1.0)
        if named:
            axes.annotate(
                label, (start_s, 0.02 + 0.1 * place), xytext=(4, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points", color=palette.FAULT, fontsize=8.5,
            )  # fmt: skip


def _draw_seconds(axes: Axes, rows: pd.DataFrame, colour: str, slo: float) -> None:
    ended = (rows["good_rps"] + rows["bad_rps"]).to_numpy()
    good = rows["good_rps"].to_numpy()
    share = np.divide(good, ended, out=np.zeros_like(good), where=ended > 0.0)
    t_s = rows["t_s"].to_numpy()
    axes.fill_between(t_s, 0.0, share, step="post", color=colour, alpha=0.22, linewidth=0)
    axes.step(t_s, share, where="post", color=colour, linewidth=1.4)
    axes.axhline(slo, color=palette.MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
    axes.set_ylim(0.0, 1.12)
    axes.set_yticks([0.0, 0.5, 1.0], ["0 %", "50 %", "100 %"])
    down = rows["down"].to_numpy().astype(bool)
    axes.fill_between(
        t_s, 1.06, 1.11, where=down, step="post", color=palette.FAULT, linewidth=0
    )


def _draw_acts(axes: Axes, acts: pd.DataFrame) -> None:
    """A mark for each act; a label where it does not run into the one before."""
    labelled_s = -1e9
    for _, act in acts.sort_values("t_s").iterrows():
        t_s = float(act["t_s"])
        axes.plot([t_s], [0.06], marker="^", color=palette.INK, markersize=5, clip_on=False)
        if t_s - labelled_s < 28.0:
            continue
        labelled_s = t_s
        axes.annotate(
            f"{act['act']} {act['component']}", (t_s, 0.06), xytext=(5, -3),
            textcoords="offset points", fontsize=8, color=palette.INK,
        )  # fmt: skip

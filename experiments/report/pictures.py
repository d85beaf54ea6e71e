"""The pictures of a run, each a matplotlib figure drawn from tidy frames.

Every function takes plain data and returns a figure, so that the report and a notebook draw
the same. Champion, best baseline and the rest keep their colours in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.transforms import Bbox

from hms.experiments.report import palette
from hms.experiments.report.closing_table import CHAMPION, Row, Section

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_SIDES = (
    (8, 0, "left"), (-8, 0, "right"), (8, 9, "left"), (8, -9, "left"), (-8, 9, "right"),
    (-8, -9, "right"), (0, 13, "center"), (0, -13, "center"), (8, 18, "left"), (8, -18, "left"),
)  # fmt: skip
"""Where a point's name may stand: offsets in points, and its alignment."""

ACT_LANE, DOWN_LANE, FAULT_LANE = -0.15, 1.12, 1.27
SECONDS_A_LETTER = 2.2
"""Width of a letter where the whole horizon of 300 s is shown."""
CALM_S, SHORTEST_S = 20.0, 120.0
"""Of a timeline: calm shown before the first and (twice) after the last moment; least length."""
APART_S = 12.0
"""Acts closer together than this share a label."""


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
    """Names beside the points, each at the first side where it covers neither point nor name.

    Those at the same place share a line.
    """
    groups: dict[tuple[float, float], list[str]] = {}
    for stack, x, y in zip(
        named["stack"], named["disruption_s"], named["downtime_s"], strict=True
    ):
        groups.setdefault((round(x, 2), round(y, 2)), []).append(stack)
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    taken = [axes.transData.transform(place) for place in groups]
    boxes = [Bbox.from_extents(x - 5, y - 5, x + 5, y + 5) for x, y in taken]
    for place, names in sorted(groups.items(), key=lambda item: CHAMPION not in item[1]):
        lead = next((name for name in (CHAMPION, rival) if name in names), "")
        for dx, dy, side in LABEL_SIDES:
            label = axes.annotate(
                ", ".join(names), place, xytext=(dx, dy), textcoords="offset points",
                ha=side, va="center", color=colour_of(lead, rival) if lead else palette.MUTED,
                fontweight="bold" if lead else "normal",
            )  # fmt: skip
            box = label.get_window_extent()
            if not any(box.overlaps(other) for other in boxes):
                break
            if (dx, dy, side) != LABEL_SIDES[-1]:
                label.remove()
        boxes.append(box)


def convergence_picture(generations: pd.DataFrame, rival: str) -> Figure:
    """Best and median downtime of each generation, beside the best baseline's.

    Generations see different failures; each is compared with what the baseline does on the same.

    Args:
        generations: columns incidents, best_downtime_s, median_downtime_s, baseline_downtime_s.
    """
    with palette.house_look():
        figure = palette.new_figure(8.2, 3.2)
        axes = figure.subplots()
        incidents = generations["incidents"].to_numpy()
        level = np.maximum(generations["baseline_downtime_s"].to_numpy(), 1e-9)
        best = 100.0 * generations["best_downtime_s"].to_numpy() / level
        median = 100.0 * generations["median_downtime_s"].to_numpy() / level
        axes.axhline(100.0, color=palette.RIVAL, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            rival, (incidents[0], 100.0), xytext=(2, 4), textcoords="offset points",
            color=palette.RIVAL, fontweight="bold",
        )  # fmt: skip
        axes.fill_between(incidents, best, median, color=palette.CHAMPION, alpha=0.15, linewidth=0)
        axes.plot(incidents, median, color=palette.CHAMPION, linewidth=1.0, alpha=0.6)
        axes.plot(incidents, best, color=palette.CHAMPION, linewidth=2.2)
        for values, name, shift in ((best, "best", -8), (median, "median", 2)):
            axes.annotate(
                name, (incidents[-1], values[-1]), xytext=(5, shift),
                textcoords="offset points", color=palette.CHAMPION,
            )  # fmt: skip
        axes.set_ylim(0.0, min(max(115.0, float(median.max()) * 1.05), 260.0))
        axes.margins(x=0.08)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
        axes.set_xlabel("simulated incidents spent")
        axes.set_title(f"downtime in training, share of {rival}'s on the same failures")
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
        acts: columns stack, t_s, kind (act, breaker), component, act.
        faults: (label, start_s, end_s) of each fault; an end of inf is drawn to the horizon.
        slo: availability that a second must reach, 0 to 1.
    """
    stacks = [CHAMPION, *(name for name in seconds["stack"].unique() if name != CHAMPION)]
    horizon_s = float(seconds["t_s"].max()) + 1.0
    first_s, last_s = _span_s(seconds, acts, faults, horizon_s)
    with palette.house_look():
        figure = palette.new_figure(8.2, 0.7 + 2.1 * len(stacks))
        panels = np.atleast_1d(figure.subplots(len(stacks), 1, sharex=True))
        for axes, stack in zip(panels, stacks, strict=True):
            rows = seconds[seconds["stack"] == stack]
            _draw_seconds(axes, rows, colour_of(stack, rival), slo)
            _draw_faults(axes, faults, (first_s, last_s))
            _draw_acts(axes, acts[acts["stack"] == stack], (last_s - first_s) / horizon_s)
            down_s = int(rows["down"].sum())
            axes.set_title(f"{stack}: {down_s} s below the SLO", color=colour_of(stack, rival))
            axes.set_ylim(ACT_LANE - 0.09, FAULT_LANE + 0.08)
            axes.set_yticks(
                [ACT_LANE, 0.0, 0.5, 1.0, DOWN_LANE, FAULT_LANE],
                ["acts", "0 %", "50 %", "100 %", "below", "fault"],
            )
            axes.grid(axis="y", visible=False)
            axes.hlines([0.0, 0.5, 1.0], 0.0, horizon_s, palette.RULE, linewidth=0.6, zorder=0)
        panels[-1].set_xlabel("seconds")
        panels[-1].set_xlim(first_s, last_s)
    return figure


def _span_s(
    seconds: pd.DataFrame,
    acts: pd.DataFrame,
    faults: Sequence[tuple[str, float, float]],
    horizon_s: float,
) -> tuple[float, float]:
    """The part of the horizon in which something happens, with some calm on both sides."""
    starts_s = [start for _, start, _ in faults]
    ends_s = [end for _, _, end in faults if np.isfinite(end)]
    down_s = seconds.loc[seconds["down"], "t_s"].to_list()
    moments_s = [*starts_s, *ends_s, *down_s, *acts["t_s"].to_list()] or [0.0, horizon_s]
    first_s = max(0.0, min(moments_s) - CALM_S)
    last_s = max(min(horizon_s, max(moments_s) + 2 * CALM_S), min(horizon_s, first_s + SHORTEST_S))
    return 10.0 * np.floor(first_s / 10.0), min(horizon_s, 10.0 * np.ceil(last_s / 10.0))


def _draw_faults(
    axes: Axes, faults: Sequence[tuple[str, float, float]], shown_s: tuple[float, float]
) -> None:
    """A bar in the lane on top for each fault; an arrow where only an act ends it."""
    for label, start_s, end_s in faults:
        axes.axvline(start_s, ymax=0.93, color=palette.FAULT, linewidth=0.8)
        if np.isfinite(end_s):
            ends = [start_s, min(end_s, shown_s[1])]
            axes.plot(
                ends, [FAULT_LANE] * 2, color=palette.FAULT, linewidth=5, solid_capstyle="butt"
            )
        else:
            axes.plot([start_s], [FAULT_LANE], ">", color=palette.FAULT, markersize=5)
        shown_end_s = end_s if np.isfinite(end_s) else start_s
        left = shown_end_s - shown_s[0] > 0.6 * (shown_s[1] - shown_s[0])
        axes.annotate(
            label, (start_s if left else shown_end_s, FAULT_LANE),
            xytext=(-7 if left else 7, 0), textcoords="offset points",
            ha="right" if left else "left", va="center", color=palette.FAULT, fontsize=8,
        )  # fmt: skip


def _draw_seconds(axes: Axes, rows: pd.DataFrame, colour: str, slo: float) -> None:
    ended = (rows["good_rps"] + rows["bad_rps"]).to_numpy()
    good = rows["good_rps"].to_numpy()
    share = np.divide(good, ended, out=np.zeros_like(good), where=ended > 0.0)
    t_s = rows["t_s"].to_numpy()
    axes.fill_between(t_s, 0.0, share, step="post", color=colour, alpha=0.2, linewidth=0)
    axes.step(t_s, share, where="post", color=colour, linewidth=1.4)
    axes.axhline(slo, color=palette.MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
    down = rows["down"].to_numpy().astype(bool)
    axes.fill_between(
        t_s, DOWN_LANE - 0.025, DOWN_LANE + 0.025, where=down, step="post",
        color=colour, linewidth=0,
    )  # fmt: skip


def _draw_acts(axes: Axes, acts: pd.DataFrame, scale: float) -> None:
    """A mark for each act in the lane below; acts close together share a label.

    Args:
        scale: length of what is shown, of the horizon.
    """
    ordered = acts.sort_values("t_s", kind="stable")
    times_s = ordered["t_s"].to_list()
    texts = [
        f"{act} {component}"
        for act, component in zip(ordered["act"], ordered["component"], strict=True)
    ]
    for kind, marker, size in (("breaker", "o", 3.5), ("act", "^", 5.0)):
        moments_s = ordered.loc[ordered["kind"] == kind, "t_s"]
        axes.plot(
            moments_s, [ACT_LANE] * len(moments_s), marker, color=palette.INK, markersize=size
        )
    apart_s, letter_s = APART_S * scale, SECONDS_A_LETTER * scale
    starts = [i for i, t_s in enumerate(times_s) if i == 0 or t_s - times_s[i - 1] > apart_s]
    for place, first in enumerate(starts):
        following = starts[place + 1] if place + 1 < len(starts) else len(times_s)
        label = _group_text(texts[first:following])
        room_s = times_s[following] - times_s[following - 1] if following < len(times_s) else 1e9
        if letter_s * (len(label) + 3) < room_s:
            axes.annotate(
                label, (times_s[following - 1], ACT_LANE), xytext=(6, -1), va="center",
                textcoords="offset points", fontsize=8, color=palette.INK,
            )  # fmt: skip


def _group_text(texts: Sequence[str]) -> str:
    """`restart cart`, `restart cart ×2`, `restart cart + 2 acts`."""
    if len(texts) == 1:
        return texts[0]
    if len(set(texts)) == 1:
        return f"{texts[0]} ×{len(texts)}"
    more = len(texts) - 1
    return f"{texts[0]} + {more} act{'s' if more > 1 else ''}"

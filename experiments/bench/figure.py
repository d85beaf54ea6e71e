"""One measured number, what it should be, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        group: the measurement it comes from, as `--only` names it.
        clock: "cpu" or "wall"; "" for what is no time.
        floor: what issue 8 asks for; None where it asks for nothing.
        goal: what we are after beyond it.
        ours: for a peer, the number of ours that it stands beside.
        values: what `got` is the median of: rounds, or incidents.
        answer: what the work computed; equal answers show that equal work was timed.
    """

    group: str
    name: str
    got: float
    unit: str
    clock: str = ""
    floor: float | None = None
    goal: float | None = None
    more_is_better: bool = False
    ours: float | None = None
    values: tuple[float, ...] = ()
    answer: str = ""

    @property
    def ratio(self) -> float | None:
        """How far it is from the floor, 1 and more is reached; of a peer, how often ours."""
        if self.ours is not None:
            return self.got / self.ours
        if self.floor is None:
            return None
        return self.got / self.floor if self.more_is_better else self.floor / self.got

    @property
    def reached(self) -> bool | None:
        """Whether the floor is reached; None for a peer, or where there is none."""
        if self.ours is not None or self.ratio is None:
            return None
        return self.ratio >= 1.0

    def to_mapping(self) -> dict[str, Any]:
        """As `--json` tells it."""
        names = (
            "group", "name", "got", "unit", "clock", "floor", "goal", "more_is_better", "ratio",
            "reached", "values", "answer",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def median_of(group: str, name: str, values: Sequence[float], unit: str, **told: Any) -> Figure:
    """The figure that is the median of some measurements."""
    return Figure(group, name, median(values), unit, values=tuple(values), **told)


HEAD = ("figure", "got", "", "clock", "spread", "asked", "goal", "ratio", "", "answer")
LEFT = (0, 2, 3, 8, 9)


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """A line for each figure, three digits each, columns as wide as they need."""
    rows = [HEAD, *(_cells(each) for each in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    for row in rows:
        cells = (
            cell.ljust(width) if at in LEFT else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _cells(each: Figure) -> tuple[str, ...]:
    sign = "≥ " if each.more_is_better else "≤ "
    spread = f"{_three(min(each.values))}..{_three(max(each.values))}" if each.values else ""
    word = {True: "reached", False: "missed", None: ""}[each.reached]
    return (
        each.name,
        _three(each.got),
        each.unit,
        each.clock,
        spread,
        "" if each.floor is None else sign + _three(each.floor),
        "" if each.goal is None else sign + _three(each.goal),
        "" if each.ratio is None else _three(each.ratio),
        "x ours" if each.ours is not None else word,
        each.answer,
    )


def _three(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000.0 else f"{value:,.0f}"

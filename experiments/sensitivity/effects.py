"""How much each quantity matters, from runs in which only it differs.

Radial one-at-a-time design (Campolongo, Saltelli and Cariboni, Computer Physics Communications
182, 2011): from each of r random points, every quantity alone is moved to its value at a second
random point. The same runs give elementary effects (Morris 1991; their mean absolute value as in
Campolongo, Cariboni and Saltelli 2007) and Jansen's (1999) estimate of a total Sobol index,
E[(f(a) - f(a with b_i))²] / (2 Var f). That was chosen over Saltelli's full design because most
quantities have no effect and a verdict is a step: with about a hundred quantities first-order
indices would need r in the thousands, while "the verdict changed when only this one did" is
counted from the first run on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hms.evolution.randomness import generator

Floats = NDArray[np.float64]

RESAMPLES = 500
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Moves:
    """All runs in which one quantity alone was moved, shape (points, faults) each.

    Attributes:
        flipped: the answer (a verdict, or who is better) changed.
        change: of the outcome in seconds, moved minus unmoved.
        step: by how much it was moved, as a share of its range, shape (points,).
    """

    flipped: Floats
    change: Floats
    step: Floats


@dataclass(frozen=True, slots=True)
class Effect:
    """What moving one quantity does.

    Attributes:
        flips: share of the moves that changed the answer, with a 95 % interval over points.
        share: of all changed answers of all quantities.
        change_s: mean absolute change of the outcome.
        total: Jansen's total index on the outcome: share of its variance in which it has a part.
        rising: mean change for the quantity's rise through its whole range; its sign says which
            way.
        points: random points from which it was moved.
        where: the failure in which it changed the answer most often; -1 where it never did.
    """

    flips: float
    flips_low: float
    flips_high: float
    share: float
    change_s: float
    change_low: float
    change_high: float
    total: float
    rising: float
    points: int
    where: int = -1


def effects(moves: list[Moves], variance: Floats, seed: str) -> list[Effect]:
    """An effect for each quantity.

    Args:
        moves: of each quantity.
        variance: of the outcome over the random points, for each fault, shape (faults,).
        seed: of the bootstrap over points.
    """
    flips = np.array([float(move.flipped.mean()) for move in moves])
    together = float(flips.sum())
    return [
        _effect(move, flip / together if together > 0.0 else 0.0, variance, seed)
        for move, flip in zip(moves, flips, strict=True)
    ]


def _effect(move: Moves, share: float, variance: Floats, seed: str) -> Effect:
    points = len(move.step)
    by_point, by_case = move.flipped.mean(axis=1), move.flipped.mean(axis=0)
    size = np.abs(move.change).mean(axis=1)
    drawn = generator(seed, "sensitivity").integers(0, points, size=(RESAMPLES, points))
    flips_low, flips_high = np.quantile(by_point[drawn].mean(axis=1), [LOW, HIGH])
    change_low, change_high = np.quantile(size[drawn].mean(axis=1), [LOW, HIGH])
    known = variance > 1e-12
    square = (move.change**2).mean(axis=0)
    total = float((square[known] / (2.0 * variance[known])).mean()) if known.any() else 0.0
    moved = np.abs(move.step) > 1e-9
    slope = move.change[moved].mean(axis=1) / move.step[moved] if moved.any() else np.zeros(1)
    return Effect(
        flips=float(by_point.mean()), flips_low=float(flips_low), flips_high=float(flips_high),
        share=share, change_s=float(size.mean()), change_low=float(change_low),
        change_high=float(change_high), total=min(1.0, total), rising=float(np.median(slope)),
        points=points, where=int(np.argmax(by_case)) if by_case.any() else -1,
    )  # fmt: skip


def order(found: list[Effect]) -> list[int]:
    """Indices, the most decisive first: by what is sure of the changed answers, then of the change.

    The lower end of the interval comes before the mean: one random point at which the system is at
    its limit, and everything changes everything, shall not decide.
    """
    return sorted(
        range(len(found)),
        key=lambda i: (
            -found[i].flips_low, -found[i].flips, -found[i].change_low, -found[i].change_s, i
        ),
    )  # fmt: skip

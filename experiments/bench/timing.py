"""How things are timed: in turn, so that what slows the machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Taken:
    """What one execution took, and what it computed.

    Attributes:
        cpu_s: of this process, all its threads.
    """

    cpu_s: float
    wall_s: float
    answer: Any


def take(work: Callable[[], Any]) -> Taken:
    """Execute it once."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    answer = work()
    return Taken(time.process_time() - cpu_s, time.perf_counter() - wall_s, answer)


def in_turn(works: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Taken]]:
    """Every work once a round, every other round backwards: none is always the first."""
    taken: dict[str, list[Taken]] = {name: [] for name in works}
    for number in range(rounds):
        for name in list(works)[:: -1 if number % 2 else 1]:
            taken[name].append(take(works[name]))
    return taken


def one_answer(taken: Mapping[str, list[Taken]]) -> str:
    """The answer of all of them, or all the different ones: unequal work, so no comparison."""
    answers = dict.fromkeys(str(each.answer) for found in taken.values() for each in found)
    if len(answers) == 1:
        return next(iter(answers))
    return "UNEQUAL: " + " | ".join(answers)

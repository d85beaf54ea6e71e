"""What was expected and what happened, as a readable diff; and as data."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from hms.experiments.check.expectations import Tested

INDENT = " " * 8


def tested_lines(tested: Sequence[Tested], again: Sequence[str]) -> Iterator[str]:
    """One line an expectation that holds; expected, got, where and how to see it for the rest.

    Args:
        again: the words of the command that runs one seed; `--seed` is added.
    """
    wide = max((len(each.name) for each in tested), default=0)
    for each in tested:
        worst = each.worst
        if not each.missed:
            of = f", worst of {len(each.observations)} runs" if len(each.observations) > 1 else ""
            yield f"ok      {each.name:<{wide}}  {each.expected}: {worst.got}{of}"
            continue
        yield f"FAILED  {each.name}{share_text(each)}"
        stated = f"  ({each.where})" if each.where.file else ""
        yield f"{INDENT}expected  {each.expected}{stated}"
        yield f"{INDENT}got       {worst.got}"
        if worst.where:
            yield f"{INDENT}where     {worst.where}"
        yield f"{INDENT}again     {again_text(again, worst.seed)}"


def share_text(tested: Tested) -> str:
    """How many of several runs broke it."""
    runs = len(tested.observations)
    return f"  in {len(tested.missed)} of {runs} runs; the worst:" if runs > 1 else ""


def again_text(words: Sequence[str], seed: str) -> str:
    """The command that shows a run again."""
    return shlex.join([*words, "--seed", seed])


def summary(tested: Sequence[Tested], policy: str, runs: int) -> str:
    """`2 of 3 expectations hold under ladder, 20 runs`."""
    held = sum(not each.missed for each in tested)
    times = f", {runs} runs" if runs > 1 else ""
    return f"{held} of {len(tested)} expectations hold under {policy}{times}"


def tested_mapping(tested: Sequence[Tested], policy: str, again: Sequence[str]) -> dict[str, Any]:
    """What `--json` prints of it."""
    return {
        "policy": policy,
        "expectations": [
            {
                "name": each.name,
                "holds": not each.missed,
                "expected": each.expected,
                "got": each.worst.got,
                "where": each.worst.where,
                "file": each.where.file,
                "line": each.where.line,
                "seed": each.worst.seed,
                "runs": len(each.observations),
                "missed": [one.seed for one in each.missed],
                "again": again_text(again, each.worst.seed),
            }
            for each in tested
        ],
    }

"""Reads the `sweep` section of an experiment file: which factors take which values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hms.scenarios.file_keys import INTEGER, FileKey
from hms.scenarios.read_fields import Fields, shown

POLICY, FAMILY, ENGINE = "policy", "family", "engine"
WORDS = (POLICY, FAMILY, ENGINE)
SWEPT_ENGINES = ("fluid", "request")
PLACES = ("components", "edges", "workload", "slo", "defaults", "faults", "horizon_s")
"""Where a place of a scenario file begins."""

MOST_FACTORS = 8
MOST_VALUES = 100
MOST_CELLS = 10_000
MOST_INCIDENTS = 1_000_000
SEEDS = FileKey("seeds", kind=INTEGER, low=1, high=100_000)
PLACE_EXPECTED = (
    f"{', '.join(WORDS)}, or a place in the scenario file, as"
    " `workload/0/rate_rps` or `edges/front -> cart/timeout_ms`"
)
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """Every combination of the factors' values, each on `seeds` drawn failures.

    Attributes:
        factors: values by factor, in the file's order: policy, family, engine, or a place in
            the scenario file (keys and list indices, joined by `/`).
    """

    factors: Mapping[str, tuple[Value, ...]]
    seeds: int

    @property
    def cells(self) -> int:
        """How many combinations there are."""
        return math.prod(len(values) for values in self.factors.values())

    def to_mapping(self) -> dict[str, Any]:
        """The file's form."""
        return {
            "factors": {name: list(values) for name, values in self.factors.items()},
            "seeds": self.seeds,
        }


def read_sweep(data: Any, families: tuple[str, ...], reader: Fields) -> SweepPlan | None:
    """The section; mistakes go to the reader. None where there is none.

    Args:
        families: every family there is.
    """
    path = ("sweep",)
    if data is None:
        return None
    section = reader.mapping(data, path, "`sweep`")
    reader.refuse_unknown(section, ("factors", "seeds"), path, "`sweep`")
    seeds = reader.scalar(section.get("seeds", 20), SEEDS, (*path, "seeds"))
    named = reader.mapping(section.get("factors", {}), (*path, "factors"), "`factors`")
    if not named:
        reader.wrong(path, "no `factors`", "factors: {policy: [today, ladder]}")
    if len(named) > MOST_FACTORS:
        reader.wrong((*path, "factors"), f"{len(named)} factors", f"at most {MOST_FACTORS}")
    factors = {
        str(name): _read_values(str(name), node, families, reader) for name, node in named.items()
    }
    plan = SweepPlan(factors, int(seeds or 1))
    if plan.cells > MOST_CELLS or plan.cells * plan.seeds > MOST_INCIDENTS:
        what = f"{plan.cells:,} combinations x {plan.seeds:,} seeds"
        reader.wrong(path, what, f"at most {MOST_CELLS:,}, and {MOST_INCIDENTS:,} incidents")
    return plan


def _read_values(
    name: str, data: Any, families: tuple[str, ...], reader: Fields
) -> tuple[Value, ...]:
    """One factor's values: scalars of one kind, each once."""
    path = ("sweep", "factors", name)
    if name not in WORDS and (not _is_place(name)):
        reader.unknown(path[:-1], name, (*WORDS, *(f"{p}/…" for p in PLACES)), "`factors`")
        return ()
    nodes = reader.list_of(data, path, f"`{name}`")
    if not 1 <= len(nodes) <= MOST_VALUES:
        reader.wrong(path, f"{len(nodes)} values", f"1 to {MOST_VALUES}")
    found: list[Value] = []
    for place, node in enumerate(nodes):
        value = _read_value(name, node, (*path, place), families, reader)
        if value is None:
            continue
        if value in found:
            reader.wrong((*path, place), f"{shown(value)} is there twice", "each value once")
        else:
            found.append(value)
    if len({isinstance(value, str) for value in found}) > 1:
        reader.wrong(path, "words and numbers mixed", "values of one kind")
    return tuple(found)


def _read_value(
    name: str, node: Any, path: tuple[str | int, ...], families: tuple[str, ...], reader: Fields
) -> Value | None:
    known = {FAMILY: families, ENGINE: SWEPT_ENGINES}.get(name)
    if name in WORDS and not isinstance(node, str):
        reader.wrong(path, f"{shown(node)}", "a word")
        return None
    if known is not None and node not in known:
        from hms.documents import nearest

        near = nearest(node, known)
        reader.wrong(path, f"unknown {name} {shown(node)}", ", ".join(known), near)
        return None
    if isinstance(node, float) and not math.isfinite(node):
        reader.wrong(path, f"{shown(node)}", "a finite number")
        return None
    if not isinstance(node, str | int | float | bool):
        reader.wrong(path, f"{shown(node)}", "a number or a word")
        return None
    return node


def _is_place(name: str) -> bool:
    first, *rest = name.split("/")
    return first in PLACES and (bool(rest) or first == "horizon_s")

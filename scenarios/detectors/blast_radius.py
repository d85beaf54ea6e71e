"""How far an incident reached: which components and entries were hurt, how long, how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.scenarios.detectors.normal import ended_well
from hms.scenarios.telemetry import Telemetry

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Hurt:
    """One component or entry.

    Attributes:
        since_s: its first hurt second.
        for_s: how many seconds it was hurt.
        failed: requests that it failed or refused in them; of an entry: bad answers.
        outage_s: `failed` over what it is asked a second: seconds of its full outage.
    """

    name: str
    since_s: int
    for_s: int
    failed: float
    outage_s: float


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Who was hurt, most hurt first.

    Attributes:
        components_in_all: components that carry requests, hurt or not.
    """

    components: tuple[Hurt, ...]
    entries: tuple[Hurt, ...]
    components_in_all: int

    @property
    def share(self) -> float:
        """Share of all components that were hurt."""
        return len(self.components) / max(self.components_in_all, 1)


def measure_blast_radius(
    seen: Telemetry, hurt_components: Flags, hurt_entries: Flags, first: int
) -> BlastRadius:
    """Everyone hurt from second `first` on."""
    parts = seen.components
    failed = parts.failed + parts.refused
    good, ended = ended_well(seen)
    entries = [seen.pairs[k][1] for k in seen.entries]
    return BlastRadius(
        _hurt(list(seen.names), hurt_components, failed, parts.arrivals, first),
        _hurt(entries, hurt_entries, ended - good, ended, first),
        int(np.sum(~seen.client)),
    )


def _hurt(
    names: list[str], flags: Flags, failed: npt.NDArray[np.float64],
    asked: npt.NDArray[np.float64], first: int,
) -> tuple[Hurt, ...]:  # fmt: skip
    rows = []
    for column, name in enumerate(names):
        seconds = first + np.flatnonzero(flags[first:, column])
        if len(seconds):
            lost = float(failed[seconds, column].sum())
            mean_rps = max(float(asked[:, column].mean()), 1e-9)
            rows.append(Hurt(name, int(seconds[0]), len(seconds), lost, lost / mean_rps))
    return tuple(sorted(rows, key=lambda row: (-row.outage_s, -row.for_s, row.name)))

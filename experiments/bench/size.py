"""How much is measured: enough for a figure, or just enough to see that it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """How often, and how much.

    Attributes:
        rounds: of the fluid engine and its peers.
        incidents: held-out incidents that the fluid engine is timed on; families take turns.
        starts: processes started with `--help`.
        cold: compilations on an empty cache.
        warm: starts on a filled cache, for each cold one.
        budget: incidents of the search.
        shared: incidents that the workers share, each round.
        shared_rounds: rounds of the workers.
        components: of the large systems.
    """

    rounds: int
    incidents: int
    starts: int
    cold: int
    warm: int
    budget: int
    shared: int
    shared_rounds: int
    components: tuple[int, ...] = (1_000,)


WHOLE = Size(
    rounds=7, incidents=42, starts=12, cold=2, warm=3, budget=10_000, shared=1_200,
    shared_rounds=3, components=(1_000, 100_000),
)  # fmt: skip
SMALL = Size(
    rounds=1, incidents=7, starts=2, cold=1, warm=1, budget=1_000, shared=192, shared_rounds=1
)

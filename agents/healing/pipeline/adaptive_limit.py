"""A concurrency limit that finds itself: additive increase, multiplicative decrease.

The rule of TCP's congestion avoidance (Chiu and Jain 1989), as Netflix's concurrency-limits
applies it to calls: a dropped call (late, or refused for load) takes a tenth off the limit, a
right one adds one, but only while at least half of the limit is used; an idle caller learns
nothing of what the callee can bear.
"""

from __future__ import annotations

from dataclasses import dataclass

from hms.errors import ConfigRefused


@dataclass(frozen=True, slots=True)
class AdaptiveLimit:
    """How a bulkhead's limit moves.

    Attributes:
        least: never below it.
        most: never above it.
        kept_share: of the limit, kept after a drop.

    Raises:
        ConfigRefused: the bounds are no bounds, or the share is not between 0.5 and 1.
    """

    least: int = 1
    most: int = 1000
    kept_share: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what could never move, or would move to nothing."""
        if not 1 <= self.least <= self.most:
            raise ConfigRefused(
                f"AdaptiveLimit: {self.least} to {self.most}\n    expected: 1 <= least <= most"
            )
        if not 0.5 <= self.kept_share < 1.0:
            raise ConfigRefused(
                f"AdaptiveLimit: kept_share is {self.kept_share!r}\n    expected: 0.5 to below 1"
            )

    def next(self, limit: int, used: int, dropped: bool) -> int:
        """The limit after one call.

        Args:
            used: places taken while it ran, its own among them.
            dropped: late, or refused for load; else it came back right.
        """
        if dropped:
            return max(int(limit * self.kept_share), self.least)
        if 2 * used >= limit:
            return min(limit + 1, self.most)
        return limit

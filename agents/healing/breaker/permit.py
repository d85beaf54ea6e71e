"""One call that was let in."""

from __future__ import annotations

from hms.agents.healing.breaker.era import Era


class Permit:
    """One call that was let in; hand it back to its breaker exactly once.

    Attributes:
        era: in which it was let in; its result counts only there.
        ticket: its number among the breaker's calls.
        started_s: when, on the breaker's clock.
        probe: whether it tries out a half-open breaker.
        sampled: whether its duration goes into the mean response time.
        lost: its lease ran out; what it reports now is late.
    """

    __slots__ = ("era", "lost", "probe", "sampled", "started_s", "ticket")

    def __init__(
        self, era: Era, ticket: int, started_s: float, probe: bool = False, sampled: bool = False
    ) -> None:
        """A call that starts at `started_s`."""
        self.era = era
        self.ticket = ticket
        self.started_s = started_s
        self.probe = probe
        self.sampled = sampled
        self.lost = False

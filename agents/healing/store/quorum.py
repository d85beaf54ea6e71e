"""When replicas' breakers count for this one: only if enough of them agree, and for how long.

One replica with a bad network must not cut off all others; two that see the same are believed.
A peer's verdict ends with its own open time: nobody prolongs it for others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hms.agents.healing.store.moment import Moment
from hms.agents.healing.store.store import PeerBreaker
from hms.agents.policy.parameters import HealthParameters

QUORUM_PEERS = HealthParameters().quorum_peers


@dataclass(slots=True)
class Quorum:
    """Reads the peers' breakers, each second.

    A peer on another machine is told apart from this one's wall clock only by chance: how long
    its verdict has been here counts too, so that a peer that died with its clock ahead does not
    hold breakers open for as long as it was ahead.

    Args:
        needed: peers that must agree, the parameter `health.quorum_peers`; 0: none is believed.
    """

    needed: int = QUORUM_PEERS
    _first_seen_s: dict[tuple[str, str], tuple[Moment | None, float]] = field(default_factory=dict)

    def open_until_s(
        self, peers: Iterable[PeerBreaker], now: Moment, now_s: float
    ) -> dict[str, float]:
        """Until when enough peers have it open, by dependency.

        Args:
            peers: breakers of other instances, as saved.
            now: this moment, to tell how old they are.
            now_s: the same on the breakers' clock.
        """
        left: dict[str, list[float]] = {}
        seen: dict[tuple[str, str], tuple[Moment | None, float]] = {}
        for peer in peers:
            breaker = peer.breaker
            place = (peer.instance_id, breaker.dependency)
            before = self._first_seen_s.get(place)
            first_s = before[1] if before and before[0] == breaker.saved else now_s
            seen[place] = (breaker.saved, first_s)
            if breaker.phase != "open" or breaker.fault():
                continue
            left_s = min(breaker.at(now).left_s, breaker.left_s - (now_s - first_s))
            if left_s > 0.0:
                left.setdefault(breaker.dependency, []).append(left_s)
        self._first_seen_s = seen
        return {
            name: now_s + sorted(spans_s)[-self.needed]
            for name, spans_s in left.items()
            if 0 < self.needed <= len(spans_s)
        }

"""How a component is, as JSON for whoever asks by HTTP: a platform's probe, or a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hms.agents.healing.interface import Failed

if TYPE_CHECKING:
    from hms.agents.healing.standalone import StandaloneSelfHealing

BREAKERS_MOST = 100
HTTP_OK = 200
HTTP_UNAVAILABLE = 503


def health_answer(healing: StandaloneSelfHealing) -> tuple[int, bytes]:
    """Status code and JSON body; asking changes nothing.

    503 is said only of a component that is Failed or not yet initialised. While it is Degraded
    or Critical it heals itself: a probe that took it out of service then, or restarted it, would
    act on what is being treated, and an open breaker is the neighbour's illness.
    """
    if not healing.is_initialized:
        return HTTP_UNAVAILABLE, _written({"status": "starting"})
    now_s = healing.clock.now_s()
    with healing.lock:
        found, status = healing.situation(now_s), healing.condition.status(now_s)
    told: dict[str, Any] = {
        "component": healing.config.component_id,
        "instance": healing.instance_id,
        "status": type(status).__name__.lower(),
        "reason": getattr(status, "reason", ""),
        "issue": found.issue.kind if found.issue is not None else "",
        "breakers": dict(list(healing.dependencies.phases().items())[:BREAKERS_MOST]),
        "broken_invariants": healing.broken_invariants,
        "actions": {kind: n for kind, n in healing.action_counts.items() if n},
    }
    return HTTP_UNAVAILABLE if isinstance(status, Failed) else HTTP_OK, _written(told)


def _written(told: dict[str, Any]) -> bytes:
    return json.dumps(told).encode()

"""What monitoring would show of a run, second by second: no fault and no cause is in it.

Every engine fills the same series, so that whoever reads them (`scenarios/detectors`) cannot tell
which engine ran. Counts are requests (or calls) of one second; `*_time_s` are sums over those that
ended in it, so that a mean is time over count, and is unknown where nothing ended.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ComponentSeries:
    """Each of shape (seconds, components).

    Attributes:
        arrivals: requests that came, refused ones among them.
        refused: turned away at the door: queue full, or nobody up.
        ok, failed: answered well, answered with a failure (its own, or of what it calls).
        own_errors: of `failed`, those that no call of its own explains.
        worked: requests whose own work was done; they may still wait for their calls.
        busy_s: core-seconds worked; over `worked` it is the service time (utilisation law).
        residence_time_s: time in the component, summed over `ok + failed`.
        calls_time_s: of it, time spent on its own calls.
        present: requests in it at the end of the second.
        ready: replicas that run and get requests, as their platform sees it.
    """

    arrivals: Array
    refused: Array
    ok: Array
    failed: Array
    own_errors: Array
    worked: Array
    busy_s: Array
    residence_time_s: Array
    calls_time_s: Array
    present: Array
    ready: Array


@dataclass(frozen=True, slots=True)
class EdgeSeries:
    """Each of shape (seconds, edges), as the caller sees its calls.

    Attributes:
        calls: sent, retries among them; those that a breaker held back are `blocked` instead.
        retries: of `calls`, second and later attempts.
        ok, failed, late: answered well, with a failure, not within the time-out.
        given_up: failed for good: no attempt is left, or the breaker is open.
        lost: of `calls`, those that the callee never saw.
        call_time_s: summed over `ok`.
        in_flight: without an answer at the end of the second.
        good: of entries only: answered well within the promised latency.
    """

    calls: Array
    retries: Array
    blocked: Array
    ok: Array
    failed: Array
    late: Array
    given_up: Array
    lost: Array
    call_time_s: Array
    in_flight: Array
    good: Array


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One run as monitoring shows it, and the map of who calls whom that it is drawn on.

    Attributes:
        names: of the components, clients first; columns of `components`.
        pairs: (caller, callee); columns of `edges`.
        client: which components are the outside world.
        soft: which edges may fail without failing the request.
    """

    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    client: Flags
    soft: Flags
    components: ComponentSeries
    edges: EdgeSeries

    @property
    def seconds(self) -> int:
        """How long it was watched."""
        return len(self.components.arrivals)

    @property
    def entries(self) -> tuple[int, ...]:
        """Columns of the edges on which the outside world calls."""
        outside = {name for name, flag in zip(self.names, self.client, strict=True) if flag}
        return tuple(k for k, (caller, _) in enumerate(self.pairs) if caller in outside)

    def place(self, name: str) -> int:
        """The column of a component.

        Raises:
            ValueError: there is none of that name.
        """
        return self.names.index(name)


COMPONENT_COLUMNS = tuple(each.name for each in fields(ComponentSeries))
EDGE_COLUMNS = tuple(each.name for each in fields(EdgeSeries))
"""Names of the series, in the order that engines may rely on."""

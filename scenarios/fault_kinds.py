"""The kinds of fault, what each may strike, its parameters, and what ends it.

One table for the reader of scenario files, the generator and the documentation. What a fault
does to the physics is in the engines; what the words mean to a user is in
docs/scenario-format.md. Classes and parameters follow docs/world.md, section C (Chaos Mesh,
Litmus, flagd and the literature).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hms.scenarios.added import FAULTS, Known, added_kind
from hms.scenarios.file_keys import SWITCH, FileKey

COMPONENT = "component"
EDGE = "edge"
LOAD = "load"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a scenario file may say about one kind of fault.

    Attributes:
        target: `COMPONENT`, `EDGE` or `LOAD` (all of the load, or one entry's).
        ends: acts that may end it (`until:`).
        may_last: whether `duration_s` may end it.
        default_until: the act that ends it when the file says nothing of an end.
        instant: it happens and is over; what it did wears off by itself.
    """

    name: str
    target: str
    does: str
    parameters: tuple[FileKey, ...] = ()
    ends: tuple[str, ...] = ()
    may_last: bool = True
    default_until: str = ""
    instant: bool = False

    @property
    def graded(self) -> bool:
        """Whether its effect can be smaller, and so can grow: `magnitude`, `ramp_s`."""
        return any(not math.isnan(spec.neutral) for spec in self.parameters)


def _share(key: str, does: str, default: float = math.nan) -> FileKey:
    return FileKey(key, high=1.0, neutral=0.0, default=default, does=does)


def _factor(key: str, does: str, default: float = math.nan) -> FileKey:
    return FileKey(key, low=1.0, high=1e4, neutral=1.0, default=default, does=does)


def _seconds(key: str, does: str, default: float = math.nan, low: float = 0.0) -> FileKey:
    return FileKey(key, low=low, high=1e6, unit="s", default=default, does=does)


_SLOWER = "service time times this"

_PROCESS = (
    FaultKind(
        "crash",
        COMPONENT,
        "down, in-flight requests lost with a fast error",
        (
            FileKey(
                "restarts_by_itself",
                kind=SWITCH,
                default=1.0,
                does="the platform's own restart brings it back; false: only an ordered one does",
            ),
        ),
        ends=("restart",),
        default_until="restart",
    ),
    FaultKind(
        "crash_loop",
        COMPONENT,
        "each start ends in a crash again; the platform's restarts come ever later",
        (_seconds("up_s", "it runs this long after a start", default=5.0, low=0.1),),
        ends=("roll_back",),
    ),
    FaultKind(
        "hang",
        COMPONENT,
        "accepts requests and never answers; a tcp probe still passes",
        ends=("restart",),
    ),
    FaultKind(
        "gc_pause",
        COMPONENT,
        "stops for a while again and again, as a hang that passes",
        (
            _seconds("pause_s", "how long it stops", low=0.01),
            _seconds("every_s", "from one stop to the next", low=0.1),
        ),
        ends=("restart",),
    ),
    FaultKind(
        "gray",
        COMPONENT,
        "slow or wrong, while its probes pass whatever they are",
        (
            _factor("slow_factor", _SLOWER, default=1.0),
            _share("error_share", "share of requests", default=0.0),
        ),
        ends=("restart",),
    ),
    FaultKind(
        "flapping_probe",
        COMPONENT,
        "probes tell lies",
        (
            _share("false_share", "share of a healthy replica's probes that fail"),
            _share("missed_share", "share of an ill replica's probes that pass", default=0.0),
        ),
    ),
)
_WORK = (
    FaultKind(
        "error",
        COMPONENT,
        "a share of requests is answered with an error, after its CPU time and before its calls",
        (_share("share", "share of requests"),),
        ends=("restart",),
    ),
    FaultKind(
        "slow",
        COMPONENT,
        "service time grows, probes pass unless their time-out is shorter",
        (_factor("factor", _SLOWER),),
        ends=("restart",),
    ),
    FaultKind(
        "disk_slow",
        COMPONENT,
        "its disk is slow, so its service time grows; no restart mends that",
        (_factor("factor", _SLOWER),),
    ),
    FaultKind(
        "cpu_starvation",
        COMPONENT,
        "a share of its CPU time goes to others; every request is slower by it",
        (FileKey("share", high=0.999, neutral=0.0, does="share of CPU time taken away"),),
    ),
    FaultKind(
        "capacity",
        COMPONENT,
        "cores fall to a value (fractions count in full: 0.5 serves at half speed)",
        (FileKey("cores", high=1e4, does="cores left per replica"),),
        ends=("restart",),
    ),
    FaultKind(
        "pool_exhaustion",
        COMPONENT,
        "workers are held by something else and serve nobody",
        (FileKey("workers", high=1e6, neutral=0.0, does="workers taken, each replica"),),
        ends=("restart",),
    ),
    FaultKind(
        "memory_leak",
        COMPONENT,
        "memory grows; slower above 80 % of the limit, crash at the limit",
        (
            FileKey(
                "mb_per_s", unit="MB/s", high=1e6, neutral=0.0,
                does="leaked per second, each replica",
            ),
            FileKey(
                "mb_per_request", unit="MB", high=1e6, neutral=0.0, default=0.0,
                does="leaked with each request",
            ),
        ),
        ends=("restart",),
    ),
    FaultKind(
        "cache_flush",
        COMPONENT,
        "its cache forgets; it fills again as misses are answered",
        (_share("share", "share of the keys forgotten", default=1.0),),
        may_last=False,
        instant=True,
    ),
    FaultKind(
        "bad_deploy",
        COMPONENT,
        "replicas of a bad version fail or are slow; a restart starts the same version again",
        (
            _share("error_share", "share of requests", default=0.0),
            _factor("slow_factor", _SLOWER, default=1.0),
        ),
        ends=("roll_back",),
        may_last=False,
        default_until="roll_back",
    ),
    FaultKind(
        "misconfiguration",
        COMPONENT,
        "requests are refused at once (a wrong port, a revoked key); a restart does not help",
        (_share("share", "share of requests refused", default=1.0),),
        ends=("roll_back",),
    ),
    FaultKind(
        "clock_skew",
        COMPONENT,
        "its clock is wrong: what it sends is refused as expired where that is too much",
        (
            FileKey("offset_s", low=-1e9, unit="s", does="its clock minus the others'"),
            _seconds("tolerated_s", "what others let pass", default=60.0),
        ),
    ),
)  # fmt: skip
_ROADS = (
    FaultKind(
        "latency",
        EDGE,
        "every call on the edge takes longer",
        (
            FileKey(
                "added_ms", "added_s", high=6e5, unit="ms", milliseconds=True, neutral=0.0,
                does="added to each call",
            ),
            FileKey(
                "jitter_ms", "jitter_s", high=6e5, unit="ms", milliseconds=True, neutral=0.0,
                default=0.0, does="standard deviation of what is added",
            ),
        ),
    ),
    FaultKind(
        "loss",
        EDGE,
        "a share of calls gets no answer: the caller waits out its time-out",
        (_share("share", "share of calls"),),
    ),
    FaultKind(
        "partition",
        EDGE,
        "no call gets through; afterwards the caller's connections are stale",
        (
            _seconds(
                "stale_s", "connections stay stale this long after it, or until reconnected",
                default=30.0,
            ),
        ),
    ),
    FaultKind(
        "dns",
        EDGE,
        "the callee's name cannot be looked up: calls on new connections fail at once",
        (_share("share", "share of calls that need a new connection", default=1.0),),
    ),
    FaultKind(
        "load_spike",
        LOAD,
        "more requests arrive",
        (FileKey("factor", high=1e4, neutral=1.0, does="arrival rate times this"),),
    ),
)  # fmt: skip

OURS: dict[str, FaultKind] = {kind.name: kind for kind in (*_PROCESS, *_WORK, *_ROADS)}
"""Every kind of the engines by name, in the order of the documentation."""

FAULT_KINDS: Mapping[str, FaultKind] = Known(OURS, FAULTS, added_kind)
"""Ours, and those that packages add."""


def at_level(kind: str, parameters: dict[str, float], level: float) -> dict[str, float]:
    """A fault's parameters at a share of its full strength; what does not grow stays."""
    result = dict(parameters)
    for spec in FAULT_KINDS[kind].parameters:
        if not math.isnan(spec.neutral) and spec.field in result:
            result[spec.field] = spec.neutral + (result[spec.field] - spec.neutral) * level
    return result

"""The kinds of fault, what each may strike, its parameters, and what ends it.

One table for the reader of scenario files, the generator and the documentation. What a fault
does to the physics is in `scenarios/faults/`; what the words mean to a user is in
docs/scenario-format.md. Classes and parameters follow docs/world.md, section D (Chaos Mesh,
Litmus, flagd and the literature).
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    name: str
    target: str
    does: str
    parameters: tuple[FileKey, ...] = ()
    ends: tuple[str, ...] = ()
    may_last: bool = True

    @property
    def default_until(self) -> str:
        """The act that ends it when the file gives neither `until` nor `duration_s`."""
        return self.ends[0] if self.ends and not self.may_last else ""


_KINDS = (
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
        may_last=False,
    ),
    FaultKind(
        "hang",
        COMPONENT,
        "accepts requests and never answers; a tcp probe still passes",
        ends=("restart",),
    ),
    FaultKind(
        "latency",
        EDGE,
        "every call on the edge takes longer",
        (
            FileKey(
                "added_ms",
                "added_s",
                high=6e5,
                unit="ms",
                milliseconds=True,
                does="added to each call",
            ),
        ),
    ),
    FaultKind(
        "error",
        COMPONENT,
        "a share of requests is answered with an error, after its CPU time and before its calls",
        (FileKey("share", high=1.0, does="share of requests"),),
        ends=("restart",),
    ),
    FaultKind(
        "slow",
        COMPONENT,
        "service time grows, probes pass unless their time-out is shorter",
        (FileKey("factor", low=1.0, high=1e4, does="service time times this"),),
        ends=("restart",),
    ),
    FaultKind(
        "memory_leak",
        COMPONENT,
        "memory grows; slower above 80 % of the limit, crash at the limit",
        (FileKey("mb_per_s", unit="MB/s", high=1e6, does="leaked per second, each replica"),),
        ends=("restart",),
    ),
    FaultKind(
        "load_spike",
        LOAD,
        "more requests arrive",
        (FileKey("factor", high=1e4, does="arrival rate times this"),),
    ),
    FaultKind(
        "partition",
        EDGE,
        "no call gets through; afterwards the caller's connections are stale",
        (
            FileKey(
                "stale_s",
                unit="s",
                high=1e6,
                default=30.0,
                does="connections stay stale this long after it, or until reconnected",
            ),
        ),
    ),
    FaultKind(
        "loss",
        EDGE,
        "a share of calls gets no answer: the caller waits out its time-out",
        (FileKey("share", high=1.0, does="share of calls"),),
    ),
    FaultKind(
        "bad_deploy",
        COMPONENT,
        "replicas of a bad version fail or are slow; a restart starts the same version again",
        (
            FileKey("error_share", high=1.0, default=0.0, does="share of requests"),
            FileKey("slow_factor", low=1.0, high=1e4, default=1.0, does="service time times this"),
        ),
        ends=("roll_back",),
        may_last=False,
    ),
    FaultKind(
        "capacity",
        COMPONENT,
        "cores fall to a value (fractions count in full: 0.5 serves at half speed)",
        (FileKey("cores", high=1e4, does="cores left per replica"),),
        ends=("restart",),
    ),
)

FAULT_KINDS: dict[str, FaultKind] = {kind.name: kind for kind in _KINDS}
"""Every kind by name, in the order of the documentation."""

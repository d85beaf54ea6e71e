"""The vocabulary of a scenario file: every key, its unit, its range, the model's field.

The reader (`load.py`), the writer (`write.py`) and the fault table (`fault_kinds.py`) share it,
so that a key is spelled in one place. Call-level times are in ms in files and in seconds in the
model (docs/formats.md); everything else has one unit in both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = "number"
INTEGER = "integer"
TEXT = "text"
SWITCH = "switch"

ID_PATTERN = r"[A-Za-z0-9_.-]{1,64}"


@dataclass(frozen=True, slots=True)
class FileKey:
    """One key of a file and the field it fills.

    Attributes:
        key: as the file writes it.
        name: the model's field, in SI units; "" for the key itself.
        kind: `NUMBER`, `INTEGER`, `TEXT` or `SWITCH`.
        low, high: in the file's unit, both allowed.
        milliseconds: the file's unit is ms, the model's is s.
        may_range: `{between: [low, high]}` is allowed.
        choices: the words a text may be; empty: any.
        default: of a fault's parameter, in SI units; NaN: must be given.
        neutral: of a fault's parameter, in SI units: where it has no effect; NaN: it does not
            grow with the fault's strength.
    """

    key: str
    name: str = ""
    kind: str = NUMBER
    low: float = 0.0
    high: float = 1e9
    unit: str = ""
    milliseconds: bool = False
    may_range: bool = False
    choices: tuple[str, ...] = ()
    default: float = math.nan
    neutral: float = math.nan
    does: str = ""

    @property
    def field(self) -> str:
        """The model's field."""
        return self.name or self.key

    @property
    def expected(self) -> str:
        """What a value of it looks like, for messages."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind == TEXT:
            return "a text"
        if self.kind == SWITCH:
            return "true or false"
        noun = "a whole number" if self.kind == INTEGER else "a number"
        unit = f" in {self.unit}" if self.unit else ""
        return f"{noun}{unit} from {self.low:g} to {self.high:g}"


def table(keys: Iterable[FileKey]) -> dict[str, FileKey]:
    """Keys by their spelling in the file."""
    return {key.key: key for key in keys}


def _ms(key: str, name: str, low: float = 0.0, may_range: bool = False) -> FileKey:
    return FileKey(
        key, name, low=low, high=3.6e6, unit="ms", milliseconds=True, may_range=may_range
    )


def _seconds(key: str, low: float = 0.0, may_range: bool = False) -> FileKey:
    return FileKey(key, low=low, high=1e7, unit="s", may_range=may_range)


def _whole(key: str, low: float) -> FileKey:
    return FileKey(key, kind=INTEGER, low=low, high=1e6)


def _choice(key: str, *choices: str) -> FileKey:
    return FileKey(key, kind=TEXT, choices=choices)


COMPONENT_KEYS = table(
    (
        _choice("kind", "service", "store", "client", "queue"),
        _whole("replicas", 1),
        FileKey("cores", low=0.001, high=1e4),
        _whole("workers", 1),
        _whole("queue_limit", 0),
        _ms("service_time_ms", "service_time_s", low=0.001, may_range=True),
        FileKey("service_cv", high=100.0),
        _seconds("startup_s", may_range=True),
        FileKey("memory_mb", unit="MB"),
        FileKey("memory_limit_mb", unit="MB"),
        _choice("balancer", "round_robin", "random", "least"),
        _choice("criticality", "low", "normal", "high"),
        _choice("level", "basic", "advanced", "full"),
        FileKey("zone", kind=TEXT),
        FileKey("version", kind=TEXT),
        _choice("self_restart", "kubernetes", "none"),
        FileKey("address", kind=TEXT),
        _seconds("lb_detect_s"),
        _choice("discipline", "fifo", "lifo", "ps"),
        FileKey("congestion", high=1e4),
        _seconds("cold_s"),
        FileKey("cold_factor", low=1.0, high=1e3),
        _seconds("metric_lag_s"),
        FileKey("metric_noise", high=1.0),
    )
)

EDGE_KEYS = table(
    (
        FileKey("protocol", kind=TEXT),
        FileKey("calls", high=1e4, may_range=True),
        _choice("mode", "sequential", "parallel", "publish"),
        _choice("need", "hard", "soft"),
        FileKey("fallback_quality", high=1.0),
        _ms("network_ms", "network_s"),
        _ms("timeout_ms", "timeout_s", low=0.001),
        FileKey("cancel_on_timeout", kind=SWITCH),
        FileKey("passes_deadline", kind=SWITCH),
        _choice("on_cut", "lose", "queue"),
        _ms("hedge_after_ms", "hedge_after_s"),
        _whole("hedges", 1),
    )
)

PROBE_KEYS = table(
    (
        _choice("kind", "http", "tcp", "grpc", "exec"),
        _seconds("period_s", low=0.001),
        _seconds("timeout_s", low=0.001),
        _whole("failures", 1),
        _seconds("initial_delay_s"),
    )
)

GROUP_KEYS = table(
    (
        _whole("replicas", 1),
        FileKey("zone", kind=TEXT),
        FileKey("version", kind=TEXT),
        FileKey("speed", low=0.001, high=1e3),
    )
)

ENDPOINT_KEYS = table((FileKey("weight", low=1e-6),))
"""Beside `calls`, a mapping of callees to numbers."""

CACHE_KEYS = table(
    (
        FileKey("backing", kind=TEXT),
        FileKey("hit_rate", high=1.0),
        FileKey("keys", low=1.0, high=1e12),
    )
)

COMPONENT_PARTS = ("labels", "groups", "endpoints", "cache")
"""Keys of a component that hold mappings of their own."""

PROBES = ("readiness", "liveness")
"""Keys of the two probes; `probe` sets both at once."""

SLO_KEYS = table(
    (
        FileKey("availability", high=1.0),
        _ms("latency_ms", "latency_s", low=0.001),
        _seconds("stable_for_s"),
    )
)

RATE_KEY = FileKey("rate_rps", unit="requests/s", may_range=True)

WORKLOAD_KINDS: dict[str, dict[str, FileKey]] = {
    "constant": {},
    "spike": table((_seconds("start_s"), _seconds("duration_s"), FileKey("factor", high=1e4))),
    "ramp": table((_seconds("start_s"), _seconds("duration_s"), FileKey("to_rps"))),
    "diurnal": table((_seconds("period_s", low=0.1), FileKey("amplitude", high=1.0))),
    "burst": table(
        (_seconds("every_s", low=0.1), _seconds("burst_s"), FileKey("factor", high=1e4))
    ),
    "points": {},
}
"""Parameters of each shape of load; all of a shape's parameters must be given."""

FILE_LOADS = ("csv", "limbo")
"""Kinds of load that are read from a `file` beside the scenario, and become points."""

ARRIVALS_KEY = _choice("arrivals", "poisson", "regular")
"""How a load's arrivals are spaced."""

LOOP_KEYS = table((FileKey("users", high=1e9), _seconds("think_s", low=0.001)))
"""A closed loop, of any kind, in place of `rate_rps`."""

EXPECT_KEYS = table(
    (
        _seconds("recovers_within_s"),
        FileKey("retry_amplification_below"),
        FileKey("availability_at_least", high=1.0),
        _seconds("downtime_below_s"),
        _seconds("disruption_below_s"),
        FileKey("restarts_at_most", high=1e6),
        _choice("verdict", "recovered", "degraded", "collapsed"),
    )
)

OPENS_AFTER = "opens_after"
OPENS_AFTER_KEYS = table((_seconds("within_s"), _whole("calls", 1)))
"""Of `expect`, by edge: the breaker opens within so many seconds, or failed calls in a row."""

SOURCE_KEYS = table(
    (
        FileKey("file", kind=TEXT),
        FileKey("rule", kind=TEXT),
        FileKey("repository", kind=TEXT),
        FileKey("commit", kind=TEXT),
        _choice("sure", "stated", "measured", "derived", "guessed", "default"),
    )
)

COMPONENT_TODAY = ("concurrency", "detection", "guard", "recovery")
EDGE_TODAY = ("breaker", "retry", "timeout")
"""Groups of a policy that may stand on a component or an edge: its present settings."""

SCENARIO_KEYS = (
    "schema",
    "name",
    "sources",
    "horizon_s",
    "warm_up_s",
    "slo",
    "workload",
    "defaults",
    "components",
    "edges",
    "faults",
    "expect",
)

# ruff: noqa: RUF009  (tunable and floats return dataclass fields)
"""The one table of tunable parameters; a field of a frozen dataclass each.

Type checker, record layout of the compiled engines, genome, `hms explain`, documentation and
exports derive from these fields. Defaults are the runtime's (ADR 0005, section 2).

Units are in the names: `_s` seconds, `_rps` per second, `_share` and `_rate` 0 to 1.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, cast, get_type_hints

from hms.agents.policy.kinds import ACT_NAMES, LADDER_ENTRIES

Floats: TypeAlias = list[float]  # of fixed length; compiled, a sub-array of the record
Value = float | int | bool
T = TypeVar("T", float, int, bool)


def floats(length: int) -> Any:
    """A field that is an array of `length` floats, all zero; its type is `Floats`."""
    return field(default_factory=lambda: [0.0] * length, metadata={"length": length})


def tunable(
    default: T,
    unit: str,
    low: float,
    high: float,
    does: str,
    *,
    scale: str = "",
    choices: tuple[str, ...] = (),
    least: float | None = None,
    most: float | None = None,
    off: float | None = None,
) -> T:
    """A dataclass field that is a parameter.

    Args:
        default: its value where nothing is said; a choice is the index into `choices`.
        unit: "s", "1/s", "1" or "" for switches and choices.
        low: the lowest value a search tries. With `low == high` it is not searched.
        high: the highest value a search tries.
        does: what it does, one line, for `hms explain`.
        scale: "log" for quantities that matter by ratio; else found from the type.
        choices: the words of a choice.
        least: the lowest legal value; `low` if not given.
        most: the highest legal value; `high` if not given.
        off: one more legal value, inside or outside the range, that switches the rule off.
    """
    kind = "switch" if isinstance(default, bool) else "choice" if choices else ""
    if not kind:
        kind = scale or ("integer" if isinstance(default, int) else "linear")
    told = {
        "unit": unit,
        "low": low,
        "high": high,
        "does": does,
        "scale": kind,
        "choices": choices,
        "least": low if least is None else least,
        "most": high if most is None else most,
        "off": off,
    }
    return field(default=default, metadata={"tunable": MappingProxyType(told)})


@dataclass(frozen=True, slots=True)
class Tunable:
    """One row of the table; `path` is the canonical name, such as `breaker.open_s`."""

    path: str
    default: Value
    unit: str
    low: float
    high: float
    scale: str
    choices: tuple[str, ...]
    does: str
    least: float
    most: float
    off: float | None
    kind: type

    @property
    def searched(self) -> bool:
        """Whether a search may change it."""
        return self.low < self.high


def _choice(does: str, *choices: str, default: int = 0) -> int:
    return tunable(default, "", 0, len(choices) - 1, does, choices=choices)


def _switch(default: bool, does: str) -> bool:
    return tunable(default, "", 0, 1, does)


@dataclass(frozen=True, slots=True)
class BreakerParameters:
    """When calls on an edge stop, and when they are tried again."""

    enabled: bool = _switch(True, "whether there is a breaker at all")
    scope: int = _choice("what is cut off: an edge, or replicas behind it", "edge", "replica")
    failure_rate: float = tunable(
        0.5, "1", 0.05, 1.0, "share of failures that opens it", least=1e-4, off=2.0
    )
    slow_call_rate: float = tunable(
        1.0, "1", 0.1, 1.0, "share of slow calls that opens it", least=1e-4, off=2.0
    )
    slow_call_s: float = tunable(
        2.0, "s", 0.05, 60.0, "a call is slow above it", scale="log", least=1e-3, most=3600.0
    )
    window_kind: int = _choice("what the window holds: the last calls, or seconds", "count", "time")
    window_s: float = tunable(
        10.0, "s", 1.0, 60.0, "length of a time window", scale="log", least=0.1, most=3600.0
    )
    window_calls: int = tunable(
        20, "1", 5, 100, "calls in a count window", least=1, most=10_000
    )
    minimum_calls: int = tunable(
        10, "1", 1, 100, "results before a rate counts", least=1, most=10_000
    )
    consecutive_failures: int = tunable(
        0, "1", 0, 20, "failures in a row that open it; 0 is off", most=1000, off=0
    )
    open_s: float = tunable(
        5.0, "s", 0.5, 60.0, "first open time", scale="log", least=1e-3, most=86_400.0
    )
    open_multiplier: float = tunable(
        2.0, "1", 1.0, 4.0, "factor from one opening to the next", most=10.0
    )
    open_max_s: float = tunable(
        60.0, "s", 1.0, 300.0, "longest open time", scale="log", least=1e-3, most=86_400.0
    )
    open_growth: int = _choice("how the open time grows", "geometric", "linear")
    jitter_share: float = tunable(
        0.1, "1", 0.0, 0.5, "share of the open time that chance may take off", most=1.0
    )
    half_open_calls: int = tunable(3, "1", 1, 10, "probes while half-open", most=1000)
    half_open_lease_s: float = tunable(
        10.0, "s", 1.0, 60.0, "a probe not back by then has failed", scale="log", least=1e-3,
        most=3600.0,
    )
    ejected_share_max: float = tunable(
        0.1, "1", 0.1, 1.0, "share of the replicas that may be out (scope replica)", least=0.0
    )
    always_eject_one: bool = _switch(False, "one replica may be out whatever that share says")
    panic_share: float = tunable(
        0.5, "1", 0.0, 1.0, "below this share of replicas in, all are used again"
    )
    sweep_s: float = tunable(
        10.0, "s", 1.0, 30.0, "how often replicas may return", scale="log", least=0.1, most=3600.0
    )


@dataclass(frozen=True, slots=True)
class RetryParameters:
    """Whether a failed call is made again, when, and how many such calls there may be."""

    max_attempts: int = tunable(1, "1", 1, 5, "calls in all, the first included")
    retry_on_refused: bool = _switch(True, "again if it was down or its queue full")
    retry_on_unavailable: bool = _switch(True, "again if a limit or breaker behind it said no")
    retry_on_error: bool = _switch(False, "again if it answered wrongly")
    retry_on_cancelled: bool = _switch(False, "again if it was cancelled")
    retry_on_timeout: bool = _switch(True, "again if it was late")
    base_s: float = tunable(
        0.1, "s", 0.005, 2.0, "wait before the first retry", scale="log", least=0.0, most=60.0
    )
    multiplier: float = tunable(2.0, "1", 1.0, 4.0, "factor from one wait to the next", most=10.0)
    max_s: float = tunable(
        1.0, "s", 0.05, 20.0, "longest wait", scale="log", least=0.0, most=3600.0
    )
    jitter_kind: int = _choice(
        "how chance spreads the waits", "none", "full", "equal", "decorrelated", default=1
    )
    budget_kind: int = _choice(
        "what bounds the retries of all calls together", "none", "tokens", "in_flight", default=1
    )
    budget_ratio: float = tunable(
        0.1, "1", 0.01, 0.5, "tokens that a success deposits", least=0.0, most=10.0
    )
    budget_min_rps: float = tunable(0.0, "1/s", 0.0, 10.0, "tokens by time", most=1e4)
    budget_max: float = tunable(
        10.0, "1", 1.0, 100.0, "tokens in a full bucket", scale="log", least=0.0, most=1e6
    )
    in_flight_share: float = tunable(
        0.2, "1", 0.05, 1.0, "retries under way, share of calls under way", least=0.0
    )
    in_flight_min: int = tunable(3, "1", 0, 10, "retries under way always allowed", most=10_000)


@dataclass(frozen=True, slots=True)
class TimeoutParameters:
    """How long a caller waits."""

    call_s: float = tunable(
        0.0, "s", 0.05, 30.0, "for one attempt; 0: as the scenario says", scale="log", least=1e-3,
        most=3600.0, off=0.0,
    )
    total_s: float = tunable(
        0.0, "s", 0.1, 60.0, "for all attempts together; 0: no limit", scale="log", least=1e-3,
        most=86_400.0, off=0.0,
    )


@dataclass(frozen=True, slots=True)
class ConcurrencyParameters:
    """How many requests one replica takes."""

    limit: int = tunable(
        0, "1", 4, 256, "requests in work; 0: as the scenario says", least=1, most=1_000_000, off=0
    )
    queue_limit: int = tunable(
        -1, "1", 0, 256, "requests waiting; -1: as the scenario says", most=1_000_000, off=-1
    )


@dataclass(frozen=True, slots=True)
class DetectionParameters:
    """When a component counts as ill, and when as well again."""

    error_rate: float = tunable(
        0.2, "1", 0.02, 0.6, "share of wrong answers that is an illness", least=1e-3, most=1.0
    )
    slow_factor: float = tunable(
        4.0, "1", 1.5, 10.0, "times the usual response that is slow", least=1.01, most=1000.0
    )
    memory_share: float = tunable(
        0.85, "1", 0.5, 0.98, "share of the memory limit that is an illness", least=0.01, most=1.0
    )
    queue_share: float = tunable(
        0.9, "1", 0.3, 1.0, "share of the queue that is saturation", least=0.01
    )
    silence_s: float = tunable(
        3.0, "s", 1.0, 30.0, "no answer for so long is unresponsive", scale="log", least=0.1,
        most=3600.0,
    )
    way_back: float = tunable(
        0.7, "1", 0.3, 0.95, "share of a threshold below which it is well again", least=0.0,
        most=1.0,
    )
    confirm_s: float = tunable(
        1.0, "s", 0.5, 10.0, "how long an illness lasts before it counts", scale="log", least=0.0,
        most=3600.0,
    )


@dataclass(frozen=True, slots=True)
class GuardParameters:
    """How often an agent may disrupt; a search may tighten it, never loosen it."""

    at_once: int = tunable(1, "1", 1, 1, "replicas disrupted at once", most=100)
    acts_per_10_min: int = tunable(3, "1", 1, 3, "disruptive acts in ten minutes", most=10)
    acts_per_day: int = tunable(10, "1", 3, 10, "disruptive acts in a day", least=1)
    intensity_acts: int = tunable(
        0, "1", 0, 0, "acts in `intensity_s` after which the next escalates; 0 is off", most=10,
        off=0,
    )
    intensity_s: float = tunable(
        60.0, "s", 60.0, 60.0, "span of `intensity_acts`", least=0.1, most=86_400.0
    )
    bound: bool = tunable(True, "", 1, 1, "False for stacks that are not ours: no limits", least=0)


@dataclass(frozen=True, slots=True)
class StepParameters:
    """One step of a ladder: what is done, and how long its effect is waited for."""

    act: int = _choice("what is done", *ACT_NAMES)
    patience_s: float = tunable(
        10.0, "s", 1.0, 60.0, "how long to wait for the effect", scale="log", least=0.0,
        most=86_400.0,
    )
    cool_down_s: float = tunable(
        0.0, "s", 0.0, 120.0, "time before the same act on the same replicas", most=86_400.0
    )
    delay_first_s: float = tunable(
        0.0, "s", 0.0, 20.0, "wait before the first repetition", most=3600.0
    )
    delay_multiplier: float = tunable(
        2.0, "1", 1.0, 4.0, "factor from one such wait to the next", most=10.0
    )
    delay_max_s: float = tunable(
        300.0, "s", 10.0, 300.0, "longest such wait", scale="log", least=0.0, most=86_400.0
    )
    delay_reset_s: float = tunable(
        60.0, "s", 10.0, 600.0, "calm after which all starts anew", scale="log", least=0.1,
        most=86_400.0,
    )
    replicas: int = tunable(1, "1", 1, 3, "replicas that `scale` adds", most=100)
    duration_s: float = tunable(
        30.0, "s", 5.0, 120.0, "how long `fallback` lasts", scale="log", least=0.1, most=86_400.0
    )


@dataclass(frozen=True, slots=True)
class RecoveryParameters:
    """The ladders of all issues as arrays; entry `issue * LADDER_STEPS + step`.

    Built from a policy's steps by `HealingPolicy.for_component`. `act` holds codes of kinds.py,
    `amount` replicas (scale), the new value (adjust) or seconds (fallback), `target` what
    adjust sets, or 0 for the custom act `roll_back` and -1 for another.
    """

    act: Floats = floats(LADDER_ENTRIES)
    patience_s: Floats = floats(LADDER_ENTRIES)
    cool_down_s: Floats = floats(LADDER_ENTRIES)
    delay_first_s: Floats = floats(LADDER_ENTRIES)
    delay_multiplier: Floats = floats(LADDER_ENTRIES)
    delay_max_s: Floats = floats(LADDER_ENTRIES)
    delay_reset_s: Floats = floats(LADDER_ENTRIES)
    amount: Floats = floats(LADDER_ENTRIES)
    target: Floats = floats(LADDER_ENTRIES)


GROUPS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "breaker": BreakerParameters,
        "retry": RetryParameters,
        "timeout": TimeoutParameters,
        "concurrency": ConcurrencyParameters,
        "detection": DetectionParameters,
        "guard": GuardParameters,
    }
)
"""Groups of a policy file whose values are single; recovery holds ladders of steps."""


def rows(group: str, record: type[Any]) -> Iterator[Tunable]:
    """The table's rows of one dataclass, in declared order."""
    hints = get_type_hints(record)
    for each in dataclasses.fields(record):
        told = each.metadata["tunable"]
        default = cast(Value, each.default)
        yield Tunable(path=f"{group}.{each.name}", default=default, kind=hints[each.name], **told)


def table() -> list[Tunable]:
    """Every single-valued parameter, in declared order."""
    return [row for group, record in GROUPS.items() for row in rows(group, record)]


def step_table() -> list[Tunable]:
    """What a step of a ladder consists of; paths `step.act`, `step.patience_s`, …"""
    return list(rows("step", StepParameters))

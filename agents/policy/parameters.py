# ruff: noqa: RUF009  (tunable and floats return dataclass fields)
"""The one table of tunable parameters; a field of a frozen dataclass each.

Type checker, record layout of the compiled engines, genome, `hms explain`, documentation and
exports derive from these fields. Defaults are the runtime's (ADR 0005, section 2).

Units are in the names: `_s` seconds, `_rps` per second, `_share` and `_rate` 0 to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hms.agents.policy.kinds import FLAPS_HELD, LADDER_ENTRIES
from hms.agents.policy.step_parameters import StepParameters
from hms.agents.policy.tunable import (
    Floats,
    Tunable,
    Value,
    choice,
    floats,
    rows,
    switch,
    tunable,
)

__all__ = [
    "GROUPS", "Floats", "StepParameters", "Tunable", "Value", "floats", "rows", "tunable",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class BreakerParameters:
    """When calls on an edge stop, and when they are tried again."""

    enabled: bool = switch(True, "whether there is a breaker at all")
    scope: int = choice("what is cut off: an edge, or replicas behind it", "edge", "replica")
    failure_rate: float = tunable(
        0.5, "1", 0.05, 1.0, "share of failures that opens it", least=1e-4, off=2.0
    )
    slow_call_rate: float = tunable(
        1.0, "1", 0.1, 1.0, "share of slow calls that opens it", least=1e-4, off=2.0
    )
    slow_call_s: float = tunable(
        2.0, "s", 0.05, 60.0, "a call is slow above it", scale="log", least=1e-3, most=3600.0
    )
    window_kind: int = choice("what the window holds: the last calls, or seconds", "count", "time")
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
    open_growth: int = choice("how the open time grows", "geometric", "linear")
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
    always_eject_one: bool = switch(False, "one replica may be out whatever that share says")
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
    retry_on_refused: bool = switch(True, "again if it was down or its queue full")
    retry_on_unavailable: bool = switch(True, "again if a limit or breaker behind it said no")
    retry_on_error: bool = switch(False, "again if it answered wrongly")
    retry_on_cancelled: bool = switch(False, "again if it was cancelled")
    retry_on_timeout: bool = switch(True, "again if it was late")
    base_s: float = tunable(
        0.1, "s", 0.005, 2.0, "wait before the first retry", scale="log", least=0.0, most=60.0
    )
    multiplier: float = tunable(2.0, "1", 1.0, 4.0, "factor from one wait to the next", most=10.0)
    max_s: float = tunable(
        1.0, "s", 0.05, 20.0, "longest wait", scale="log", least=0.0, most=3600.0
    )
    jitter_kind: int = choice(
        "how chance spreads the waits", "none", "full", "equal", "decorrelated", default=1
    )
    budget_kind: int = choice(
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
    flap_changes: int = tunable(
        4, "1", 3, 6, "changes between well and ill in `flap_s` that are flapping; 0 is off",
        least=2, most=FLAPS_HELD, off=0,
    )
    flap_s: float = tunable(
        60.0, "s", 20.0, 300.0, "span of `flap_changes`, and calm that ends it", scale="log",
        least=0.1, most=86_400.0,
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
class HealthParameters:
    """When a component is called degraded, critical or failed, and when well again."""

    reports_in: int = tunable(
        3, "1", 3, 3, "reports in a row that meet a state before it is entered", least=1, most=100
    )
    reports_out: int = tunable(
        3, "1", 3, 3, "reports in a row below its way back before it is left", least=1, most=100
    )
    missing_reports: int = tunable(
        3, "1", 3, 3, "reports missing that is Failed", least=1, most=1000, off=0
    )
    interval_s: float = tunable(
        10.0, "s", 10.0, 10.0, "time between reports, unless they usually come further apart",
        least=0.01, most=86_400.0,
    )
    window_s: float = tunable(
        10.0, "s", 10.0, 10.0, "span over which guarded calls are counted for a report",
        least=0.1, most=3600.0,
    )
    degraded_error_rate: float = tunable(
        0.05, "1", 0.05, 0.05, "share of errors that is Degraded", least=1e-4, most=1.0
    )
    critical_error_rate: float = tunable(
        0.25, "1", 0.25, 0.25, "share of errors that is Critical", least=1e-4, most=1.0
    )
    failed_error_rate: float = tunable(
        0.9, "1", 0.9, 0.9, "share of errors that is Failed", least=1e-4, most=1.0
    )
    errors_way_back: float = tunable(
        0.6, "1", 0.6, 0.6, "share of a limit on errors below which its state is left", least=0.0,
        most=1.0,
    )
    critical_memory_share: float = tunable(
        0.9, "1", 0.9, 0.9, "share of the memory limit that is Critical", least=0.01, most=1.0,
        off=2.0,
    )
    memory_way_back: float = tunable(
        0.9, "1", 0.9, 0.9, "share of that limit below which its state is left", least=0.0,
        most=1.0,
    )
    degraded_slow_factor: float = tunable(
        4.0, "1", 4.0, 4.0, "times the usual response that is Degraded", least=1.01, most=1e4,
        off=0.0,
    )
    critical_slow_factor: float = tunable(
        16.0, "1", 16.0, 16.0, "times the usual response that is Critical", least=1.01, most=1e4,
        off=0.0,
    )
    slow_least_s: float = tunable(
        0.1, "s", 0.1, 0.1, "a response below it is never slow", least=0.0, most=3600.0
    )
    degraded_response_s: float = tunable(
        0.0, "s", 60.0, 60.0, "response that is Degraded, whatever is usual", least=1e-3,
        most=86_400.0, off=0.0,
    )
    critical_response_s: float = tunable(
        0.0, "s", 60.0, 60.0, "response that is Critical, whatever is usual", least=1e-3,
        most=86_400.0, off=0.0,
    )
    slow_way_back: float = tunable(
        0.6, "1", 0.6, 0.6, "share of a limit on the response below which its state is left",
        least=0.0, most=1.0,
    )
    warm_up: int = tunable(
        20, "1", 20, 20, "values before the usual ones count as known", least=3, most=1000
    )
    unusual_deviations: float = tunable(
        6.0, "1", 6.0, 6.0, "deviations from the median that are unusual", least=1.0, most=1000.0
    )
    quorum_peers: int = tunable(
        2, "1", 2, 2, "replicas whose open breaker opens it in the others, too; 0 is off",
        least=1, most=1000, off=0,
    )


@dataclass(frozen=True, slots=True)
class VerificationParameters:
    """How an act's effect is judged, and what becomes of one that did not help."""

    hold_s: float = tunable(
        2.0, "s", 1.0, 10.0, "beyond `confirm_s`: how long an illness must be gone to be believed",
        scale="log", least=0.0, most=3600.0,
    )
    extension_s: float = tunable(
        60.0, "s", 10.0, 300.0, "longest wait beyond an act's patience while nothing is to be seen",
        scale="log", least=0.0, most=86_400.0,
    )
    undo: bool = tunable(True, "", 1, 1, "takes back what did not help, if it can be", least=0)


@dataclass(frozen=True, slots=True)
class RecoveryParameters:
    """The ladders of all issues as arrays; entry `issue * LADDER_STEPS + step`.

    Built from a policy's steps by `HealingPolicy.for_component`, with how they are verified.
    `act` holds codes of kinds.py, `amount` replicas (scale), the new value (adjust) or seconds
    (fallback), `target` what adjust sets, or 0 for the custom act `roll_back`, -1 for another.
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
    verification: VerificationParameters = field(default_factory=VerificationParameters)


GROUPS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "breaker": BreakerParameters,
        "retry": RetryParameters,
        "timeout": TimeoutParameters,
        "concurrency": ConcurrencyParameters,
        "detection": DetectionParameters,
        "guard": GuardParameters,
        "verification": VerificationParameters,
        "health": HealthParameters,
    }
)
"""Groups of a policy file whose values are single; recovery holds ladders of steps."""


def table() -> list[Tunable]:
    """Every single-valued parameter, in declared order."""
    return [row for group, record in GROUPS.items() for row in rows(group, record)]


def step_table() -> list[Tunable]:
    """What a step of a ladder consists of; paths `step.act`, `step.patience_s`, …"""
    return list(rows("step", StepParameters))

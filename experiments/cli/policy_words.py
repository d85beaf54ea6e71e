"""A policy in words: values with their units, differences as sentences.

Every parameter has a sentence with one gap, and one for the value that switches it off, so
that a difference reads `opens after 12 % instead of 50 % failures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hms.agents.policy.healing_policy import Override, Step
from hms.agents.policy.parameters import Tunable, Value
from hms.agents.policy.policy_values import ROWS, write_paths

OFF_WORDS: Mapping[str, str] = {
    "timeout.call_s": "as the scenario says",
    "timeout.total_s": "no limit",
    "concurrency.limit": "as the scenario says",
    "concurrency.queue_limit": "as the scenario says",
    "health.degraded_response_s": "only what is usual counts",
    "health.critical_response_s": "only what is usual counts",
}
"""What the value that switches a rule off means, where that is not simply off."""

SENTENCES: Mapping[str, tuple[str, str]] = {
    "breaker.enabled": ("has a breaker", "has no breaker"),
    "breaker.scope": ("cuts off: {}", ""),
    "breaker.failure_rate": ("opens after {} failures", "does not open by failure rate"),
    "breaker.slow_call_rate": ("opens after {} slow calls", "does not open by slow calls"),
    "breaker.slow_call_s": ("calls a call slow after {}", ""),
    "breaker.window_kind": ("its window holds: {}", ""),
    "breaker.window_s": ("looks back {}", ""),
    "breaker.window_calls": ("looks back {} calls", ""),
    "breaker.minimum_calls": ("judges a rate from {} calls on", ""),
    "breaker.consecutive_failures": (
        "opens after {} failures in a row",
        "does not open by failures in a row",
    ),
    "breaker.open_s": ("stays open {} at first", ""),
    "breaker.open_multiplier": ("stays open {} times as long at each opening", ""),
    "breaker.open_max_s": ("stays open {} at most", ""),
    "breaker.open_growth": ("its open time grows: {}", ""),
    "breaker.jitter_share": ("chance takes up to {} off the open time", ""),
    "breaker.half_open_calls": ("sends {} probes while half-open", ""),
    "breaker.half_open_lease_s": ("gives up a probe after {}", ""),
    "breaker.ejected_share_max": ("lets {} of the replicas be out", ""),
    "breaker.always_eject_one": (
        "may always eject one replica",
        "ejects no replica beyond that share",
    ),
    "breaker.panic_share": ("uses all replicas when fewer than {} are in", ""),
    "breaker.sweep_s": ("lets replicas return every {}", ""),
    "retry.max_attempts": ("makes {} calls in all", ""),
    "retry.retry_on_refused": ("retries refused calls", "does not retry refused calls"),
    "retry.retry_on_unavailable": (
        "retries calls that a limit or breaker refused",
        "does not retry calls that a limit or breaker refused",
    ),
    "retry.retry_on_error": ("retries wrong answers", "does not retry wrong answers"),
    "retry.retry_on_cancelled": ("retries cancelled calls", "does not retry cancelled calls"),
    "retry.retry_on_timeout": ("retries late calls", "does not retry late calls"),
    "retry.base_s": ("waits {} before the first retry", ""),
    "retry.multiplier": ("waits {} times as long before each further retry", ""),
    "retry.max_s": ("waits {} at most", ""),
    "retry.jitter_kind": ("spreads the waits: {}", ""),
    "retry.budget_kind": ("bounds retries by: {}", ""),
    "retry.budget_ratio": ("earns {} retries for each success", ""),
    "retry.budget_min_rps": ("earns {} retries a second in any case", ""),
    "retry.budget_max": ("saves up {} retries", ""),
    "retry.in_flight_share": ("lets {} of the calls under way be retries", ""),
    "retry.in_flight_min": ("always allows {} retries under way", ""),
    "timeout.call_s": ("waits {} for one attempt", "waits for one attempt as the scenario says"),
    "timeout.total_s": ("waits {} for all attempts", "has no limit for all attempts together"),
    "concurrency.limit": (
        "takes {} requests at once",
        "takes as many requests at once as the scenario says",
    ),
    "concurrency.queue_limit": (
        "lets {} requests wait",
        "lets as many requests wait as the scenario says",
    ),
    "detection.error_rate": ("sees errors from {} wrong answers on", ""),
    "detection.slow_factor": ("sees slowness from {} times the usual response on", ""),
    "detection.memory_share": ("sees memory from {} of the limit on", ""),
    "detection.queue_share": ("sees saturation from {} of the queue on", ""),
    "detection.silence_s": ("sees unresponsiveness after {} of silence", ""),
    "detection.way_back": ("sees it well again below {} of a threshold", ""),
    "detection.confirm_s": ("believes an illness after {}", ""),
    "detection.flap_changes": ("sees flapping after {} changes", "does not see flapping"),
    "detection.flap_s": ("counts such changes over {}", ""),
    "guard.at_once": ("disrupts {} replicas at once", ""),
    "guard.acts_per_10_min": ("acts {} times in ten minutes", ""),
    "guard.acts_per_day": ("acts {} times a day", ""),
    "guard.intensity_acts": (
        "escalates after {} acts in a short time",
        "does not escalate by acts in a short time",
    ),
    "guard.intensity_s": ("counts such acts over {}", ""),
    "guard.bound": ("is bound by the guard", "is not bound by the guard"),
    "verification.hold_s": ("believes an act's effect after {}", ""),
    "verification.extension_s": ("waits {} more for an effect that cannot be seen", ""),
    "verification.undo": ("takes back what did not help", "takes nothing back"),
    "health.reports_in": ("enters a state of health after {} reports", ""),
    "health.reports_out": ("leaves a state of health after {} reports", ""),
    "health.missing_reports": ("counts {} missing reports as Failed", "lets reports be missing"),
    "health.interval_s": ("expects a report each {}", ""),
    "health.window_s": ("counts guarded calls over {}", ""),
    "health.degraded_error_rate": ("is Degraded from {} errors on", ""),
    "health.critical_error_rate": ("is Critical from {} errors on", ""),
    "health.failed_error_rate": ("is Failed from {} errors on", ""),
    "health.errors_way_back": ("sees errors gone below {} of a limit", ""),
    "health.critical_memory_share": (
        "is Critical from {} of the memory limit on",
        "is never Critical by memory",
    ),
    "health.memory_way_back": ("sees memory free again below {} of its limit", ""),
    "health.degraded_slow_factor": (
        "is Degraded from {} times the usual response on",
        "is never Degraded by the usual response",
    ),
    "health.critical_slow_factor": (
        "is Critical from {} times the usual response on",
        "is never Critical by the usual response",
    ),
    "health.slow_least_s": ("calls no response below {} slow", ""),
    "health.degraded_response_s": (
        "is Degraded from a response of {} on",
        "is Degraded by no fixed response",
    ),
    "health.critical_response_s": (
        "is Critical from a response of {} on",
        "is Critical by no fixed response",
    ),
    "health.slow_way_back": ("sees slowness gone below {} of a limit", ""),
    "health.warm_up": ("knows what is usual after {} values", ""),
    "health.unusual_deviations": ("calls {} deviations from the median unusual", ""),
    "health.quorum_peers": (
        "opens a breaker that {} other replicas have open",
        "does not heed the breakers of other replicas",
    ),
}

NOTHING = "nothing"


def is_share(row: Tunable) -> bool:
    """Whether a value is a share of a whole, told in percent."""
    name = row.path.split(".")[1]
    return row.unit == "1" and name.endswith(("_rate", "_share", "_share_max", "way_back"))


def spoken(path: str, value: Value) -> str:
    """A value with its unit: `12 %`, `80 ms`, `4 s`, `off`, `edge`."""
    row = ROWS[path]
    if row.choices:
        return row.choices[int(value)]
    if row.scale == "switch":
        return "yes" if value else "no"
    if row.off is not None and value == row.off:
        return OFF_WORDS.get(path, "off")
    return quantity(row, float(value))


def quantity(row: Tunable, value: float) -> str:
    """A number of this parameter with its unit."""
    if is_share(row):
        return f"{100.0 * value:.4g} %"
    if row.unit == "s":
        return duration(value)
    if row.unit == "1/s":
        return f"{value:.6g}/s"
    return f"{value:.6g}"


def duration(value_s: float) -> str:
    """`80 ms` below a second, `1.5 s` from there."""
    return f"{1000.0 * value_s:.4g} ms" if 0.0 < value_s < 1.0 else f"{value_s:.6g} s"


def sentence(path: str, value: Value) -> str:
    """What this value makes a policy do."""
    row = ROWS[path]
    on, off = SENTENCES[path]
    switched_off = (row.scale == "switch" and not value) or (
        row.off is not None and value == row.off
    )
    return off if switched_off else on.format(_counted(path, value))


def difference(path: str, a: Value, b: Value) -> str:
    """What `b` makes a policy do instead of `a`: `opens after 12 % instead of 50 % failures`."""
    row = ROWS[path]
    off_value = row.off if row.scale != "switch" else False
    if row.scale == "switch" or (off_value is not None and off_value in (a, b)):
        return f"{sentence(path, b)} (before: {sentence(path, a)})"
    return SENTENCES[path][0].format(f"{_counted(path, b)} instead of {_counted(path, a)}")


def _counted(path: str, value: Value) -> str:
    """A rate without its `/s`: the sentence already says a second."""
    return spoken(path, value).removesuffix("/s")


def ladder(steps: Sequence[Step]) -> str:
    """`reconnect (wait 2 s), then restart (wait 20 s, cool-down 45 s)`."""
    acting = [step for step in steps if step.act != "none"]
    return ", then ".join(one_step(step) for step in acting) or NOTHING


def one_step(step: Step) -> str:
    """One act with what it takes and how long its effect is waited for."""
    act = step.act
    if act == "adjust":
        act = f"set {step.target} to {step.value:g}"
    elif act == "scale":
        act = f"add {step.replicas} replica{'s' if step.replicas > 1 else ''}"
    elif act == "fallback":
        act = f"fall back for {duration(step.duration_s)}"
    elif act == "custom":
        act = step.name
    waits = [f"wait {duration(step.patience_s)}"]
    if step.cool_down_s > 0.0:
        waits.append(f"cool-down {duration(step.cool_down_s)}")
    if step.delay_first_s > 0.0:
        waits.append(
            f"repeated after {duration(step.delay_first_s)} x {step.delay_multiplier:g},"
            f" at most {duration(step.delay_max_s)},"
            f" anew after {duration(step.delay_reset_s)} of calm"
        )
    return f"{act} ({', '.join(waits)})"


def override(each: Override) -> str:
    """`where criticality is high: timeout.call_s 1.4 s`."""
    where = " and ".join(f"{key} is {value}" for key, value in each.where.items())
    values = dict(write_paths(dict(each.set)))
    told = [
        f"{path} {spoken(path, each.set[path])}" if path in each.set else f"{path} {value}"
        for path, value in values.items()
    ]
    return f"where {where}: {', '.join(told)}"

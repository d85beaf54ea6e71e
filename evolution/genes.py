"""Which settings evolution may turn, and how far: the one list of genes.

The parameter table has more entries than a search with some ten thousand incidents can afford
to explore. A gene stands here when the prototypes or the literature say that its value decides
incidents; what is left out keeps the table's default or the value in `ALWAYS`:

- leases, sweeps, ejection shares, jitter, growth of a third opening: second-order beside
  thresholds and times, and a wrong value can only hurt;
- `guard.*` beyond the number of acts, and whether an act that did not help is undone: a limit on
  acting is the operator's, so evolution may tighten it and never loosen it;
- count windows: a window of the last n calls says nothing about a component whose traffic has
  stopped; the baselines that use one are compared as they are.

The ladder is the order in which a component tries acts, one ladder for each kind of issue. What
an act takes (how long until its effect shows, how much of it) belongs to the act, not to the
issue: a restart takes as long whatever it is for. That keeps 15 + 10 genes where giving every
step its own patience, cool-down and amount would need 60 more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sought:
    """A gene: the row of the parameter table that it turns, and where its range differs.

    Attributes:
        path: the gene's name; for a single-valued parameter also the row's.
        low, high: the search range where it is not the table's.
        scale: "log" for an integer whose steps matter by ratio; it stays an integer.
        row: the table's row when it is not `path` (a part of a step).
    """

    path: str
    low: float | None = None
    high: float | None = None
    scale: str = ""
    row: str = ""


SOUGHT = (
    Sought("breaker.enabled"),
    Sought("breaker.scope"),
    Sought("breaker.failure_rate"),
    Sought("breaker.slow_call_rate"),
    Sought("breaker.slow_call_s", high=10.0),
    Sought("breaker.window_s", low=2.0),
    Sought("breaker.minimum_calls", low=2, scale="log"),
    Sought("breaker.consecutive_failures", low=2, scale="log"),
    Sought("breaker.open_s"),
    Sought("breaker.open_multiplier"),
    Sought("breaker.half_open_calls", scale="log"),
    Sought("retry.max_attempts"),
    Sought("retry.retry_on_refused"),
    Sought("retry.retry_on_unavailable"),
    Sought("retry.retry_on_error"),
    Sought("retry.retry_on_timeout"),
    Sought("retry.base_s"),
    Sought("retry.budget_ratio", scale="log"),
    Sought("timeout.call_s", high=10.0),
    Sought("timeout.total_s", high=20.0),
    Sought("concurrency.limit", scale="log"),
    Sought("concurrency.queue_limit", low=1, scale="log"),
    Sought("detection.error_rate"),
    Sought("detection.slow_factor", scale="log"),
    Sought("detection.memory_share"),
    Sought("detection.queue_share"),
    Sought("detection.silence_s", high=15.0),
    Sought("detection.confirm_s"),
    Sought("guard.acts_per_10_min"),
    Sought("verification.hold_s"),
)

ALWAYS: dict[str, object] = {"breaker.window_kind": "time", "retry.jitter_kind": "full"}
"""Settings of every evolved policy that differ from the table's defaults."""

REPLICA_ALWAYS: dict[str, object] = {"breaker.always_eject_one": True, "breaker.panic_share": 0.0}
"""... and of those that eject replicas: with few replicas a share of them rounds to none."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a choice of the ladder is written as a step of a policy file.

    Attributes:
        act: the step's `act`.
        patience: gene that says how long to wait for the effect.
        cool_down: gene for the rest after it, "" for an act that costs nothing to repeat.
        key: the step's further key (`replicas`, `duration_s`, `name`, or a parameter to adjust).
        amount: gene with that key's value, "" where `value` is it.
        value: the fixed value of `key`.
        disrupts: it takes replicas away for a while, so the guard limits it.
    """

    act: str
    patience: str
    cool_down: str = ""
    key: str = ""
    amount: str = ""
    value: float | int | str = ""
    disrupts: bool = False


NONE = "none"

FORMS = {
    "reconnect": Form("reconnect", "act.quick.patience_s"),
    "fallback": Form(
        "fallback", "act.quick.patience_s", key="duration_s", amount="act.fallback.duration_s"
    ),
    "limit": Form(
        "adjust", "act.quick.patience_s", key="concurrency.limit", amount="act.limit.value"
    ),
    "queue": Form(
        "adjust", "act.quick.patience_s", key="concurrency.queue_limit", amount="act.queue.value"
    ),
    "no_retries": Form("adjust", "act.quick.patience_s", key="retry.max_attempts", value=1),
    "scale": Form(
        "scale",
        "act.scale.patience_s",
        cool_down="act.scale.cool_down_s",
        key="replicas",
        amount="act.scale.replicas",
    ),
    "restart": Form(
        "restart",
        "act.restart.patience_s",
        cool_down="act.restart.cool_down_s",
        disrupts=True,
    ),
    "roll_back": Form(
        "custom", "act.roll_back.patience_s", key="name", value="roll_back", disrupts=True
    ),
}

AMOUNTS = (
    Sought("act.quick.patience_s", high=20.0, row="step.patience_s"),
    Sought("act.scale.patience_s", low=5.0, row="step.patience_s"),
    Sought("act.scale.cool_down_s", row="step.cool_down_s"),
    Sought("act.restart.patience_s", low=5.0, row="step.patience_s"),
    Sought("act.restart.cool_down_s", row="step.cool_down_s"),
    Sought("act.roll_back.patience_s", low=5.0, row="step.patience_s"),
    Sought("act.fallback.duration_s", row="step.duration_s"),
    Sought("act.limit.value", low=1, high=128, scale="log", row="concurrency.limit"),
    Sought("act.queue.value", low=1, high=128, scale="log", row="concurrency.queue_limit"),
    Sought("act.scale.replicas", row="step.replicas"),
)
"""What acts take, shared by all ladders."""

LADDERS = {
    "errors": ((NONE, "reconnect", "fallback", "restart", "roll_back"), 3),
    "slow": ((NONE, "limit", "no_retries", "fallback", "scale", "restart", "roll_back"), 3),
    "saturated": ((NONE, "limit", "queue", "no_retries", "scale", "restart"), 2),
    "memory": ((NONE, "scale", "restart", "roll_back"), 2),
    "unresponsive": ((NONE, "reconnect", "fallback", "scale", "restart"), 3),
    "dependency": ((NONE, "reconnect", "fallback", "limit", "no_retries"), 2),
}
"""For each kind of issue, the acts that can help at all, and how many steps its ladder has."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one override: a switch gene and one gene for each setting it may change."""

    name: str
    where: dict[str, str]
    paths: tuple[str, ...]


_CALLS = ("retry.max_attempts", "timeout.call_s")

OVERRIDE_SLOTS = (
    Slot(
        "store",
        {"kind": "store"},
        ("timeout.call_s", "detection.memory_share", "detection.slow_factor"),
    ),
    Slot("queue", {"kind": "queue"}, ("retry.max_attempts", "concurrency.queue_limit")),
    Slot("high", {"criticality": "high"}, _CALLS),
    Slot("low", {"criticality": "low"}, _CALLS),
    Slot("basic", {"level": "basic"}, _CALLS),
    Slot("soft", {"edge": "soft"}, _CALLS),
)
"""Overrides that a space may search besides the defaults; the first `MOST_OVERRIDES` switched on
are written. A store is most often one replica, whose guard hangs on what counts as slow or full;
the other slots change how patient calls are: of those that matter most, least, or may fail."""

MOST_OVERRIDES = 4


def slots_for(places: Iterable[Mapping[str, str]]) -> tuple[Slot, ...]:
    """The slots that hold at one place of a system at least; a gene for none only costs.

    Args:
        places: what overrides may ask of each component and edge (scenarios/where.py).
    """
    known = list(places)
    return tuple(
        slot
        for slot in OVERRIDE_SLOTS
        if any(all(at.get(key) == value for key, value in slot.where.items()) for at in known)
    )

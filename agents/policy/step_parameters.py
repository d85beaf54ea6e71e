"""The part of the parameter table that a policy file writes once for each step of a ladder."""

from dataclasses import dataclass

from hms.agents.policy.kinds import ACT_NAMES
from hms.agents.policy.tunable import choice, tunable


@dataclass(frozen=True, slots=True)
class StepParameters:
    """One step of a ladder: what is done, and how long its effect is waited for."""

    act: int = choice("what is done", *ACT_NAMES)
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

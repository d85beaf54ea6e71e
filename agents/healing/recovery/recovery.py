"""Who can do what about an issue, and in which order they are asked (3.4.2, 5.2, 8.2).

Two kinds: custom strategies, which a component registers and which say themselves what they
can handle; and targets, which carry out an act that the policy's ladder chose. A built-in
strategy is both: a target where the policy has a ladder for the issue, else a strategy like
any other. A custom strategy goes before the ladder's first step of its level or above.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from hms.agents.healing.interface import Issue, RecoveryLevel, RecoveryStrategy
from hms.agents.policy.kinds import (
    ACT_NAMES,
    ADJUST,
    CUSTOM_ACT,
    FALLBACK,
    RECONNECT,
    RESTART,
    SCALE,
    TARGET_MAX_ATTEMPTS,
    TARGET_NAMES,
)
from hms.agents.policy.policy_values import nearest
from hms.errors import ConfigRefused

if TYPE_CHECKING:
    from hms.agents.healing.actions import HealingAction
    from hms.agents.healing.calls.dependencies import Dependencies
    from hms.agents.healing.recovery.trial import Trial
    from hms.agents.policy.component import Act

Target: TypeAlias = "Callable[[Issue, float], Any]"
"""Carries out one act; gets the issue and the act's amount (replicas, new value, seconds)."""

Undo: TypeAlias = "Callable[[Issue, HealingAction], Any]"
"""Takes an act back, or makes good for it; gets the issue and what was done."""

LEVELS: Mapping[int, RecoveryLevel] = {
    ADJUST: RecoveryLevel.LOW,
    RECONNECT: RecoveryLevel.LOW,
    FALLBACK: RecoveryLevel.LOW,
    SCALE: RecoveryLevel.MEDIUM,
    RESTART: RecoveryLevel.HIGH,
    CUSTOM_ACT: RecoveryLevel.HIGH,
}
ROLL_BACK = "roll_back"
CARRIED = (*ACT_NAMES[1:], *TARGET_NAMES, ROLL_BACK)
"""What a target can be registered for."""

REVERSIBLE, DISRUPTIVE, DESTRUCTIVE = "reversible", "disruptive", "destructive"
CLASSES = (REVERSIBLE, DISRUPTIVE, DESTRUCTIVE)
VERIFICATION_S = 10.0


@dataclass(slots=True)
class Registered:
    """A strategy with what it declared when it was registered.

    Attributes:
        level: how disruptive it is; lower ones are tried first.
        priority: within a level, higher comes first.
        act_class: reversible, disruptive (asks the guard) or destructive (never automatic).
        expected_effect: what is to be seen when it helped, for people.
        limit_s: its own limit of time; 0: a third of `healing_timeout`.
        replaces: the ladder's act whose target it is, too; empty for a custom strategy.
        trial: how it stands; made at its first act.
    """

    strategy: RecoveryStrategy
    name: str
    level: RecoveryLevel
    priority: int
    act_class: str
    expected_effect: str
    verification_s: float
    cool_down_s: float
    limit_s: float
    replaces: str = ""
    trial: Trial | None = None

    def standing(self) -> Trial:
        """Its trial, made when first asked for."""
        if self.trial is None:
            from hms.agents.healing.recovery.trial import Trial, one_step

            disruptive = self.act_class == DISRUPTIVE
            self.trial = Trial(one_step(disruptive, self.verification_s, self.cool_down_s))
        return self.trial

    @property
    def undo(self) -> Undo | None:
        """How its act is taken back, if it says."""
        return getattr(self.strategy, "undo", None)

    def key(self, issue: Issue) -> str:
        """The strategy's own idempotency key; empty when it has none."""
        own = getattr(self.strategy, "idempotency_key", None)
        return str(own(issue)) if own is not None else ""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who carries out one act of the ladder, and who takes it back."""

    do: Target
    undo: Undo | None = None
    can_handle: Callable[[Issue], bool] | None = None


@dataclass(slots=True)
class RecoveryRegistry:
    """Strategies and targets of one instance.

    Args:
        dependencies: whose calls a ladder may have repeated less often; None: nobody's.
    """

    dependencies: Dependencies | None = None
    skipped: int = 0  # times that a `can_handle` raised
    strategies: list[Registered] = field(default_factory=list)
    carriers: dict[str, Carrier] = field(default_factory=dict)

    def register_strategy(self, strategy: RecoveryStrategy) -> None:
        """Add a strategy; of equal level and priority the first one stays first.

        Raises:
            ConfigRefused: it lacks a method, its name is taken, or it declares nonsense.
        """
        if not isinstance(strategy, RecoveryStrategy):
            raise ConfigRefused(
                f"{strategy!r} is no recovery strategy\n"
                "    expected: name, can_handle, recover, priority, level"
            )
        if any(each.name == strategy.name() for each in self.strategies):
            raise ConfigRefused(f"a strategy named `{strategy.name()}` is registered already")
        added = declared(strategy)
        if added.replaces:
            perform, undo = strategy.perform, added.undo  # type: ignore[attr-defined]
            self.carriers[added.replaces] = Carrier(perform, undo, strategy.can_handle)
        self.strategies.append(added)
        self.strategies.sort(key=lambda each: (each.level, -each.priority))

    def register_target(self, act: str, target: Target, undo: Undo | None = None) -> None:
        """Say who carries out the ladder's act of this name, and who takes it back.

        Args:
            act: the act; of `adjust` the parameter that is set, of `custom` its name `roll_back`,
                where it is not for all of them.
            target, undo: see `Target` and `Undo`.

        Raises:
            ConfigRefused: no such act.
        """
        if act not in CARRIED:
            near = nearest(act, CARRIED)
            raise ConfigRefused(
                f"unknown act `{act}`\n    expected: {', '.join(CARRIED)}"
                + (f"\n    nearest: `{near}`" if near else "")
            )
        self.carriers[act] = Carrier(target, undo)

    def carrier_of(self, act: Act, issue: Issue, passed_over: list[str]) -> Carrier | None:
        """Who carries this act out; None where nobody can, and that is said."""
        name = carried_name(act)
        carrier = self.carriers.get(name) or self.carriers.get(ACT_NAMES[act.kind])
        if carrier is None and name == TARGET_NAMES[TARGET_MAX_ATTEMPTS]:
            carrier = self._own_attempts(name)
        if carrier is None:
            passed_over.append(f"{name}: no target is registered for it")
            return None
        able = carrier.can_handle is None or self._asks(
            carrier.can_handle, issue, name, passed_over
        )
        return carrier if able else None

    def _own_attempts(self, name: str) -> Carrier | None:
        """How often its calls are tried is the instance's own: nobody needs to be registered."""
        if self.dependencies is None:
            return None
        from hms.agents.healing.strategies.fewer_attempts import FewerAttempts

        own = FewerAttempts(self.dependencies)
        carrier = self.carriers[name] = Carrier(own.perform, own.undo)
        return carrier

    def able(
        self, issue: Issue, passed_over: list[str], *, with_ladder: bool
    ) -> list[Registered]:
        """Strategies that can handle it, lowest level first, then by priority.

        Args:
            issue: what is wrong.
            passed_over: gets a line for each whose `can_handle` raised.
            with_ladder: the policy has a ladder for the issue, which places the built-in ones.
        """
        return [
            each
            for each in self.strategies
            if each.act_class != DESTRUCTIVE
            and not (with_ladder and each.replaces)
            and self._asks(each.strategy.can_handle, issue, each.name, passed_over)
        ]

    def _asks(
        self, can_handle: Callable[[Issue], bool], issue: Issue, name: str, passed_over: list[str]
    ) -> bool:
        try:
            return bool(can_handle(issue))
        except Exception as error:  # noqa: BLE001 - the heal loop outlives its strategies
            self.skipped += 1
            passed_over.append(f"{name}: can_handle raised {error!r}")
            return False


def carried_name(act: Act) -> str:
    """Under which name somebody carries it out: the act's, or what exactly it is."""
    if act.kind == ADJUST:
        return TARGET_NAMES[act.target]
    return ROLL_BACK if act.kind == CUSTOM_ACT and act.target == 0 else ACT_NAMES[act.kind]


def declared(strategy: RecoveryStrategy) -> Registered:
    """What a strategy says of itself, with defaults for what it leaves unsaid.

    Raises:
        ConfigRefused: an unknown class, or a time that is none.
    """
    level = RecoveryLevel(strategy.level())
    unsaid = DISRUPTIVE if level is RecoveryLevel.HIGH else REVERSIBLE
    act_class = str(getattr(strategy, "class_", unsaid))
    if act_class not in CLASSES:
        raise ConfigRefused(
            f"strategy `{strategy.name()}` is of class `{act_class}`\n"
            f"    expected: {', '.join(CLASSES)}\n    nearest: {nearest(act_class, CLASSES)}"
        )
    return Registered(
        strategy=strategy,
        name=strategy.name(),
        level=level,
        priority=strategy.priority(),
        act_class=act_class,
        expected_effect=str(getattr(strategy, "expected_effect", "the issue is gone")),
        verification_s=_declared_s(strategy, "verification_s", VERIFICATION_S),
        cool_down_s=_declared_s(strategy, "cool_down_s", 0.0),
        limit_s=_declared_s(strategy, "limit_s", 0.0),
        replaces=str(getattr(strategy, "carries", "")),
    )


def _declared_s(strategy: RecoveryStrategy, name: str, unsaid_s: float) -> float:
    told_s = float(getattr(strategy, name, unsaid_s))
    if not 0.0 <= told_s < math.inf:
        raise ConfigRefused(
            f"strategy `{strategy.name()}`: {name} is {told_s}\n    expected: seconds, 0 or more"
        )
    return told_s


def escalated(strategies: Sequence[Registered], floor: int) -> list[Registered]:
    """After an act of level `floor` did not help: what is above it first, then the others."""
    above = [each for each in strategies if each.level > floor]
    return above + [each for each in strategies if each.level <= floor]

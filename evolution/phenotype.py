"""From gene values to a policy file's mapping and back: which settings are in use.

`write_mapping` leaves out every setting that the others switch off; what it writes is the
smallest file that means the same. `read_values` is its inverse on what it wrote.

Genes vary alone, so values meet that no person would write beside each other: an attempt that may
take longer than all attempts together, a first wait above the longest, a cool-down of 5
microseconds. `sane` writes what such values do anyway, so that nothing behaves otherwise, two
genomes that differ only there have one hash, and the file makes sense to whoever merges it.
Policies that are files, the baselines, are not decoded and stay as they are written.
"""

from collections.abc import Sequence
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy, Override, Step
from hms.agents.policy.parameters import table
from hms.evolution.genes import (
    ALWAYS,
    FORMS,
    LADDERS,
    MOST_OVERRIDES,
    NONE,
    REPLICA_ALWAYS,
    SOUGHT,
    Form,
    Slot,
)

Values = dict[str, Any]

SCHEMA = "hms.policy/1"
_RETRY_ON = "retry_on_"
_ROWS = {row.path: row for row in table()}
_RATES = ("failure_rate", "slow_call_rate")
_WITHIN = (("timeout.call_s", "timeout.total_s"), ("retry.base_s", "retry.max_s"))
_CONTROL_PERIOD_S = 1.0  # acts are decided once in it: a cool-down below it never waits


def write_mapping(values: Values, slots: Sequence[Slot]) -> dict[str, Any]:
    """The policy file that the values mean, without what they switch off.

    Args:
        values: every gene's value by path (`Space.values`).
        slots: the overrides whose genes are among them.
    """
    values = sane(values)
    acts = {
        issue: [
            act
            for step in range(1, length + 1)
            if (act := values[f"ladder.{issue}.{step}"]) != NONE
        ]
        for issue, (_, length) in LADDERS.items()
    }
    used = {act for ladder in acts.values() for act in ladder}
    mapping: dict[str, Any] = {
        "schema": SCHEMA,
        "breaker": _breaker(_group(values, "breaker")),
        "retry": _retry(_group(values, "retry")),
        "timeout": _group(values, "timeout"),
        "concurrency": _group(values, "concurrency"),
    }
    if used:
        mapping["detection"] = _group(values, "detection")
        mapping["verification"] = _group(values, "verification")
        mapping["recovery"] = {
            issue: [_step(values, FORMS[act]) for act in ladder]
            for issue, ladder in acts.items()
            if ladder
        }
    if any(FORMS[act].disrupts for act in used):
        mapping["guard"] = _group(values, "guard")
    overrides = [found for slot in slots if (found := _override(values, slot, mapping))]
    if overrides:
        mapping["overrides"] = overrides[:MOST_OVERRIDES]
    return mapping


def sane(values: Values) -> Values:
    """The values with those that contradict others as they act: a fixed rule, done twice is once.

    - `timeout.call_s` is at most `timeout.total_s` where both are set, an override's too;
    - `retry.base_s` is at most `retry.max_s`, which is no gene but a default;
    - a cool-down shorter than the control period is none.
    """
    repaired = dict(values)
    for path, value in values.items():
        if path.endswith(".cool_down_s") and value < _CONTROL_PERIOD_S:
            repaired[path] = 0.0
        for own, limit in _WITHIN:
            if path == own or path.endswith(f".{own}"):
                most = values.get(limit, _ROWS[limit].default)
                if most != _ROWS[limit].off:
                    repaired[path] = min(value, most)
    return repaired


def read_values(policy: HealingPolicy, slots: Sequence[Slot]) -> Values:
    """Gene values of a policy by path; genes it says nothing about are absent."""
    values: Values = {
        sought.path: _worded(sought.path, policy.value(sought.path)) for sought in SOUGHT
    }
    for issue, (choices, length) in LADDERS.items():
        acts = [(_act_of(step), step) for step in policy.recovery.get(issue, ())]
        kept = [(act, step) for act, step in acts if act in choices and act != NONE][:length]
        for place, (act, step) in enumerate(kept, start=1):
            values[f"ladder.{issue}.{place}"] = act
            for path, amount in _amounts_of(step, FORMS[act]).items():
                values.setdefault(path, amount)
    for slot in slots:
        values.update(_slot_values(policy, slot))
    return values


def _group(values: Values, group: str) -> dict[str, Any]:
    prefix = f"{group}."
    return {
        path.removeprefix(prefix): value
        for path, value in values.items()
        if path.startswith(prefix)
    }


def _always(settings: dict[str, object], group: str) -> dict[str, object]:
    prefix = f"{group}."
    return {
        path.removeprefix(prefix): value
        for path, value in settings.items()
        if path.startswith(prefix)
    }


def _breaker(found: dict[str, Any]) -> dict[str, Any]:
    """The breaker's settings that matter in its scope; one that cannot open is off.

    Of whole edges: rates over a window, or a run of failures. Of replicas (outlier.py): a run of
    failures, or a rate at each sweep; nothing slow, no window, no probes.
    """
    replica = found["scope"] == "replica"
    rates = [name for name in _RATES if not _is_off(f"breaker.{name}", found[name])]
    if replica:
        rates = [name for name in rates if name == "failure_rate"]
    if not found["enabled"] or not (rates or found["consecutive_failures"] > 0):
        return {"enabled": False}
    unused: set[str] = {"slow_call_s"} if "slow_call_rate" not in rates else set()
    if not rates:
        unused |= {"window_s", "minimum_calls"}
    if replica:
        unused |= {"slow_call_rate", "window_s", "half_open_calls"}
    kept = {key: value for key, value in found.items() if key not in unused}
    if rates:
        kept |= _always(ALWAYS, "breaker")
    return kept | (_always(REPLICA_ALWAYS, "breaker") if replica else {})


def _retry(found: dict[str, Any]) -> dict[str, Any]:
    """Without a second attempt, or without a reason for one, there is nothing else to say."""
    reasons = [
        key.removeprefix(_RETRY_ON) for key, on in found.items() if key.startswith(_RETRY_ON) and on
    ]
    if found["max_attempts"] < 2 or not reasons:
        return {"max_attempts": 1}
    kept = {key: value for key, value in found.items() if not key.startswith(_RETRY_ON)}
    return kept | {"retry_on": reasons} | _always(ALWAYS, "retry")


def _step(values: Values, form: Form) -> dict[str, Any]:
    step: dict[str, Any] = {"act": form.act, "patience_s": values[form.patience]}
    if form.cool_down:
        step["cool_down_s"] = values[form.cool_down]
    if form.key:
        amount = values[form.amount] if form.amount else form.value
        if form.act == "adjust":
            step["set"] = {form.key: amount}
        else:
            step[form.key] = amount
    return step


def _override(values: Values, slot: Slot, mapping: dict[str, Any]) -> dict[str, Any] | None:
    """The slot's override: the settings in which it differs from the rest of the policy."""
    if not values[f"override.{slot.name}"]:
        return None
    retries = mapping["retry"]["max_attempts"] > 1
    changed: dict[str, Any] = {}
    for path in slot.paths:
        group, name = path.split(".")
        value = values[f"override.{slot.name}.{path}"]
        own = mapping.get(group, {}).get(name, value)  # absent: switched off by the rest
        if value != own and (retries or group != "retry"):
            changed[path] = value
    return {"where": dict(slot.where), "set": changed} if changed else None


def _slot_values(policy: HealingPolicy, slot: Slot) -> Values:
    """The slot's genes from the override with the same `where`, else the policy's own values."""
    found: Override | None = next(
        (each for each in policy.overrides if each.where == slot.where), None
    )
    values: Values = {f"override.{slot.name}": found is not None}
    for path in slot.paths:
        own = policy.value(path)
        value = own if found is None else found.set.get(path, own)
        values[f"override.{slot.name}.{path}"] = _worded(path, value)
    return values


def _act_of(step: Step) -> str:
    """The ladder's word for a step; `none` for a step that no form can write."""
    for act, form in FORMS.items():
        if form.act != step.act:
            continue
        if form.act == "adjust" and form.key != step.target:
            continue
        if form.act == "custom" and form.value != step.name:
            continue
        return act
    return NONE


def _amounts_of(step: Step, form: Form) -> Values:
    """Values of the genes that the step's form reads."""
    found: Values = {form.patience: step.patience_s}
    if form.cool_down:
        found[form.cool_down] = step.cool_down_s
    if form.amount:
        found[form.amount] = step.value if form.act == "adjust" else getattr(step, form.key)
    return found


def _worded(path: str, value: Any) -> Any:
    """A choice by its word, as a file says it; other values as they are."""
    row = _ROWS[path]
    return row.choices[int(value)] if row.choices else value


def _is_off(path: str, value: Any) -> bool:
    return bool(value == _ROWS[path].off)

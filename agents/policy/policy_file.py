"""The policy file (docs/formats.md, "Policy file"): plain data to a policy's parts, and back.

All mistakes are gathered, each with its path, so that a reader of files can put the line on
it. Whatever `write` gives, `read` takes back unchanged.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hms.agents.policy.kinds import ACT_NAMES, ISSUE_NAMES, LADDER_STEPS, TARGET_NAMES, WINDOW_COUNT
from hms.agents.policy.parameters import GROUPS, Tunable, Value, rows, step_table
from hms.agents.policy.policy_values import (
    RETRY_ON_PATHS,
    ROWS,
    Path,
    Problem,
    read_paths,
    read_retry_on,
    read_value,
    unknown,
    write_paths,
    write_value,
)

SCHEMA = "hms.policy/1"
OVERRIDES_MAX = 4
VALUES_MAX = 1000
"""More than any policy has; each mistake is compared with all names, which takes its time."""

WHERE: dict[str, tuple[str, ...]] = {
    "kind": ("service", "store", "queue", "client"),
    "criticality": ("low", "normal", "high"),
    "level": ("basic", "advanced", "full"),
    "edge": ("soft", "hard"),
    "protocol": (),  # any text
}
ISSUES = ISSUE_NAMES[1:]
STEP_ROWS: dict[str, Tunable] = {row.path.removeprefix("step."): row for row in step_table()}
TIMED = tuple(name for name in STEP_ROWS if name not in ("act", "replicas", "duration_s"))
OWN_KEYS = {"adjust": "set", "scale": "replicas", "fallback": "duration_s", "custom": "name"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a ladder. `target` and `value`: what adjust sets; `name`: of a custom act."""

    act: str = "none"
    patience_s: float = 10.0
    cool_down_s: float = 0.0
    delay_first_s: float = 0.0
    delay_multiplier: float = 2.0
    delay_max_s: float = 300.0
    delay_reset_s: float = 60.0
    replicas: int = 1
    duration_s: float = 30.0
    target: str = ""
    value: float = 0.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """Other values where everything in `where` holds; later overrides win."""

    where: dict[str, str]
    set: dict[str, Value]

    def holds(self, where: Mapping[str, str]) -> bool:
        """Whether everything in `where` is so there."""
        return all(where.get(key) == value for key, value in self.where.items())


@dataclass(slots=True)
class Parts:
    """What a policy consists of; `groups` holds one parameter record each."""

    about: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    recovery: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()


def read(data: Any) -> tuple[Parts, list[Problem]]:
    """All parts and all mistakes; the parts are of use only where there is no mistake."""
    problems: list[Problem] = []
    parts = Parts(groups={name: record() for name, record in GROUPS.items()})
    if not isinstance(data, dict):
        return parts, [Problem((), f"{type(data).__name__} is no policy", f"schema: {SCHEMA}")]
    if more_than(VALUES_MAX, data):
        most = f"at most {VALUES_MAX} values: every parameter, ladder and override has room"
        return parts, [Problem((), "too much for a policy", most)]
    known = ("schema", "about", *GROUPS, "recovery", "overrides")
    problems += [unknown((key,), "key", key, known) for key in data if key not in known]
    _read_schema(data.get("schema"), problems)
    about = data.get("about", {})
    if isinstance(about, dict):
        parts.about = about
    else:
        problems.append(Problem(("about",), "no mapping", "{name: …, made_by: …}"))
    for name, record in GROUPS.items():
        if name in data:
            parts.groups[name] = record(**_read_group(name, record, data[name], problems))
    parts.recovery = _read_recovery(data.get("recovery", {}), problems)
    parts.overrides = _read_overrides(data.get("overrides", []), problems)
    if not problems:
        problems = contradictions(parts)
    return parts, problems


def more_than(most: int, data: Any) -> bool:
    """Whether there are more values, lists and mappings in it than that."""
    left = [data]
    for seen in range(most + 1):
        if not left:
            return False
        each = left.pop()
        if isinstance(each, dict | list):
            if len(each) > most - seen:
                return True
            left.extend(each.values() if isinstance(each, dict) else each)
    return True


def _read_schema(given: Any, problems: list[Problem]) -> None:
    if given == SCHEMA:
        return
    newer = isinstance(given, str) and re.fullmatch(r"hms\.policy/([2-9]|[1-9]\d+)", given)
    what = "is newer than this version reads" if newer else "is not a policy's schema"
    if given is None:
        what = "is missing"
    problems.append(Problem(("schema",), f"schema {given or ''} {what}", SCHEMA))


def _read_group(
    group: str, record: type[Any], given: Any, problems: list[Problem]
) -> dict[str, Value]:
    if not isinstance(given, dict):
        problems.append(Problem((group,), f"{given!r} is no mapping", "parameter: value"))
        return {}
    known = {r.path.split(".")[1]: r for r in rows(group, record) if r.path not in RETRY_ON_PATHS}
    found: dict[str, Value] = {}
    for key, value in given.items():
        path = (group, key)
        if group == "retry" and key == "retry_on":
            on = read_retry_on(value, path, problems)
            found.update({name.split(".")[1]: held for name, held in on.items()})
        elif key not in known:
            names = [*known, "retry_on"] if group == "retry" else list(known)
            problems.append(unknown(path, "key", key, names))
        else:
            held = read_value(known[key], value, path, problems)
            if held is not None:
                found[key] = held
    return found


def _read_recovery(given: Any, problems: list[Problem]) -> dict[str, tuple[Step, ...]]:
    found: dict[str, tuple[Step, ...]] = {}
    if not isinstance(given, dict):
        problems.append(Problem(("recovery",), f"{given!r} is no mapping", "issue: [steps]"))
        return found
    for issue, ladder in given.items():
        path: Path = ("recovery", issue)
        if issue not in ISSUES:
            problems.append(unknown(path, "issue", issue, ISSUES))
        elif not isinstance(ladder, list) or len(ladder) > LADDER_STEPS:
            what = "is no list" if not isinstance(ladder, list) else "is too long"
            problems.append(Problem(path, f"the ladder {what}", f"at most {LADDER_STEPS} steps"))
        else:
            steps = [read_step(s, (*path, i), problems) for i, s in enumerate(ladder)]
            found[issue] = tuple(step for step in steps if step is not None)
            for i, step in enumerate(steps[:-1]):
                if step is not None and step.act == "none":
                    problems.append(Problem((*path, i), "`none` ends a ladder", "no step after it"))
    return found


def read_step(given: Any, path: Path, problems: list[Problem]) -> Step | None:
    """One step: `{act: restart, patience_s: 20}` and what its act needs; None: no such act."""
    if not isinstance(given, dict) or given.get("act") not in ACT_NAMES:
        act = given.get("act") if isinstance(given, dict) else given
        problems.append(unknown((*path, "act"), "act", act, ACT_NAMES))
        return None
    act = str(given["act"])
    known = ["act"] if act == "none" else ["act", *TIMED]
    known += [OWN_KEYS[act]] if act in OWN_KEYS else []
    held: dict[str, Any] = {"act": act}
    for key, value in given.items():
        if key not in known:
            problems.append(unknown((*path, key), f"key of `{act}`", key, known))
        elif key in STEP_ROWS and key != "act":
            read_one = read_value(STEP_ROWS[key], value, (*path, key), problems)
            if read_one is not None:
                held[key] = read_one
    if act == "adjust":
        held.update(_read_adjust(given.get("set"), (*path, "set"), problems))
    if act == "custom":
        held["name"] = str(given.get("name", ""))
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", held["name"]):
            problems.append(
                Problem((*path, "name"), "a custom act needs a name", "such as roll_back")
            )
    return Step(**held)


def _read_adjust(given: Any, path: Path, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(given, dict) or len(given) != 1:
        what = "adjust sets exactly one parameter"
        problems.append(Problem(path, what, f"{{{TARGET_NAMES[0]}: 24}}"))
        return {}
    (target,) = given
    if target not in TARGET_NAMES:
        problems.append(unknown((*path, target), "parameter to adjust", target, TARGET_NAMES))
        return {}
    value = read_value(ROWS[target], given[target], (*path, target), problems)
    return {"target": target, "value": float(value or 0)}


def _read_overrides(given: Any, problems: list[Problem]) -> tuple[Override, ...]:
    if not isinstance(given, list) or len(given) > OVERRIDES_MAX:
        what = "no list" if not isinstance(given, list) else f"{len(given)} overrides"
        problems.append(Problem(("overrides",), what, f"a list of at most {OVERRIDES_MAX}"))
        return ()
    found: list[Override] = []
    for i, each in enumerate(given):
        path: Path = ("overrides", i)
        if not isinstance(each, dict) or set(each) != {"where", "set"}:
            problems.append(Problem(path, f"{each!r} is no override", "{where: {…}, set: {…}}"))
            continue
        where = _read_where(each["where"], (*path, "where"), problems)
        found.append(Override(where, read_paths(each["set"], (*path, "set"), problems)))
    return tuple(found)


def _read_where(given: Any, path: Path, problems: list[Problem]) -> dict[str, str]:
    if not isinstance(given, dict) or not given:
        problems.append(Problem(path, f"{given!r} says not where", "{criticality: high}"))
        return {}
    for key, value in given.items():
        if key not in WHERE:
            problems.append(unknown((*path, key), "key", key, WHERE))
        elif not isinstance(value, str) or (WHERE[key] and value not in WHERE[key]):
            problems.append(unknown((*path, key), key, value, WHERE[key]))
    return {str(key): str(value) for key, value in given.items()}


def contradictions(parts: Parts) -> list[Problem]:
    """Values each legal, together without meaning (ADR 0005, A4)."""
    found: list[Problem] = []
    held = {path: getattr(parts.groups[path.split(".")[0]], path.split(".")[1]) for path in ROWS}
    for i, change in enumerate([{}, *(each.set for each in parts.overrides)]):
        now = {**held, **change}
        size, least = now["breaker.window_calls"], now["breaker.minimum_calls"]
        if now["breaker.window_kind"] == WINDOW_COUNT and least > size:
            path: Path = ("breaker", "minimum_calls") if i == 0 else ("overrides", i - 1, "set")
            what = f"minimum_calls {least} never fit a window of {size} calls"
            found.append(Problem(path, what, f"at most {size}"))
            if i == 0:
                break  # the overrides would only repeat it
    return found


def write(parts: Parts, *, sparse: bool = False) -> dict[str, Any]:
    """The file's form; `sparse` leaves out what is a default."""
    data: dict[str, Any] = {"schema": SCHEMA}
    if parts.about:
        data["about"] = dict(parts.about)
    for name, record in GROUPS.items():
        group = _write_group(name, record, parts.groups[name], sparse)
        if group or not sparse:
            data[name] = group
    if parts.recovery:
        data["recovery"] = {
            issue: [write_step(step, sparse) for step in parts.recovery[issue]]
            for issue in ISSUES
            if issue in parts.recovery
        }
    if parts.overrides:
        data["overrides"] = [
            {"where": dict(each.where), "set": write_paths(each.set)} for each in parts.overrides
        ]
    return data


def _write_group(group: str, record: type[Any], values: Any, sparse: bool) -> dict[str, Any]:
    kept = {
        row.path: getattr(values, row.path.split(".")[1])
        for row in rows(group, record)
    }
    if sparse:
        default = record()
        changed = {p for p, v in kept.items() if v != getattr(default, p.split(".")[1])}
        if changed & set(RETRY_ON_PATHS):
            changed |= set(RETRY_ON_PATHS)
        kept = {path: value for path, value in kept.items() if path in changed}
    return {path.split(".")[1]: value for path, value in write_paths(kept).items()}


def write_step(step: Step, sparse: bool) -> dict[str, Any]:
    """A step with the keys that its act has."""
    if step.act == "none":
        return {"act": "none"}
    written: dict[str, Any] = {"act": step.act}
    default = Step()
    own = OWN_KEYS.get(step.act, "")
    if own == "set":
        value = write_value(ROWS[step.target], ROWS[step.target].kind(step.value))
        written["set"] = {step.target: value}
    elif own:
        written[own] = getattr(step, own)
    for each in fields(Step):
        value = getattr(step, each.name)
        if each.name in TIMED and not (sparse and value == getattr(default, each.name)):
            written[each.name] = value
    return written

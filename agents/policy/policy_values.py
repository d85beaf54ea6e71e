"""One value of a policy file: from what a person wrote to what a record holds, and back."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hms.agents.policy.kinds import ATTEMPT_NAMES
from hms.agents.policy.parameters import Tunable, Value, table

Path = tuple[str | int, ...]

NAME_MAX = 64
SHOWN_MAX = 20  # mistakes of a file that a reader of it gets to see

RETRY_ON = "retry.retry_on"
OUTCOMES = ATTEMPT_NAMES[1:]
RETRY_ON_PATHS = tuple(f"{RETRY_ON}_{outcome}" for outcome in OUTCOMES)
ROWS: dict[str, Tunable] = {row.path: row for row in table()}

_SHARES = ("rate", "share", "ratio")
UNITS = {
    "s": "in seconds",
    "rps": "times a second",
    "calls": "in calls",
    **dict.fromkeys(_SHARES, "a share from 0 to 1"),
}
"""What the endings of our names mean."""
_TIMES = ("ns", "us", "ms", "sec", "secs", "seconds", "millis", "min", "mins", "minutes", "m", "h")
MISTAKEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_TIMES, ("s",)),
    **dict.fromkeys(("percent", "pct"), _SHARES),
    "s": ("rps", "calls"),
    "calls": ("s",),
}
"""For an ending that a person may have written, the endings that are ours."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a policy, with what was expected; the reader of the file adds the line."""

    path: Path
    what: str
    expected: str = ""
    nearest: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = ".".join(str(part) for part in self.path)
        told = f"{where}: {self.what}" if where else self.what
        if self.expected:
            told += f"; expected {self.expected}"
        return f"{told}; nearest: `{self.nearest}`" if self.nearest else told


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one; "" when none is near."""
    if len(str(name)) > NAME_MAX:
        return ""  # comparing takes time with the length, and no name of ours is so long
    import difflib  # only who errs needs it

    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def unknown(path: Path, what: str, name: Any, known: Iterable[str]) -> Problem:
    """A name that is not among the known ones; one that errs only in its unit is told so."""
    names = list(known)
    meant = other_units(str(name), names)
    if meant:
        told = " or ".join(f"`{each}`, {UNITS[each.rpartition('_')[2]]}" for each in meant)
        return Problem(path, f"wrong unit: {what} `{name}`", told, meant[0])
    return Problem(path, f"unknown {what} `{name}`", ", ".join(names), nearest(str(name), names))


def other_units(name: str, known: Iterable[str]) -> list[str]:
    """The known names that differ from this one only in their unit: open_s for open_ms or open."""
    stem, _, ending = name.rpartition("_")
    wanted = {f"{name}_{unit}" for unit in ("s", "rps", "calls")}
    wanted |= {f"{stem}_{unit}" for unit in MISTAKEN.get(ending, ())}
    if MISTAKEN.get(ending) == _SHARES and stem.endswith(_SHARES):
        wanted.add(stem)  # failure_rate_percent
    return [each for each in known if each in wanted]


def number_of(row: Tunable, value: float) -> str:
    """A bound of a row as people write it."""
    return str(int(value)) if row.kind is int else f"{value:g}"


def expected(row: Tunable) -> str:
    """What the file may say here, in words."""
    if row.scale == "switch":
        return "true or false"
    if row.choices:
        return "one of " + ", ".join(row.choices)
    kind = "a whole number" if row.kind is int else "a number"
    unit = f" ({row.unit})" if row.unit not in ("", "1") else ""
    told = f"{kind} from {number_of(row, row.least)} to {number_of(row, row.most)}{unit}"
    if row.off is None:
        return told
    return f"{told}, or off" if row.off > row.most else f"{told}, or {number_of(row, row.off)}"


def read_value(row: Tunable, given: Any, path: Path, problems: list[Problem]) -> Value | None:
    """What a record holds for what was written; None and a problem if that is not legal."""
    if row.scale == "switch":
        if isinstance(given, bool):
            return given
    elif row.choices:
        if isinstance(given, str) and given in row.choices:
            return row.choices.index(given)
        if isinstance(given, str):
            near = nearest(given, row.choices)
            problems.append(Problem(path, f"unknown choice `{given}`", expected(row), near))
            return None
    elif given == "off" and row.off is not None:
        return row.kind(row.off)  # type: ignore[no-any-return]
    elif isinstance(given, int | float) and not isinstance(given, bool):
        return _read_number(row, given, path, problems)
    problems.append(Problem(path, f"{given!r} is not legal here", expected(row)))
    return None


def _read_number(
    row: Tunable, given: float, path: Path, problems: list[Problem]
) -> Value | None:
    finite = isinstance(given, int) or math.isfinite(given)  # an int may be beyond all floats
    whole = finite and given == int(given)
    legal = finite and (row.least <= given <= row.most or given == row.off)
    if legal and (whole or row.kind is float):
        return int(given) if row.kind is int else float(given)
    what = "is not a finite number"
    if finite:
        what = "is out of range" if not legal else "is not a whole number"
    problems.append(Problem(path, f"{given!r} {what}", expected(row)))
    return None


def write_value(row: Tunable, value: Value) -> Value | str:
    """What the file says for what a record holds."""
    if row.choices:
        return row.choices[int(value)]
    if row.off is not None and value == row.off and row.off > row.most:
        return "off"
    return value


def read_retry_on(given: Any, path: Path, problems: list[Problem]) -> dict[str, Value]:
    """The five switches of `retry_on: [..]` by their paths."""
    if not isinstance(given, list):
        problems.append(Problem(path, f"{given!r} is no list", "a list of " + ", ".join(OUTCOMES)))
        return {}
    for i, outcome in enumerate(given):
        if outcome not in OUTCOMES:
            problems.append(unknown((*path, i), "outcome", outcome, OUTCOMES))
    return {
        p: outcome in given for p, outcome in zip(RETRY_ON_PATHS, OUTCOMES, strict=True)
    }


def read_paths(given: Any, path: Path, problems: list[Problem]) -> dict[str, Value]:
    """Values by dotted paths, as in an override's `set`."""
    found: dict[str, Value] = {}
    if not isinstance(given, dict):
        problems.append(Problem(path, f"{given!r} is no mapping", "parameter: value"))
        return found
    for name, value in given.items():
        if name == RETRY_ON:
            found.update(read_retry_on(value, (*path, name), problems))
        elif name not in ROWS:
            told = unknown((*path, name), "parameter", name, _compared(problems))
            listed = told.expected if other_units(str(name), ROWS) else ""  # not all 60 of them
            problems.append(Problem(told.path, told.what, listed, told.nearest))
        else:
            held = read_value(ROWS[name], value, (*path, name), problems)
            if held is not None:
                found[name] = held
    return found


def _compared(problems: list[Problem]) -> Iterable[str]:
    """The parameters that a wrong name is compared with: none once nobody reads the answer."""
    return ROWS if len(problems) < SHOWN_MAX else ()


def write_paths(values: dict[str, Value]) -> dict[str, Any]:
    """The inverse of `read_paths`."""
    written: dict[str, Any] = {}
    as_list = all(path in values for path in RETRY_ON_PATHS)
    for path, value in values.items():
        if as_list and path in RETRY_ON_PATHS:
            written[RETRY_ON] = [
                outcome for p, outcome in zip(RETRY_ON_PATHS, OUTCOMES, strict=True) if values[p]
            ]
        else:
            written[path] = write_value(ROWS[path], value)
    return written

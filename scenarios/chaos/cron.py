"""When a cron expression fires, as Chaos Mesh reads it (robfig/cron with optional seconds).

Five fields (minute hour day month weekday), six with seconds first, or a descriptor: `@every 5s`,
`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. A day must match the month and, where both
are restricted, the day of the month or the weekday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from hms.scenarios.chaos.quantities import LONGEST_TEXT, duration_s

REFERENCE = date(2026, 1, 1)
"""From which day a pattern's firings are searched; only their distances matter here."""

DAYS_SEARCHED = 366 * 5
SHORTEST_S = 1.0

_DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0", "@daily": "0 0 0 * * *", "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}  # fmt: skip
_BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMES: tuple[dict[str, int], ...] = (
    {}, {}, {}, {},
    {n: i for i, n in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)},
    {name: i for i, name in enumerate("sun mon tue wed thu fri sat".split())},
)  # fmt: skip
_PART = re.compile(r"(\*|\?|\w{1,3})(?:-(\w{1,3}))?(?:/(\d{1,3}))?")


class _Pattern(NamedTuple):
    """The allowed values of each field.

    Attributes:
        either_day: both kinds of day are restricted; one of them is enough then.
    """

    seconds: list[int]
    minutes: list[int]
    hours: list[int]
    days: list[int]
    months: list[int]
    weekdays: list[int]
    either_day: bool


def distances_s(expression: str, until_s: float, most: int) -> list[float] | None:
    """Seconds from the first firing to each firing before `until_s`, [0.0, …].

    Args:
        most: firings at most.

    Returns:
        None if the expression is none or never fires.
    """
    text = re.sub(r"^(CRON_)?TZ=\S+\s+", "", expression.strip())
    if len(text) > LONGEST_TEXT:
        return None
    if text.startswith("@every "):
        step_s = duration_s(text.removeprefix("@every ").strip())
        if step_s is None or step_s < SHORTEST_S:
            return None
        count = min(most, int(until_s / step_s) + 1)
        return [i * step_s for i in range(count) if i * step_s < until_s or i == 0]
    pattern = _parse(_DESCRIPTORS.get(text, text))
    if pattern is None:
        return None
    found: list[float] = []
    first: datetime | None = None
    for moment in _moments(pattern, most):
        first = first or moment
        distance = (moment - first).total_seconds()
        if distance >= until_s and found:
            break
        found.append(distance)
    return found or None


def _moments(pattern: _Pattern, most: int) -> Iterator[datetime]:
    """Firings in order, `most` of them, found within five years."""
    count = 0
    for number in range(DAYS_SEARCHED):
        day = REFERENCE + timedelta(days=number)
        if not _is_day(pattern, day):
            continue
        for hour in pattern.hours:
            for minute in pattern.minutes:
                for second in pattern.seconds:
                    if count == most:
                        return
                    count += 1
                    yield datetime.combine(day, time(hour, minute, second))


def _is_day(pattern: _Pattern, day: date) -> bool:
    in_month = day.day in pattern.days
    in_week = day.isoweekday() % 7 in pattern.weekdays
    fits = in_month or in_week if pattern.either_day else in_month and in_week
    return day.month in pattern.months and fits


def _parse(text: str) -> _Pattern | None:
    fields = text.lower().split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != len(_BOUNDS):
        return None
    values = [_values(f, *b, n) for f, b, n in zip(fields, _BOUNDS, _NAMES, strict=True)]
    if not all(values):
        return None
    restricted = [field[0] not in "*?" for field in (fields[3], fields[5])]
    seconds, minutes, hours, days, months, weekdays = values
    return _Pattern(seconds, minutes, hours, days, months, weekdays, all(restricted))


def _values(field: str, low: int, high: int, names: dict[str, int]) -> list[int]:
    """The values that a field allows, sorted; [] if it is wrong."""
    allowed: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return []
        start, end, step = match.groups()
        if start in "*?":
            first, last = low, high
        else:
            first = _number(start, names)
            last = _number(end, names) if end else (high if step else first)
        if not (low <= first <= last <= high) or (step and int(step) == 0):
            return []
        allowed.update(range(first, last + 1, int(step or 1)))
    return sorted(allowed)


def _number(text: str, names: dict[str, int]) -> int:
    """A number or a name; -1 if it is neither."""
    return names.get(text, int(text) if text.isdigit() else -1)

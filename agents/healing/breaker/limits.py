"""Parameters that no breaker can mean: refused where one is built, all of them by name."""

from __future__ import annotations

import dataclasses

from hms.agents.policy.kinds import WINDOW_COUNT
from hms.agents.policy.parameters import BreakerParameters
from hms.agents.policy.policy_values import ROWS, Problem, read_value
from hms.errors import ConfigRefused

_LEGAL: dict[int, BreakerParameters] = {}  # by identity: equality would take True for 1
_LEGAL_MAX = 64


def require_legal(p: BreakerParameters) -> None:
    """Refuse what is outside the parameter table or contradicts itself.

    Raises:
        ConfigRefused: names every mistake.
    """
    if _LEGAL.get(id(p)) is p:
        return
    problems: list[Problem] = []
    for each in dataclasses.fields(p):
        row, value = ROWS[f"breaker.{each.name}"], getattr(p, each.name)
        if not row.choices:
            read_value(row, value, (row.path,), problems)
        elif type(value) is not int or not 0 <= value < len(row.choices):
            problems.append(Problem((row.path,), f"{value!r} is no choice", str(row.choices)))
    if not problems:
        problems = _contradictions(p)
    if problems:
        told = [f"{each.path[0]}: {each.what}\n    expected: {each.expected}" for each in problems]
        raise ConfigRefused("\n".join(told))
    if len(_LEGAL) >= _LEGAL_MAX:
        _LEGAL.clear()
    _LEGAL[id(p)] = p


def _contradictions(p: BreakerParameters) -> list[Problem]:
    """Values each legal, together without meaning."""
    problems = []
    if p.window_kind == WINDOW_COUNT and p.minimum_calls > p.window_calls:
        what = f"{p.minimum_calls} results never fit in a window of {p.window_calls}"
        problems.append(Problem(("breaker.minimum_calls",), what, "at most window_calls"))
    if p.open_max_s < p.open_s:
        what = f"{p.open_max_s:g} s is below open_s, {p.open_s:g} s"
        problems.append(Problem(("breaker.open_max_s",), what, "at least the first open time"))
    return problems

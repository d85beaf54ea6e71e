"""Any legal policy, drawn from the parameter table."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import Tunable, table


def values_of(row: Tunable) -> st.SearchStrategy[Any]:
    """Every value that a file may give this parameter."""
    if row.scale == "switch":
        return st.booleans()
    if row.choices:
        return st.sampled_from(row.choices)
    if row.kind is int:
        legal: st.SearchStrategy[Any] = st.integers(int(row.least), int(row.most))
    else:
        legal = st.floats(row.least, row.most)
    return legal if row.off is None else st.one_of(st.just(row.kind(row.off)), legal)


def _legal(values: dict[str, Any]) -> HealingPolicy:
    least = min(values["breaker.minimum_calls"], values["breaker.window_calls"])
    return HealingPolicy().with_values({**values, "breaker.minimum_calls": least})


policies = st.fixed_dictionaries({row.path: values_of(row) for row in table()}).map(_legal)

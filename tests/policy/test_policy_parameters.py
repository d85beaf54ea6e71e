"""The parameter table, from which genome, documentation and exports are derived."""

import math
import re
from dataclasses import fields

import pytest

from hms.agents.policy import kinds
from hms.agents.policy.parameters import (
    GROUPS,
    BreakerParameters,
    RecoveryParameters,
    step_table,
    table,
)
from hms.agents.policy.policy_file import STEP_ROWS, Step

ALL = [*table(), *step_table()]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.path)
def test_every_row_is_whole(row):
    assert row.does
    assert row.scale in ("linear", "log", "integer", "choice", "switch")
    assert row.least <= row.low <= row.high <= row.most
    assert type(row.default) is row.kind
    legal = row.least <= row.default <= row.most or row.default == row.off
    assert legal
    assert math.isfinite(row.most)
    if row.scale == "log":
        assert row.low > 0.0
    if row.choices:
        assert (row.low, row.high, row.kind) == (0, len(row.choices) - 1, int)


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.path)
def test_the_unit_is_in_the_name(row):
    if row.unit == "s":
        assert row.path.endswith("_s")
    if row.unit == "1/s":
        assert row.path.endswith("_rps")
    assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", row.path)


def test_paths_are_unique_and_cover_every_field():
    paths = [row.path for row in table()]
    assert len(set(paths)) == len(paths)
    assert len(paths) == sum(len(fields(record)) for record in GROUPS.values())


def test_a_search_can_tighten_the_guard_but_never_loosen_it():
    for row in table():
        if row.path.startswith("guard."):
            assert row.high <= max(row.default, row.low)
    assert not next(row for row in table() if row.path == "guard.bound").searched


def test_the_defaults_are_the_runtimes():
    p = BreakerParameters()
    assert (p.window_calls, p.minimum_calls, p.failure_rate) == (20, 10, 0.5)
    assert (p.slow_call_rate, p.slow_call_s) == (1.0, 2.0)
    assert (p.open_s, p.open_multiplier, p.open_max_s, p.jitter_share) == (5.0, 2.0, 60.0, 0.1)
    assert (p.half_open_calls, p.half_open_lease_s) == (3, 10.0)


def test_choices_stand_where_decisions_look_for_them():
    words = {row.path: row.choices for row in table()}
    assert words["breaker.scope"][kinds.SCOPE_REPLICA] == "replica"
    assert words["breaker.window_kind"][kinds.WINDOW_TIME] == "time"
    assert words["breaker.open_growth"][kinds.GROWTH_LINEAR] == "linear"
    assert words["retry.jitter_kind"][kinds.JITTER_DECORRELATED] == "decorrelated"
    assert words["retry.jitter_kind"][kinds.JITTER_EQUAL] == "equal"
    assert words["retry.budget_kind"][kinds.BUDGET_IN_FLIGHT] == "in_flight"
    assert words["retry.budget_kind"][kinds.BUDGET_TOKENS] == "tokens"
    assert kinds.ACT_NAMES[kinds.CUSTOM_ACT] == "custom"
    assert kinds.ISSUE_NAMES[kinds.UNRESPONSIVE] == "unresponsive"
    assert len(kinds.ISSUE_NAMES) == kinds.ISSUE_KINDS
    assert kinds.PHASE_NAMES[kinds.METRICS_ONLY] == "metrics_only"
    assert kinds.CAUSE_NAMES[kinds.CAUSE_FORCED] == "forced"
    assert kinds.TARGET_NAMES[kinds.TARGET_MAX_ATTEMPTS] == "retry.max_attempts"
    assert kinds.ATTEMPT_NAMES[kinds.ATTEMPT_TIMEOUT] == "timeout"


def test_a_step_has_the_defaults_of_its_table():
    step = Step()
    for name, row in STEP_ROWS.items():
        if name != "act":
            assert getattr(step, name) == row.default
    assert kinds.LADDER_ENTRIES == kinds.ISSUE_KINDS * kinds.LADDER_STEPS
    assert all(len(getattr(RecoveryParameters(), each.name)) == kinds.LADDER_ENTRIES
               for each in fields(RecoveryParameters) if each.name != "verification")
